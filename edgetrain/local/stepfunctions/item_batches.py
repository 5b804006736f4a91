"""ItemBatcher: several of a Distributed Map's items for one child execution."""

from dataclasses import dataclass
from typing import Any

from edgetrain import limits
from edgetrain.local.stepfunctions import definition
from edgetrain.local.stepfunctions.documents import Document, to_text
from edgetrain.local.stepfunctions.failures import DATA_LIMIT_EXCEEDED, RUNTIME, EvaluationFailed, StateFailed
from edgetrain.local.stepfunctions.steps import Step


@dataclass(frozen=True)
class Batch:
    """What one child execution is started with, and how many items that is."""

    given: Document
    items: int


def batches(step: Step[Any], batcher: definition.ItemBatcher, data: Any, items: list[Any]) -> list[Batch]:
    """The items, in their order, in as few batches as the batcher allows.

    Raises:
        StateFailed: an item by itself is larger than a batch may be.
        EvaluationFailed: a number or the common input is none.
    """
    count = _most(step, "MaxItemsPerBatchPath", batcher.most_items, data) or len(items)
    size = _most(step, "MaxInputBytesPerBatchPath", batcher.most_bytes, data) or limits.STATE_PAYLOAD_BYTES
    size = min(size, limits.STATE_PAYLOAD_BYTES)
    common = {} if batcher.common is None else {"BatchInput": batcher.common.fill(data, step.context)}
    empty = len(to_text({**common, "Items": []}).encode())
    groups: list[list[Any]] = []
    used = 0
    for item in items:
        length = len(to_text(item).encode())
        if empty + length > size:
            raise StateFailed(
                DATA_LIMIT_EXCEEDED, f"An item of {length} bytes does not fit into a batch of {size} bytes."
            )
        if not groups or len(groups[-1]) >= count or used + 1 + length > size:
            groups.append([])
            used = empty - 1
        groups[-1].append(item)
        used += 1 + length
    return [Batch(Document({**common, "Items": group}), len(group)) for group in groups]


def _most(step: Step[Any], field: str, value: Any, data: Any) -> int | None:
    most = step.whole(field, value, data)
    if most is not None and most < 1:
        raise EvaluationFailed(RUNTIME, f"The {field} field must refer to a positive integer, but it is {most}.")
    return most

"""Reading a Map state, inline or distributed."""

import re
import uuid
from collections.abc import Callable
from typing import Any, Final

from edgetrain import limits
from edgetrain.local.stepfunctions.definition import DistributedMap, Flow, Map
from edgetrain.local.stepfunctions.paths import Path
from edgetrain.local.stepfunctions.reading import WHOLE, Fields
from edgetrain.local.stepfunctions.reading_items import read_batcher, read_reader

#: What AWS refuses in a label: white space, brackets, wildcards, other special and control characters.
_NOT_IN_LABELS: Final = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")
_LABELS: Final = uuid.UUID("6f0d2c0e-53c3-4a57-8df0-9f0f2f1ff9f1")


def read_map(fields: Fields, working: dict[str, Any], read_flow: Callable[[Fields], Flow]) -> Map:
    """A Map. `working` is what it has as any state with a result; `read_flow` reads its processor."""
    fields.at_most_one("ItemProcessor", "Iterator")
    fields.at_most_one("ItemSelector", "Parameters")
    processor_field = "Iterator" if "Iterator" in fields else "ItemProcessor"
    fields.required(processor_field)
    processor = fields.inner(processor_field)
    distributed = _is_distributed(processor)
    common: dict[str, Any] = {
        **working,
        "processor": read_flow(processor),
        "items_path": fields.given_path("ItemsPath") or WHOLE,
        "item_selector": fields.template("ItemSelector") or fields.template("Parameters"),
        "max_concurrency": fields.whole_or_path("MaxConcurrency") or 0,
    }
    if not distributed:
        return Map(**common)
    fields.at_most_one("ItemReader", "ItemsPath")
    return DistributedMap(
        **common,
        label=_label(fields, working["name"]),
        reader=read_reader(fields.inner("ItemReader")) if "ItemReader" in fields else None,
        batcher=read_batcher(fields.inner("ItemBatcher")) if "ItemBatcher" in fields else None,
        tolerated_count=fields.whole_or_path("ToleratedFailureCount"),
        tolerated_percentage=_percentage(fields),
    )


def _is_distributed(processor: Fields) -> bool:
    if "ProcessorConfig" not in processor:
        return False
    config = processor.inner("ProcessorConfig")
    mode = config.raw("Mode", "INLINE")
    execution_type = config.raw("ExecutionType")
    if mode not in ("INLINE", "DISTRIBUTED"):
        config.wrong("Mode", "Expected INLINE or DISTRIBUTED")
    if mode == "DISTRIBUTED" and execution_type != "STANDARD":
        config.wrong("ExecutionType", "Only STANDARD is supported", "NOT_SUPPORTED")
    if mode == "INLINE" and execution_type is not None:
        config.wrong("ExecutionType", "An inline map has no ExecutionType")
    config.done()
    return bool(mode == "DISTRIBUTED")


def _percentage(fields: Fields) -> float | Path | None:
    fields.at_most_one("ToleratedFailurePercentage", "ToleratedFailurePercentagePath")
    value = fields.number("ToleratedFailurePercentage", least=0, most=100)
    return value if value is not None else fields.given_path("ToleratedFailurePercentagePath")


def _label(fields: Fields, state: str) -> str:
    """The label, or one made from the state's name: the same at every reading."""
    label = fields.text("Label")
    if label is None:
        return str(uuid.uuid5(_LABELS, state))
    if not label:
        fields.wrong("Label", "Label cannot be empty")
    if len(label) > limits.MAP_LABEL_CHARACTERS:
        fields.wrong("Label", f"Label cannot exceed {limits.MAP_LABEL_CHARACTERS} characters")
    wrong = _NOT_IN_LABELS.search(label)
    if wrong:
        fields.wrong("Label", f"Label contains invalid character: {wrong[0]!r}")
    return label

"""Letting clients keep a share of their examples to be tested on: another data set out of the one that is current."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgetrain import keys
from edgetrain.client.data import dataset_id_of, make_current, sha256_of, store_part
from edgetrain.client.federation import Federation
from edgetrain.contracts import ClientData, DataIndex, DatasetPointer
from edgetrain.errors import DataInvalid, DataNotFound, ObjectNotFound, UsageError
from edgetrain.federated import weights
from edgetrain.stores.base import read_record

Array = npt.NDArray[np.generic]


@dataclass(frozen=True)
class _Parts:
    """One client's objects: what it trains on, and what it is tested on, which may be nothing."""

    client: str
    kept: bytes
    kept_examples: int
    tested: bytes
    tested_examples: int


def hold_out(
    federation: Federation, task: str, share: float, seed: int, progress: Callable[[int, int], None] | None = None
) -> DataIndex:
    """Divide each client's part into `1 - share` to train on and `share` (rounded down) to be tested on; make that current.

    Which examples are held out depends on the data, `share` and `seed` alone, and so does the new data set's id: doing it again stores
    nothing new. The held-out part of all stays what it was. Objects come first, then the index, then the pointer.

    Raises:
        UsageError: `share` is not above 0 and below 1, or the clients have test parts already.
        DataNotFound: no data of this task were imported.
        DataInvalid: stored bytes are not what the index says.
    """
    if not 0 < share < 1:
        raise UsageError(f"the share is {share}: expected one above 0 and below 1")
    index = _current(federation, task)
    if index.client_tests:
        raise UsageError(
            f"{len(index.client_tests)} clients of task {task!r} have a test part already: import the data again first"
        )
    parts = []
    for number, member in enumerate(index.clients):
        if progress is not None:
            progress(number, len(index.clients))
        parts.append(_divided(_tensors(federation, member), member, share, seed, number))
    source = {**index.source, "held_out": {"share": share, "seed": seed, "dataset_id": index.dataset_id}}
    digests = [sha256_of(body) for part in parts for body in (part.kept, part.tested)]
    dataset_id = dataset_id_of(task, source["held_out"], digests)
    clients, tests = [], []
    for part in parts:
        key = keys.client_data(task, dataset_id, part.client)
        clients.append(store_part(federation.data, key, part.client, part.kept, part.kept_examples))
        if part.tested_examples:
            key = keys.client_test_data(task, dataset_id, part.client)
            tests.append(store_part(federation.data, key, part.client, part.tested, part.tested_examples))
    if progress is not None:
        progress(len(parts), len(parts))
    changes = {"dataset_id": dataset_id, "clients": tuple(clients), "client_tests": tuple(tests), "source": source}
    return make_current(federation.data, index.model_copy(update=changes))


def _current(federation: Federation, task: str) -> DataIndex:
    try:
        pointer = read_record(federation.data, keys.dataset_pointer(task), DatasetPointer)
    except ObjectNotFound as error:
        raise DataNotFound(f"DataBucket holds no data of task {task!r}: edgetrain data import --task {task}") from error
    return read_record(federation.data, pointer.index_key, DataIndex)


def _tensors(federation: Federation, member: ClientData) -> dict[str, Array]:
    body = federation.data.get(member.key)
    if sha256_of(body) != member.sha256:
        raise DataInvalid(f"{member.key}: the stored bytes do not have the SHA-256 {member.sha256} of the index")
    return weights.decode(body)


def _divided(tensors: dict[str, Array], member: ClientData, share: float, seed: int, number: int) -> _Parts:
    """In each part the examples lie in the order in which they lay in the whole."""
    count = int(share * member.num_examples)
    chosen = np.zeros(member.num_examples, bool)
    chosen[np.random.default_rng([seed, number]).permutation(member.num_examples)[:count]] = True
    kept, tested = (
        weights.encode({name: values[rows] for name, values in tensors.items()}) for rows in (~chosen, chosen)
    )
    return _Parts(member.client, kept, member.num_examples - count, tested, count)

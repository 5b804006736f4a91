"""Importing a task's data: split it over clients, and store objects first, pointers last."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgetrain import __version__, keys
from edgetrain.client.federation import Federation
from edgetrain.contracts import ClientData, DataIndex, DatasetPointer, FileEntry
from edgetrain.errors import DataInvalid, UsageError
from edgetrain.federated import weights
from edgetrain.stores.base import ObjectStore, write_record
from edgetrain.tasks.base import Examples, Task
from edgetrain.tasks.splits import dirichlet

#: What a task's data calls its inputs and its labels (`TaskSpec.x`, `TaskSpec.y`).
X, Y = "x", "y"
JSON = "application/json"
#: Hex digits of a SHA-256 that make a data set's id.
ID_DIGITS = 32


@dataclass(frozen=True)
class Split:
    """How the examples are spread: per label, the clients' shares are drawn from Dirichlet(`alpha`)."""

    clients: int
    alpha: float
    seed: int


def import_data(
    federation: Federation, task: Task, split: Split, progress: Callable[[int, int], None] | None = None
) -> DataIndex:
    """Store the task's data, one object per client, and make it current.

    The same data split in the same way has the same id and the same keys: importing twice stores nothing new. Objects
    come first, then the index, then the pointer: what is half imported cannot be seen. `progress` is told how many
    of how many objects are stored.

    Raises:
        UsageError: so many clients, or this alpha, cannot be.
        DataInvalid: another object lies under a key of this data set.
    """
    examples = task.load()
    bodies = split_bodies(examples, split)
    test = encode_examples(examples.test_x, examples.test_y)
    source = {"split": "dirichlet", **asdict(split), "imported_with": __version__}
    dataset_id = dataset_id_of(task.name, asdict(split), [*(sha256_of(body) for body, _ in bodies), sha256_of(test)])
    clients = []
    total = len(bodies) + 1
    for number, (body, count) in enumerate(bodies):
        if progress is not None:
            progress(number, total)
        client = client_id(number)
        key = keys.client_data(task.name, dataset_id, client)
        clients.append(store_part(federation.data, key, client, body, count))
    test_file = store_test(federation.data, task.name, dataset_id, test)
    if progress is not None:
        progress(total, total)
    index = DataIndex(
        task=task.name,
        dataset_id=dataset_id,
        clients=tuple(clients),
        test=test_file,
        test_examples=len(examples.test_y),
        source=source,
    )
    return make_current(federation.data, index)


def client_id(number: int) -> str:
    """Clients are named in order, with at least three digits."""
    return f"client-{number:03d}"


def encode_examples(x: npt.NDArray[np.float32], y: npt.NDArray[np.int32]) -> bytes:
    """Examples as an object of DataBucket: safetensors `x` float32 [n, ...] and `y` int32 [n]."""
    return weights.encode({X: x.astype(np.float32, copy=False), Y: y.astype(np.int32, copy=False)})


def split_bodies(examples: Examples, split: Split) -> list[tuple[bytes, int]]:
    """Each client's object and its number of examples."""
    try:
        parts = dirichlet(examples.y, split.clients, split.alpha, split.seed)
    except ValueError as error:
        raise UsageError(str(error)) from error
    return [(encode_examples(examples.x[part], examples.y[part]), len(part)) for part in parts]


def dataset_id_of(task: str, parameters: Mapping[str, Any], digests: Sequence[str]) -> str:
    """The id of the data set that is made of these parameters and of bytes with these SHA-256."""
    document = {"task": task, "parameters": dict(parameters), "sha256": list(digests)}
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return sha256_of(canonical.encode())[:ID_DIGITS]


def store(data: ObjectStore, key: str, body: bytes) -> None:
    """Once. What stands under a key that names its content by hash must be that content."""
    written = data.put_once(key, body)
    if not written.created and data.get(key) != body:
        raise DataInvalid(f"{key} exists with other bytes: somebody changed an imported data set")


def store_part(data: ObjectStore, key: str, client: str, body: bytes, examples: int) -> ClientData:
    """Some of a client's encoded examples, once; what the index says of them."""
    store(data, key, body)
    return ClientData(client=client, key=key, num_examples=examples, sha256=sha256_of(body))


def store_test(data: ObjectStore, task: str, dataset_id: str, body: bytes) -> FileEntry:
    """The held-out part of all, once; what the index says of it."""
    key = keys.test_data(task, dataset_id)
    store(data, key, body)
    return FileEntry(name=key.rsplit("/", 1)[-1], key=key, sha256=sha256_of(body), size=len(body))


def make_current(data: ObjectStore, index: DataIndex) -> DataIndex:
    """Write the index, once, and point to it; the index that stands is returned."""
    index_key = keys.dataset_index(index.task, index.dataset_id)
    standing = write_record(data, index_key, index)
    pointer = DatasetPointer(task=index.task, dataset_id=index.dataset_id, index_key=index_key)
    data.put(keys.dataset_pointer(index.task), pointer.model_dump_json().encode(), content_type=JSON)
    return standing


def sha256_of(body: bytes) -> str:
    """In hex."""
    return hashlib.sha256(body).hexdigest()

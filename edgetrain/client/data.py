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
from edgetrain.contracts import ClientData, ClientTest, DataIndex, DatasetPointer, FileEntry
from edgetrain.errors import DataInvalid, UsageError
from edgetrain.federated import weights
from edgetrain.stores.base import ObjectStore, write_record
from edgetrain.tasks.base import Examples, Task
from edgetrain.tasks.splits import dirichlet

#: What a task's data calls its inputs and its labels (`TaskSpec.x`, `TaskSpec.y`).
X, Y = "x", "y"
JSON = "application/json"
#: Sets the draw of the test parts apart from that of the split.
TEST_DRAW = 1
#: Hex digits of a SHA-256 that make a data set's id.
ID_DIGITS = 32


@dataclass(frozen=True)
class Split:
    """How the examples are spread: per label, the clients' shares are drawn from Dirichlet(`alpha`).

    Of its part a client keeps `client_test` (0 to below 1, rounded down) to be tested on and never trains on it.
    """

    clients: int
    alpha: float
    seed: int
    client_test: float = 0.0


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
    bodies, tests = split_bodies(examples, split), client_tests(examples, split)
    test = encode_examples(examples.test_x, examples.test_y)
    parameters = {name: value for name, value in asdict(split).items() if name != "client_test" or value}
    source = {"split": "dirichlet", **parameters, "imported_with": __version__}
    stored = [*bodies, *(each for each in tests if each[1])]
    dataset_id = _dataset_id(task.name, parameters, [*(_sha256(body) for body, _ in stored), _sha256(test)])
    clients = []
    total = len(bodies) + 1
    for number, (body, count) in enumerate(bodies):
        if progress is not None:
            progress(number, total)
        client = client_id(number)
        key = keys.client_data(task.name, dataset_id, client)
        _store(federation.data, key, body)
        own = _store_test(federation.data, keys.client_test_data(task.name, dataset_id, client), *tests[number])
        clients.append(ClientData(client=client, key=key, num_examples=count, sha256=_sha256(body), test=own))
    test_key = keys.test_data(task.name, dataset_id)
    _store(federation.data, test_key, test)
    if progress is not None:
        progress(total, total)
    index = DataIndex(
        task=task.name,
        dataset_id=dataset_id,
        clients=tuple(clients),
        test=FileEntry(name=test_key.rsplit("/", 1)[-1], key=test_key, sha256=_sha256(test), size=len(test)),
        test_examples=len(examples.test_y),
        source=source,
    )
    return _make_current(federation.data, index)


def client_id(number: int) -> str:
    """Clients are named in order, with at least three digits."""
    return f"client-{number:03d}"


def encode_examples(x: npt.NDArray[np.float32], y: npt.NDArray[np.int32]) -> bytes:
    """Examples as an object of DataBucket: safetensors `x` float32 [n, ...] and `y` int32 [n]."""
    return weights.encode({X: x.astype(np.float32, copy=False), Y: y.astype(np.int32, copy=False)})


def split_bodies(examples: Examples, split: Split) -> list[tuple[bytes, int]]:
    """Each client's object to train on and its number of examples."""
    return [_encoded(examples, part) for part, _ in _parts(examples, split)]


def client_tests(examples: Examples, split: Split) -> list[tuple[bytes, int]]:
    """Each client's own test part and its number of examples, which may be 0."""
    return [_encoded(examples, part) for _, part in _parts(examples, split)]


def _parts(examples: Examples, split: Split) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """The rows that each client trains on, at least one, and those that it is tested on."""
    try:
        parts = dirichlet(examples.y, split.clients, split.alpha, split.seed)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if not 0 <= split.client_test < 1:
        raise UsageError(f"client_test is {split.client_test}: expected a share, 0 to below 1")
    rng, found = np.random.default_rng([split.seed, TEST_DRAW]), []
    for part in parts:
        tested = np.zeros(len(part), bool)
        tested[rng.permutation(len(part))[: int(split.client_test * len(part))]] = True
        found.append((part[~tested], part[tested]))
    return found


def _encoded(examples: Examples, part: npt.NDArray[np.int64]) -> tuple[bytes, int]:
    return encode_examples(examples.x[part], examples.y[part]), len(part)


def _dataset_id(task: str, parameters: Mapping[str, Any], digests: Sequence[str]) -> str:
    document = {"task": task, "parameters": dict(parameters), "sha256": list(digests)}
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return _sha256(canonical.encode())[:ID_DIGITS]


def _store(data: ObjectStore, key: str, body: bytes) -> None:
    """Once. What stands under a key that names its content by hash must be that content."""
    written = data.put_once(key, body)
    if not written.created and data.get(key) != body:
        raise DataInvalid(f"{key} exists with other bytes: somebody changed an imported data set")


def _store_test(data: ObjectStore, key: str, body: bytes, count: int) -> ClientTest | None:
    """A client's test part, unless it is empty."""
    if not count:
        return None
    _store(data, key, body)
    return ClientTest(key=key, num_examples=count, sha256=_sha256(body))


def _make_current(data: ObjectStore, index: DataIndex) -> DataIndex:
    index_key = keys.dataset_index(index.task, index.dataset_id)
    standing = write_record(data, index_key, index)
    pointer = DatasetPointer(task=index.task, dataset_id=index.dataset_id, index_key=index_key)
    data.put(keys.dataset_pointer(index.task), pointer.model_dump_json().encode(), content_type=JSON)
    return standing


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()

"""Importing data that comes with its owners: read as a stream, stored by several hands, current only when all is there."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from edgetrain import __version__, keys
from edgetrain.client.data import dataset_id_of, encode_examples, make_current, sha256_of, store, store_test
from edgetrain.client.federation import Federation
from edgetrain.client.held_out import HeldOutSample
from edgetrain.contracts import ClientData, DataIndex
from edgetrain.datasets.sources import ClientPart, ClientSource
from edgetrain.errors import DataFileInvalid, ObjectNotFound
from edgetrain.stores.base import ObjectStore, read_record
from edgetrain.tasks.base import Task

#: Uploads at a time; as many encoded parts again wait in memory.
UPLOADS: Final = 8
#: Examples of the held-out part that every round's model is measured on; each client's own stays whole.
TEST_EXAMPLES: Final = 10_000


@dataclass
class _Import:
    """What one import has stored so far."""

    data: ObjectStore
    task: str
    dataset_id: str
    #: Keys that lay there before: an earlier import of the same data was broken off.
    standing: frozenset[str]
    clients: dict[str, ClientData] = field(default_factory=dict)
    client_tests: dict[str, ClientData] = field(default_factory=dict)

    def put(self, part: ClientPart) -> tuple[ClientPart, ClientData]:
        """Store one part, unless the same bytes are there. Runs in any thread."""
        key_of = keys.client_test_data if part.held_out else keys.client_data
        key = key_of(self.task, self.dataset_id, part.client)
        body = encode_examples(part.x, part.y)
        digest = sha256_of(body)
        found = self.data.find(key) if key in self.standing else None
        if found is None or found.sha256 != digest:
            store(self.data, key, body)
        return part, ClientData(client=part.client, key=key, num_examples=len(part.y), sha256=digest)

    def note(self, part: ClientPart, entry: ClientData) -> None:
        """Enter what is stored."""
        (self.client_tests if part.held_out else self.clients)[part.client] = entry


def import_clients(
    federation: Federation,
    task: Task,
    source: ClientSource,
    *,
    seed: int = 0,
    test_examples: int = TEST_EXAMPLES,
    progress: Callable[[int, int], None] | None = None,
) -> DataIndex:
    """Store each client's examples and its held-out ones, and make the data set current.

    The data set's id comes from what determines it (files by hash), so a second call after one that was broken off stores
    only what is missing, and after one that ended stores nothing. Objects come first, then the index, then the pointer:
    what is half imported cannot be seen. A sample of all clients' held-out examples, at most `test_examples`, is what a
    round's model is measured on; `seed` draws it. `progress` is told how many of how many parts are stored.

    Raises:
        DataFileInvalid: what is read is not what its layout says.
        DataInvalid: another object lies under a key of this data set.
    """
    settings = {**source.description(), "test_examples": test_examples, "seed": seed}
    dataset_id = dataset_id_of(task.name, settings, [])
    data = federation.data
    try:
        return make_current(data, read_record(data, keys.dataset_index(task.name, dataset_id), DataIndex))
    except ObjectNotFound:
        pass
    standing = frozenset(data.keys(keys.dataset_prefix(task.name, dataset_id)))
    done = _Import(data, task.name, dataset_id, standing)
    sample = HeldOutSample(test_examples, seed)
    for number, (part, entry) in enumerate(_stored(done, source)):
        done.note(part, entry)
        if part.held_out:
            sample.add(part.client, part.x, part.y)
        if progress is not None:
            progress(number + 1, len(source))
    for what, found in (("to train on", done.clients), ("held out", done.client_tests)):
        if not found:
            raise DataFileInvalid(f"task {task.name}: the {source.kind} data have no examples {what}: expected some")
    x, y = sample.arrays()
    index = DataIndex(
        task=task.name,
        dataset_id=dataset_id,
        clients=tuple(done.clients[name] for name in sorted(done.clients)),
        client_tests=tuple(done.client_tests[name] for name in sorted(done.client_tests)),
        test=store_test(data, task.name, dataset_id, encode_examples(x, y)),
        test_examples=len(y),
        source={**settings, "imported_with": __version__},
    )
    return make_current(data, index)


def _stored(done: _Import, source: ClientSource) -> Iterator[tuple[ClientPart, ClientData]]:
    """The parts in their order, each when it is stored; reading goes on while others are sent."""
    waiting: deque[Future[tuple[ClientPart, ClientData]]] = deque()
    pool = ThreadPoolExecutor(UPLOADS, thread_name_prefix="import")
    try:
        for part in source:
            waiting.append(pool.submit(done.put, part))
            if len(waiting) == 2 * UPLOADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)

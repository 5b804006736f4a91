"""An object store and a ledger in memory, with the semantics that the steps rely on."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from edgetrain.contracts import Receipt, Refusal, RunRow
from edgetrain.errors import DataInvalid, ObjectNotFound, RunNotFound, UpdateLate
from edgetrain.rounds.stores import RoundStores
from edgetrain.stores.base import StoredObject, Written


@dataclass
class BytesSource:
    """Bytes by ranges."""

    body: bytes

    @property
    def size(self) -> int:
        return len(self.body)

    def read_into(self, offset: int, buffer: memoryview) -> None:
        buffer[:] = self.body[offset : offset + len(buffer)]


@dataclass
class MemoryStore:
    """A versioned bucket. `objects[key]` are all versions, oldest first; of keys in `without_checksum` it knows no SHA-256."""

    objects: dict[str, list[bytes]] = field(default_factory=dict)
    without_checksum: set[str] = field(default_factory=set)
    content_types: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.objects)

    def __contains__(self, key: str) -> bool:
        return key in self.objects

    def get(self, key: str, *, version_id: str | None = None) -> bytes:
        if self.find(key, version_id=version_id) is None:
            raise ObjectNotFound(f"{key} does not exist")
        versions = self.objects[key]
        return versions[-1] if version_id is None else versions[int(version_id)]

    def find(self, key: str, *, version_id: str | None = None) -> StoredObject | None:
        versions = self.objects.get(key, [])
        number = len(versions) - 1 if version_id is None else int(version_id)
        if not 0 <= number < len(versions):
            return None
        stored = _stored(key, number, versions[number])
        return replace(stored, sha256="") if key in self.without_checksum else stored

    def open(self, key: str, *, version_id: str, size: int) -> BytesSource:
        body = self.get(key, version_id=version_id)
        assert len(body) == size
        return BytesSource(body)

    def put_once(self, key: str, body: bytes, *, content_type: str = "") -> Written:
        standing = self.find(key)
        if standing is not None:
            return Written(standing, created=False)
        return Written(self.put(key, body, content_type=content_type), created=True)

    def put(self, key: str, body: bytes, *, content_type: str = "") -> StoredObject:
        self.content_types[key] = content_type
        self.objects.setdefault(key, []).append(bytes(body))
        return _stored(key, len(self.objects[key]) - 1, body)

    def writer(self, key: str) -> "MemoryWriter":
        return MemoryWriter(self, key)

    def keys(self, prefix: str) -> Iterator[str]:
        return (key for key in sorted(self.objects) if key.startswith(prefix))


@dataclass
class MemoryWriter:
    store: MemoryStore
    key: str
    body: bytearray = field(default_factory=bytearray)

    def write(self, piece: bytes | bytearray | memoryview) -> None:
        self.body += memoryview(piece).cast("B")

    def restart(self) -> None:
        self.body.clear()

    def finish(self) -> Written:
        written = self.store.put_once(self.key, bytes(self.body))
        if written.stored.sha256 != hashlib.sha256(self.body).hexdigest():
            raise DataInvalid(f"{self.key} holds other bytes")
        return written

    def abort(self) -> None:
        self.body.clear()


@dataclass
class MemoryLedger:
    """Rows by what they are."""

    run_rows: dict[str, RunRow] = field(default_factory=dict)
    receipt_rows: dict[tuple[str, int, str], Receipt] = field(default_factory=dict)
    refusal_rows: dict[tuple[str, int, str], Refusal] = field(default_factory=dict)
    sealed: set[tuple[str, int]] = field(default_factory=set)
    versions: dict[str, list[str]] = field(default_factory=dict)

    def create_run(self, row: RunRow) -> RunRow:
        return self.run_rows.setdefault(row.run_id, row)

    def run(self, run_id: str) -> RunRow:
        if run_id not in self.run_rows:
            raise RunNotFound(f"there is no run {run_id!r}")
        return self.run_rows[run_id]

    def change_run(self, run_id: str, change: Callable[[RunRow], RunRow]) -> RunRow:
        self.run_rows[run_id] = change(self.run(run_id))
        return self.run_rows[run_id]

    def runs(self) -> list[RunRow]:
        return sorted(self.run_rows.values(), key=lambda row: row.created_at, reverse=True)

    def put_receipt(self, receipt: Receipt) -> Receipt:
        key = (receipt.run_id, receipt.round, receipt.client)
        if key not in self.receipt_rows and key[:2] in self.sealed:
            raise UpdateLate("sealed", client=receipt.client)
        return self.receipt_rows.setdefault(key, receipt)

    def receipt(self, run_id: str, round_number: int, client: str) -> Receipt | None:
        return self.receipt_rows.get((run_id, round_number, client))

    def receipts(self, run_id: str, round_number: int) -> list[Receipt]:
        return [row for key, row in sorted(self.receipt_rows.items()) if key[:2] == (run_id, round_number)]

    def put_refusal(self, refusal: Refusal) -> None:
        self.refusal_rows[(refusal.run_id, refusal.round, refusal.client)] = refusal

    def refusals(self, run_id: str, round_number: int) -> list[Refusal]:
        return [row for key, row in sorted(self.refusal_rows.items()) if key[:2] == (run_id, round_number)]

    def seal(self, run_id: str, round_number: int) -> None:
        self.sealed.add((run_id, round_number))

    def claim_version(self, task: str, run_id: str) -> int:
        owners = self.versions.setdefault(task, [])
        if run_id not in owners:
            owners.append(run_id)
        return owners.index(run_id) + 1


def memory_stores() -> RoundStores:
    return RoundStores(data=MemoryStore(), runs=MemoryStore(), models=MemoryStore(), ledger=MemoryLedger())


def _stored(key: str, version: int, body: bytes) -> StoredObject:
    return StoredObject(key, str(version), hashlib.sha256(body).hexdigest(), len(body))

"""The ports: what the steps of a round ask of a store."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from pydantic import ValidationError

from edgetrain import limits
from edgetrain.contracts import Contract
from edgetrain.errors import DataInvalid

if TYPE_CHECKING:
    from edgetrain.federated.weights import ByteSource  # which brings NumPy

Record = TypeVar("Record", bound=Contract)
#: What is read at once of an object that need not fit in memory.
READ_BYTES = 4 * limits.MIB


@dataclass(frozen=True)
class StoredObject:
    """An object as it lies in the store. `sha256` is empty where the store has no checksum of the whole."""

    key: str
    version_id: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Written:
    """The outcome of a write-once put: what is stored, and whether this call stored it."""

    stored: StoredObject
    created: bool


class ObjectWriter(Protocol):
    """A write-once object that is written in pieces, in order. Nothing is visible before `finish`."""

    def write(self, piece: bytes | bytearray | memoryview) -> None: ...

    def restart(self) -> None:
        """Forget what was written; begin again."""
        ...

    def finish(self) -> Written:
        """Store the object, unless the same bytes stand there already. `stored.sha256` is that of the pieces.

        Raises:
            DataInvalid: other bytes stand under the key.
        """
        ...

    def abort(self) -> None:
        """Leave nothing behind (harmless after `finish`)."""
        ...


class ObjectStore(Protocol):
    """One bucket. Every method raises `TransientError` where another try may succeed."""

    def get(self, key: str, *, version_id: str | None = None) -> bytes:
        """The whole object.

        Raises:
            ObjectNotFound: there is none.
        """
        ...

    def find(self, key: str, *, version_id: str | None = None) -> StoredObject | None:
        """What lies under a key, or None."""
        ...

    def open(self, key: str, *, version_id: str, size: int) -> "ByteSource":
        """An object of `size` bytes to be read by ranges."""
        ...

    def put_once(self, key: str, body: bytes, *, content_type: str = ...) -> Written:
        """Store under a key that has no object yet; when it has one, that one stands."""
        ...

    def put(self, key: str, body: bytes, *, content_type: str = ...) -> StoredObject:
        """Store, replacing what is there. Only pointers are replaced."""
        ...

    def writer(self, key: str) -> ObjectWriter:
        """For objects that do not fit in memory."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys that begin with `prefix`, in order."""
        ...


def read_record(store: ObjectStore, key: str, kind: type[Record]) -> Record:
    """The JSON object under `key`, checked.

    Raises:
        ObjectNotFound: there is none.
        DataInvalid: it is not a `kind`.
    """
    return parse_record(store.get(key), key, kind)


def parse_record(body: bytes, key: str, kind: type[Record]) -> Record:
    """The JSON document `body`, which lies under `key`, checked.

    Raises:
        DataInvalid: it is not a `kind`.
    """
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise DataInvalid(f"{key}: not a {kind.__name__}: {field}: {first['msg']}") from error


def read_digested(store: ObjectStore, key: str, kind: type[Record]) -> tuple[Record, str]:
    """As `read_record`, and the SHA-256 of the bytes that lie there."""
    body = store.get(key)
    return parse_record(body, key, kind), hashlib.sha256(body).hexdigest()


def write_record(store: ObjectStore, key: str, record: Record) -> Record:
    """Store `record` once; the record that stands under `key` is returned, whoever wrote it."""
    written = store.put_once(key, record.model_dump_json().encode(), content_type="application/json")
    return record if written.created else read_record(store, key, type(record))


def sha256_of(source: "ByteSource") -> str:
    """The SHA-256 of all of it, read by ranges."""
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(min(source.size, READ_BYTES)))
    for offset in range(0, source.size, READ_BYTES):
        piece = buffer[: min(READ_BYTES, source.size - offset)]
        source.read_into(offset, piece)
        digest.update(piece)
    return digest.hexdigest()

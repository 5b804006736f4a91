"""Objects' bodies: files named by their SHA-256. None is open while nobody reads, and none lies in memory."""

import hashlib
import os
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgetrain.local.wsgi import CHUNK

INCOMING: Final = "incoming"


@dataclass(frozen=True)
class Blob:
    """A body that is stored."""

    path: Path
    sha256: str
    size: int
    md5: bytes

    def read(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """`length` bytes from `start`, piece by piece. The file is opened now: later it may be gone."""
        return _pieces(self.path, start, self.size - start if length is None else length)

    def content(self) -> bytes:
        return self.path.read_bytes()


class _pieces:  # noqa: N801 (an iterator that opens at once and closes itself)
    def __init__(self, path: Path, start: int, length: int) -> None:
        self._left = length
        self._file = path.open("rb", buffering=0)
        self._file.seek(start)

    def __iter__(self) -> "_pieces":
        return self

    def __next__(self) -> bytes:
        piece = self._file.read(min(self._left, CHUNK)) if self._left else b""
        if not piece:
            self.close()
            raise StopIteration
        self._left -= len(piece)
        return piece

    def close(self) -> None:
        self._file.close()


class DiskBuffer:
    """What moto's FakeKey needs of its `_value_buffer`, over a blob."""

    def __init__(self, blob: Blob, store: "BlobStore | None") -> None:
        self.blob = blob
        self._store = store
        self._position = 0

    def seek(self, position: int, whence: int = 0) -> int:
        self._position = self.blob.size + position if whence else position
        return self._position

    def read(self, size: int = -1) -> bytes:
        with self.blob.path.open("rb") as file:
            file.seek(self._position)
            data = file.read(size)
        self._position += len(data)
        return data

    def close(self) -> None:
        """The version is gone: its body may go, too. Closing twice is closing once."""
        store, self._store = self._store, None
        if store is not None:
            store.release(self.blob)

    def borrowed(self) -> "DiskBuffer":
        """The same body for a copy of the object's record, whose end means nothing."""
        return DiskBuffer(self.blob, None)


class BlobStore:
    """The folder of all bodies. A body that several versions share is stored once and counted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / INCOMING
        self._incoming.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()  # a collected version is released wherever a thread happens to be
        self._owners: Counter[str] = Counter()

    def receive(self, pieces: Iterable[bytes]) -> Blob:
        """Store a body; whoever keeps the blob calls `own`, and nobody else's file is touched if nobody does."""
        sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
        handle, name = tempfile.mkstemp(dir=self._incoming)
        incoming = Path(name)
        try:
            with os.fdopen(handle, "wb", buffering=0) as file:
                for piece in pieces:
                    file.write(piece)
                    sha256.update(piece)
                    md5.update(piece)
                    size += len(piece)
        except BaseException:
            incoming.unlink(missing_ok=True)
            raise
        return Blob(incoming, sha256.hexdigest(), size, md5.digest())

    def own(self, blob: Blob) -> DiskBuffer:
        """Keep a received or stored blob for one more version."""
        path = self.path_of(blob.sha256)
        with self._lock:
            if self._owners[blob.sha256] == 0:
                path.parent.mkdir(exist_ok=True)
                blob.path.replace(path)
            elif blob.path != path:
                blob.path.unlink(missing_ok=True)
            self._owners[blob.sha256] += 1
        return DiskBuffer(Blob(path, blob.sha256, blob.size, blob.md5), self)

    def release(self, blob: Blob) -> None:
        """One version fewer has this body; the last one's end is the file's."""
        with self._lock:
            self._owners[blob.sha256] -= 1
            if self._owners[blob.sha256] <= 0:
                del self._owners[blob.sha256]
                blob.path.unlink(missing_ok=True)

    def discard(self, blob: Blob) -> None:
        """Forget a received blob that nobody owns."""
        if blob.path.parent == self._incoming:
            blob.path.unlink(missing_ok=True)

    def path_of(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256

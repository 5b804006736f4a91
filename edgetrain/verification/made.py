"""Bytes that were made again, beside those that are stored: kept in a file without a name, compared in pieces."""

import hashlib
import tempfile
from collections.abc import Sequence
from typing import Final

import numpy as np

from edgetrain import limits
from edgetrain.contracts import TensorSpec
from edgetrain.federated.weights import ByteSource, header_bytes
from edgetrain.stores.base import sha256_of

#: Compared at once.
PIECE: Final = 4 * limits.MIB


class Made:
    """Written in order, then read by ranges; on disk, because a model or a sum need not fit in memory."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # it outlives this block: `close` ends it
        self.size = 0

    def write(self, piece: bytes | memoryview) -> None:
        """Append `piece`."""
        self.size += self._file.write(piece)

    def restart(self) -> None:
        """Forget what was written."""
        self._file.seek(0)
        self._file.truncate()
        self.size = 0

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill `buffer` from byte `offset`.

        Raises:
            ValueError: fewer bytes were written.
        """
        self._file.seek(offset)
        if self._file.readinto(buffer) != len(buffer):
            raise ValueError(f"{len(buffer)} bytes from {offset} on: expected at most {self.size} in all")

    def sha256(self) -> str:
        """Of everything that was written."""
        return hashlib.sha256().hexdigest() if not self.size else sha256_of(self)

    def close(self) -> None:
        """Give the disk back."""
        self._file.close()


def first_difference(made: ByteSource, stored: ByteSource) -> int | None:
    """The first byte (from 0) at which the two differ, or at which the shorter one ends; None where they are equal."""
    common = min(made.size, stored.size)
    a, b = (np.empty(min(PIECE, common), np.uint8) for _ in range(2))
    for start in range(0, common, PIECE):
        count = min(PIECE, common - start)
        made.read_into(start, a[:count].data)
        stored.read_into(start, b[:count].data)
        differing = np.flatnonzero(a[:count] != b[:count])
        if differing.size:
            return start + int(differing[0])
    return None if made.size == stored.size else common


def byte_of(source: ByteSource, offset: int) -> str:
    """One byte as a person reads it."""
    if offset >= source.size:
        return "not there"
    one = bytearray(1)
    source.read_into(offset, memoryview(one))
    return f"0x{one[0]:02x}"


def place_of(offset: int, specs: Sequence[TensorSpec], *, width: int) -> str:
    """Which tensor's which element a byte belongs to: of a model (`width` 4, behind its header) or of a raw array of the state (8)."""
    first = len(header_bytes(specs)) if width == 4 else 0
    if offset < first:
        return "in the header"
    element = (offset - first) // width
    for spec in specs:
        if element < spec.size:
            return f"in {spec.name}, element {element}"
        element -= spec.size
    return "beyond the last tensor"

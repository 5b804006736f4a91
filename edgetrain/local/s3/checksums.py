"""The checksums that S3 knows: of a body as it comes in, and of an object in parts."""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any, Final, Protocol

from edgetrain.local.s3.errors import S3Error, invalid_request


class Hash(Protocol):
    """What is fed a body in pieces."""

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class Crc32:
    """zlib's CRC-32, as four bytes."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


@cache
def _table(polynomial: int) -> list[int]:
    """For each byte, what it does to a reflected CRC."""
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (polynomial if value & 1 else 0)
        table.append(value)
    return table


class ReflectedCrc:
    """A CRC that Python's library has not, a byte at a time (some MB/s: only for clients that ask for it)."""

    def __init__(self, polynomial: int, width: int) -> None:
        self._table = _table(polynomial)
        self._ones = (1 << width) - 1
        self._bytes = width // 8
        self._value = self._ones

    def update(self, data: bytes, /) -> None:
        table, value = self._table, self._value
        for byte in data:
            value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
        self._value = value

    def digest(self) -> bytes:
        return (self._value ^ self._ones).to_bytes(self._bytes, "big")


def _sha1() -> Any:
    return hashlib.sha1(usedforsecurity=False)


#: S3's names -> how to compute them.
ALGORITHMS: Final[dict[str, Callable[[], Hash]]] = {
    "CRC32": Crc32,
    "CRC32C": lambda: ReflectedCrc(0x82F63B78, 32),
    "CRC64NVME": lambda: ReflectedCrc(0x9A6C9329AC4BC9B5, 64),
    "SHA1": _sha1,
    "SHA256": hashlib.sha256,
}
#: An object in parts has a checksum of its parts' checksums, but for this one, which is of the whole.
ALWAYS_WHOLE: Final = "CRC64NVME"
PREFIX: Final = "x-amz-checksum-"
#: Headers with that prefix that are no checksum.
OTHER_HEADERS: Final = frozenset({PREFIX + "mode", PREFIX + "type", PREFIX + "algorithm"})


def header_of(algorithm: str) -> str:
    return PREFIX + algorithm.lower()


def encoded(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def algorithm_named(name: str) -> str:
    """S3's name of an algorithm, or an `S3Error`."""
    algorithm = name.upper()
    if algorithm not in ALGORITHMS:
        raise invalid_request("Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
                              f"[{', '.join(sorted(ALGORITHMS))}]")  # fmt: skip
    return algorithm


def check_content_md5(sent: str, md5: bytes) -> None:
    """Compare a Content-MD5 header.

    Raises:
        S3Error: InvalidDigest, it is no MD5; BadDigest, it is another body's.
    """
    try:
        wanted = base64.b64decode(sent, validate=True)
    except binascii.Error:
        wanted = b""
    if len(wanted) != 16:
        raise S3Error(400, "InvalidDigest", "The Content-MD5 you specified was invalid.")
    if wanted != md5:
        raise S3Error(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")


def check(algorithm: str, sent: str, digest: bytes) -> None:
    """Compare a checksum.

    Raises:
        S3Error: InvalidRequest, it is no such checksum; BadDigest, it is another body's.
    """
    try:
        wanted = base64.b64decode(sent, validate=True)
    except binascii.Error:
        wanted = b""
    if len(wanted) != len(digest):
        raise invalid_request(f"Value for {header_of(algorithm)} header is invalid.")
    if wanted != digest:
        raise S3Error(400, "BadDigest", f"The {algorithm} you specified did not match the calculated checksum.")

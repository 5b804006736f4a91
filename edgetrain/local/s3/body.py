"""A request's body on its way to disk: taken out of aws-chunked, hashed once, compared with every checksum sent along."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from edgetrain.local.s3 import checksums
from edgetrain.local.s3.blobs import Blob, BlobStore
from edgetrain.local.s3.errors import S3Error, invalid_request
from edgetrain.local.wsgi import CHUNK, Request

LONGEST_LINE: Final = 4096


@dataclass(frozen=True)
class Checksum:
    """An algorithm of S3's and the digest of a body, base64."""

    algorithm: str
    value: str

    @property
    def header(self) -> dict[str, str]:
        return {checksums.header_of(self.algorithm): self.value}


@dataclass(frozen=True)
class Received:
    """A body that is on disk and is what its sender says."""

    blob: Blob
    checksum: Checksum | None


def receive(request: Request, store: BlobStore) -> Received:
    """Read the body to its end and check it.

    Raises:
        S3Error: IncompleteBody, a malformed aws-chunked body, or a checksum that differs.
    """
    trailers: dict[str, str] = {}
    is_chunked = request.header("x-amz-content-sha256").startswith("STREAMING-")
    pieces = _unwrapped(_Lines(request.chunks()), trailers) if is_chunked else request.chunks()
    algorithm = _algorithm(request)
    # The SHA-256 is computed anyway: it is the file's name.
    hashed = checksums.ALGORITHMS[algorithm]() if algorithm is not None and algorithm != "SHA256" else None
    blob = store.receive(_fed(pieces, hashed))
    try:
        _check_length(request, blob, is_chunked)
        digest = hashed.digest() if hashed is not None else bytes.fromhex(blob.sha256)
        checksum = _check(request, trailers, algorithm, digest, blob)
    except S3Error:
        store.discard(blob)
        raise
    return Received(blob, checksum)


def _fed(pieces: Iterator[bytes], hashed: checksums.Hash | None) -> Iterator[bytes]:
    for piece in pieces:
        if hashed is not None:
            hashed.update(piece)
        yield piece


def _algorithm(request: Request) -> str | None:
    """The one checksum that comes with the body: in a header, in a trailer, or only named."""
    named = [name for name in request.headers(checksums.PREFIX) if name not in checksums.OTHER_HEADERS]
    if trailer := request.header("x-amz-trailer").strip().lower():
        named.append(trailer)
    if len(named) > 1:
        raise invalid_request("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
    if named:
        return checksums.algorithm_named(named[0].removeprefix(checksums.PREFIX))
    declared = request.header("x-amz-sdk-checksum-algorithm")
    return checksums.algorithm_named(declared) if declared else None


def _check_length(request: Request, blob: Blob, is_chunked: bool) -> None:
    declared = request.header("x-amz-decoded-content-length" if is_chunked else "content-length")
    if declared and int(declared) != blob.size:
        raise S3Error(
            400,
            "IncompleteBody",
            "You did not provide the number of bytes specified by the Content-Length HTTP header",
        )


def _check(
    request: Request, trailers: dict[str, str], algorithm: str | None, digest: bytes, blob: Blob
) -> Checksum | None:
    if md5 := request.header("content-md5"):
        checksums.check_content_md5(md5, blob.md5)
    signed = request.header("x-amz-content-sha256")
    if len(signed) == 64 and signed != blob.sha256:
        raise S3Error(
            400,
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )
    if algorithm is None:
        return None
    name = checksums.header_of(algorithm)
    sent = request.header(name) or trailers.get(name, "")
    if request.header("x-amz-trailer") and not sent:
        raise S3Error(400, "MalformedTrailerError", "The request contained trailing data that was not well-formed.")
    if sent:
        checksums.check(algorithm, sent, digest)
    return Checksum(algorithm, checksums.encoded(digest))


class _Lines:
    """Bytes and lines out of pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = bytearray()

    def line(self) -> bytes:
        """The next line without its end; empty at the end of the body."""
        while b"\n" not in self._held:
            piece = next(self._pieces, b"")
            if not piece or len(self._held) > LONGEST_LINE:
                break
            self._held += piece
        end = self._held.find(b"\n")
        line = bytes(self._held[: end + 1] if end >= 0 else self._held)
        del self._held[: len(line)]
        return line.rstrip(b"\r\n")

    def take(self, count: int) -> Iterator[bytes]:
        """Exactly `count` bytes in pieces, or `S3Error`."""
        while count:
            if not self._held:
                piece = next(self._pieces, b"")
                if not piece:
                    raise S3Error(400, "IncompleteBody", "The request body terminated unexpectedly")
                self._held += piece
            piece = bytes(self._held[: min(count, CHUNK)])
            del self._held[: len(piece)]
            count -= len(piece)
            yield piece


def _unwrapped(lines: _Lines, trailers: dict[str, str]) -> Iterator[bytes]:
    """The content of an aws-chunked body; what stands behind it goes into `trailers`."""
    while True:
        head = lines.line().split(b";", 1)[0].strip()
        try:
            size = int(head, 16)
        except ValueError:
            raise S3Error(400, "IncompleteBody", "The request body terminated unexpectedly") from None
        if not size:
            break
        yield from lines.take(size)
        lines.line()
    while line := lines.line():
        name, _, value = line.decode("latin-1").partition(":")
        trailers[name.strip().lower()] = value.strip()

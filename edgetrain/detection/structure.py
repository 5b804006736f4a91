"""What a JPEG or PNG file is made of, looked at before anything is decoded.

Only the parts that the pixels (and which way is up) depend on are handed to a decoder: colour profiles, comments, previews and further
pictures can be bombs of their own, and nothing here uses them.
"""

import re
from dataclasses import dataclass
from typing import Final

from edgetrain import limits
from edgetrain.errors import PictureInvalid

JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
#: Media type -> how a file of it begins.
SIGNATURES: Final = {JPEG: b"\xff\xd8\xff", PNG: b"\x89PNG\r\n\x1a\n"}

MARKER: Final = re.compile(rb"\xff+([^\x00\xff])")
START_OF_SCAN: Final = 0xDA
START_OF_FRAME: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: Markers that have no length: none of them may stand before the first scan.
STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xDA)})
EXIF: Final = 0xE1
#: Application segments and comments, but JFIF's and Adobe's, which say how colours are coded.
METADATA: Final = frozenset({*range(0xE0, 0xF0), 0xFE}) - {0xE0, 0xEE}
EXIF_HEADER: Final = b"Exif\x00\x00"
EXIF_BYTES: Final = 65_535  # what a JPEG can hold; a PNG need not have more

CHUNKS_THAT_COUNT: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
HEADER_BYTES: Final = 13


@dataclass(frozen=True)
class Essence:
    """A file without what does not count: `width` and `height` are those of the header, in pixels."""

    media_type: str
    width: int
    height: int
    body: bytes


def media_type(body: bytes) -> str | None:
    """`image/jpeg` or `image/png` by the first bytes, or None."""
    return next((name for name, signature in SIGNATURES.items() if body.startswith(signature)), None)


def essence(body: bytes) -> Essence:
    """The parts of a file that count.

    Raises:
        PictureInvalid: it is empty, too large, neither JPEG nor PNG, too wide or high, or not built as such a file is.
    """
    if not body:
        raise PictureInvalid("the picture is empty: expected a JPEG or PNG file", code="picture_empty")
    if len(body) > limits.PICTURE_BYTES:
        raise PictureInvalid(
            f"the picture has {len(body)} bytes: expected at most {limits.PICTURE_BYTES}", code="picture_too_large"
        )
    kind = media_type(body)
    if kind is None:
        raise PictureInvalid("the bytes are neither a JPEG nor a PNG file", code="picture_type")
    found = _jpeg(body) if kind == JPEG else _png(body)
    if max(found.width, found.height) > limits.PICTURE_SIDE:
        raise PictureInvalid(
            f"the picture has {found.width} x {found.height} pixels: "
            f"expected at most {limits.PICTURE_SIDE} x {limits.PICTURE_SIDE}",
            code="picture_dimensions",
        )
    return found


def damaged(why: str) -> PictureInvalid:
    """The error of a file that cannot be decoded."""
    return PictureInvalid(f"the picture is damaged: {why}", code="picture_damaged")


def _jpeg(body: bytes) -> Essence:
    if body.count(bytes((0xFF, START_OF_SCAN))) > limits.PICTURE_SCANS:
        raise damaged(f"it has more than {limits.PICTURE_SCANS} scans")
    kept, at, size, exif = [body[:2]], 2, None, False
    for _ in range(limits.PICTURE_PARTS):
        found = MARKER.match(body, at)
        marker = found[1][0] if found else 0
        if found is None or marker in STANDALONE:
            raise damaged(f"there is no JPEG segment at byte {at}")
        if marker == START_OF_SCAN:
            if size is None:
                raise damaged("its pixels begin before their number is known")
            return Essence(JPEG, size[0], size[1], b"".join([*kept, body[found.end() - 2 :]]))
        begin, length = found.end(), int.from_bytes(body[found.end() : found.end() + 2])
        at = begin + length
        if length < 2 or at > len(body):
            raise damaged("it ends within its header")
        if marker in START_OF_FRAME:
            if size is not None or length < 8:
                raise damaged("its size is not said once")
            size = int.from_bytes(body[begin + 5 : begin + 7]), int.from_bytes(body[begin + 3 : begin + 5])
        is_exif = marker == EXIF and body.startswith(EXIF_HEADER, begin + 2)
        if marker not in METADATA or (is_exif and not exif):
            kept.append(body[begin - 2 : at])
            exif = exif or is_exif  # the first one counts
    raise damaged(f"its header has more than {limits.PICTURE_PARTS} parts")


def _png(body: bytes) -> Essence:
    kept, at, size, exif = [SIGNATURES[PNG]], len(SIGNATURES[PNG]), None, False
    for _ in range(limits.PICTURE_PARTS):
        length, name = int.from_bytes(body[at : at + 4]), body[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(body):
            raise damaged("it ends too early")
        if size is None:
            if name != b"IHDR" or length != HEADER_BYTES:
                raise damaged("it does not begin with its size")
            size = int.from_bytes(body[at + 8 : at + 12]), int.from_bytes(body[at + 12 : at + 16])
        is_exif = name == b"eXIf" and not exif and length <= EXIF_BYTES
        if name in CHUNKS_THAT_COUNT or is_exif:
            kept.append(body[at:end])
            exif = exif or is_exif
        if name == b"IEND":
            return Essence(PNG, size[0], size[1], b"".join(kept))
        at = end
    raise damaged(f"it has more than {limits.PICTURE_PARTS} parts")

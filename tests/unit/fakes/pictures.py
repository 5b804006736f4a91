"""Pictures and files that pretend to be one, made in memory."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGB_ALPHA: 4}


def gradient(width: int, height: int) -> Image.Image:
    """Red grows to the right, green downwards: every corner has its own colour."""
    x = np.linspace(0, 255, width).astype(np.uint8)[None, :].repeat(height, 0)
    y = np.linspace(0, 255, height).astype(np.uint8)[:, None].repeat(width, 1)
    return Image.fromarray(np.stack([x, y, np.full_like(x, 40)], axis=-1))


def file_of(image: Image.Image, kind: str = "PNG", **settings: object) -> bytes:
    written = io.BytesIO()
    image.save(written, kind, **settings)
    return written.getvalue()


def jpeg(width: int = 40, height: int = 30, **settings: object) -> bytes:
    return file_of(gradient(width, height), "JPEG", **{"quality": 95, "subsampling": 0, **settings})


def exif(orientation: int) -> bytes:
    found = Image.Exif()
    found[0x0112] = orientation
    return found.tobytes()


def chunk(name: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(
    width: int = 2,
    height: int = 2,
    *,
    depth: int = 8,
    colour: int = RGB,
    rows: bytes | None = None,
    before: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """A PNG by hand. `rows` are its bytes row after row, black where none are given; `before` and `after` are chunks around them."""
    size = (width * CHANNELS[colour] * depth + 7) // 8
    rows = bytes(size * height) if rows is None else rows
    filtered = b"".join(b"\0" + rows[i * size : (i + 1) * size] for i in range(height))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(filtered))
    return PNG_SIGNATURE + header + before + pixels + after + chunk(b"IEND")


def segment(marker: int, body: bytes = b"") -> bytes:
    """A JPEG's segment."""
    return bytes((0xFF, marker)) + struct.pack(">H", 2 + len(body)) + body


def with_segments(body: bytes, *segments: bytes) -> bytes:
    """A JPEG with segments put before its own."""
    return body[:2] + b"".join(segments) + body[2:]

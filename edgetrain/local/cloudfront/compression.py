"""When CloudFront compresses an answer, and how it then looks."""

import gzip
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

#: Sizes in bytes between which CloudFront compresses.
SMALLEST, LARGEST = 1_000, 10_000_000
STATUSES: Final = (200, 403, 404)
LEVEL: Final = 6
#: Of CloudFront's list of types, those that a web site of ours may have.
TYPES: Final = frozenset(
    {
        *("application/javascript", "application/json", "application/wasm", "application/xhtml+xml"),
        *("application/xml", "font/otf", "font/ttf", "image/svg+xml", "text/css", "text/csv", "text/html"),
        *("text/javascript", "text/plain", "text/xml"),
    }
)
WEIGHT: Final = re.compile(r";\s*q=([0-9.]+)")


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether a viewer takes gzip."""
    for each in accept_encoding.split(","):
        name, _, parameters = each.strip().partition(";")
        weight = WEIGHT.search(f";{parameters}")
        if name.strip().lower() in {"gzip", "*"} and (weight is None or float(weight.group(1)) > 0):
            return True
    return False


def is_compressible(status: int, headers: Mapping[str, str], size: int) -> bool:
    """Whether CloudFront compresses an answer of an origin (`headers` in lower case)."""
    kind = headers.get("content-type", "").split(";", 1)[0].strip().lower()
    return (
        status in STATUSES
        and kind in TYPES
        and SMALLEST <= size <= LARGEST
        and "content-encoding" not in headers
        and "content-length" in headers
    )


@lru_cache(maxsize=16)
def _packed(body: bytes) -> bytes:
    """In gzip. What is kept of an origin is packed once: its bytes are the same object."""
    return gzip.compress(body, LEVEL, mtime=0)


def compressed(headers: Mapping[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    """The answer in gzip: its tag is weak now, for other bytes stand for the same content."""
    packed = _packed(body)
    changed = {**headers, "content-encoding": "gzip", "content-length": str(len(packed)), "vary": "Accept-Encoding"}
    changed.pop("accept-ranges", None)
    tag = headers.get("etag", "")
    if tag and not tag.startswith("W/"):
        changed["etag"] = f"W/{tag}"
    return changed, packed

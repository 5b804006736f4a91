"""From an origin's whole answer to what one viewer gets of it: conditions, ranges, compression."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

from edgetrain.local.cloudfront.compression import accepts_gzip, compressed, is_compressible
from edgetrain.local.wsgi import RANGE, Request

#: What a 304 still says.
UNCHANGED: Final = ("cache-control", "date", "etag", "expires", "last-modified", "vary")


@dataclass(frozen=True)
class Answer:
    """An answer with its body in memory; header names are lower case, cookies apart."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: tuple[str, ...] = ()


def tailored(request: Request, answer: Answer, *, may_compress: bool) -> Answer:
    """What this viewer gets of an origin's answer to a whole GET."""
    wants_part = answer.status == 200 and RANGE.fullmatch(request.header("range").strip()) is not None
    packs = (
        may_compress
        and accepts_gzip(request.header("accept-encoding"))
        and is_compressible(answer.status, answer.headers, len(answer.body))
    )
    if answer.status == 200 and _is_unchanged(request, answer.headers):
        headers = {name: answer.headers[name] for name in UNCHANGED if name in answer.headers}
        tag = headers.get("etag", "")
        if packs and tag and not tag.startswith("W/"):
            headers |= {"etag": f"W/{tag}", "vary": "Accept-Encoding"}
        return Answer(304, headers, b"")
    if wants_part:
        return _part(request, answer)
    if packs:
        headers, body = compressed(answer.headers, answer.body)
        return Answer(answer.status, headers, body)
    return answer


def _is_unchanged(request: Request, headers: Mapping[str, str]) -> bool:
    """Whether the viewer has this content already."""
    wanted = request.header("if-none-match")
    if wanted:
        tags = [each.strip().removeprefix("W/") for each in wanted.split(",")]
        return "*" in tags or headers.get("etag", "").removeprefix("W/") in tags
    since, changed = request.header("if-modified-since"), headers.get("last-modified", "")
    if not since or not changed:
        return False
    try:
        return parsedate_to_datetime(changed) <= parsedate_to_datetime(since)
    except (TypeError, ValueError):  # a date that is none is passed over
        return False


def _part(request: Request, answer: Answer) -> Answer:
    """The asked range of the body, as S3 counts it; the whole where the range makes no sense."""
    size = len(answer.body)
    asked = request.byte_range(size)
    if asked is None or not _range_holds(request, answer):
        return answer
    start, end = asked
    if start >= size:
        return Answer(416, {"content-range": f"bytes */{size}", "content-length": "0"}, b"")
    part = answer.body[start : end + 1]
    headers = {**answer.headers, "content-range": f"bytes {start}-{end}/{size}", "content-length": str(len(part))}
    return Answer(206, headers, part)


def _range_holds(request: Request, answer: Answer) -> bool:
    """Whether the part is of the content that the viewer means (`If-Range`)."""
    wanted = request.header("if-range")
    return not wanted or wanted in (answer.headers.get("etag"), answer.headers.get("last-modified"))

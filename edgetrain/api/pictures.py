"""The picture in a request: in a JSON body as base64, or as the body itself. Nothing here looks at a pixel."""

import binascii
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from edgetrain import limits
from edgetrain.api.http import Request, shown
from edgetrain.errors import RequestRefused

JSON: Final = "application/json"
PICTURES: Final = ("image/jpeg", "image/png")
FIELDS: Final = ("name", "file")
#: Base64's digits; `-` and `_` of the URL-safe kind have become `+` and `/`.
DIGITS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
#: Long base64 comes in lines.
SPACES: Final = b" \t\r\n"
#: What stands before a data URL's comma.
DATA_URL: Final = re.compile(r"data:[^,]{0,1000};base64", re.IGNORECASE | re.ASCII)
#: Of S3's 2 kB for all metadata of an object, a name takes half at most.
NAME_BYTES: Final = limits.S3_METADATA_BYTES // 2


@dataclass(frozen=True)
class SentPicture:
    """A file as it was sent, and the name that its sender gave it (perhaps none). Neither is checked for what it holds."""

    body: bytes
    name: str = ""


def sent_picture(request: Request) -> SentPicture:
    """The picture of a request.

    Raises:
        RequestRefused: the content type is none of ours, the JSON is not as it should be, or `file` is no base64.
    """
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise _unsupported("the body is compressed: expected it plain, without Content-Encoding")
    given = request.headers.get("content-type", "")
    kind, _, settings = given.partition(";")
    kind = kind.strip().lower()
    if kind in PICTURES:
        return SentPicture(request.body)
    if kind != JSON:
        raise _unsupported(f"the content type is {shown(given)}: expected {JSON}, {' or '.join(PICTURES)}")
    charset = re.search(r"charset\s*=\s*\"?([^\s;\"]+)", settings, re.IGNORECASE)
    if charset and charset.group(1).lower() not in {"utf-8", "utf8"}:
        raise _unsupported(f"the charset is {shown(charset.group(1))}: expected utf-8")
    return _from_object(json_object(request.body))


def json_object(body: bytes) -> dict[str, Any]:
    """A JSON object, read strictly: no field twice, no NaN, no nesting without end.

    Raises:
        RequestRefused: it is not one.
    """
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise _invalid("the body is not UTF-8") from error
    except RecursionError as error:
        raise _invalid("the body is nested too deeply") from error
    except ValueError as error:  # not JSON, or a number of thousands of digits
        at = f" (at character {error.pos})" if isinstance(error, json.JSONDecodeError) else ""
        raise _invalid(f"the body is not JSON{at}") from error
    if not isinstance(value, dict):
        raise _invalid("the body is JSON, and no object")
    return value


def metadata_name(name: str) -> str:
    """A sender's name as S3 metadata: percent-encoded ASCII of at most `NAME_BYTES`, cut between characters."""
    encoded: list[str] = []
    room = NAME_BYTES
    for character in name:
        piece = quote(character, safe=" ")
        if len(piece) > room:
            break
        encoded.append(piece)
        room -= len(piece)
    return "".join(encoded).strip()


def decode_base64(text: str) -> bytes:
    """The bytes of base64: plain or URL-safe, padded or not, with or without line breaks.

    Raises:
        RequestRefused: it is none, or more than a picture may have.
    """
    if not text.isascii():
        raise _no_base64("has characters that are not base64's")
    digits = text.encode("ascii").translate(URL_SAFE, SPACES)
    plain = digits.rstrip(b"=")
    padding = len(digits) - len(plain)
    if plain.translate(None, DIGITS):
        raise _no_base64("has characters that are not base64's")
    if len(plain) % 4 == 1 or (padding and (padding > 2 or len(digits) % 4)):
        raise _no_base64("has a length that no base64 has")
    size = len(plain) * 3 // 4
    if size > limits.PICTURE_BYTES:
        raise RequestRefused(
            f"the picture has {size} bytes: expected at most {limits.PICTURE_BYTES}", code="picture_too_large"
        )
    return binascii.a2b_base64(plain + b"=" * (-len(plain) % 4))


def _from_object(found: dict[str, Any]) -> SentPicture:
    unknown = [field for field in found if field not in FIELDS]
    if unknown:
        raise _invalid(f"the body has {shown(unknown[0])}")
    name = found.get("name", "")
    if not isinstance(name, str) or len(name) > limits.PICTURE_NAME_CHARACTERS or not _is_text(name):
        raise RequestRefused(
            f"name is expected to be text of at most {limits.PICTURE_NAME_CHARACTERS} characters", code="name_invalid"
        )
    if "file" not in found:
        raise RequestRefused(
            'the body has no "file": expected the picture there, as a data URL or base64', code="file_missing"
        )
    file = found["file"]
    if not isinstance(file, str):
        raise _no_base64("is no text")
    if file[:5].lower() == "data:":
        head, comma, file = file.partition(",")
        if not comma or not DATA_URL.fullmatch(head):
            raise _no_base64("is a data URL without ;base64")
    return SentPicture(decode_base64(file), name)


def _is_text(name: str) -> bool:
    """Whether UTF-8 can write it: JSON can spell halves of characters."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _invalid(f"the body has {shown(name)} twice")
        found[name] = value
    return found


def _no_number(word: str) -> Any:
    raise _invalid(f"the body has {word}, which is not JSON")


def _invalid(what: str) -> RequestRefused:
    return RequestRefused(f'{what}: expected {{"name": "x.jpg", "file": "<data URL or base64>"}}', code="body_invalid")


def _no_base64(what: str) -> RequestRefused:
    return RequestRefused(f"file {what}: expected a data URL or base64, padded or not", code="file_invalid")


def _unsupported(message: str) -> RequestRefused:
    return RequestRefused(message, code="unsupported_media_type")

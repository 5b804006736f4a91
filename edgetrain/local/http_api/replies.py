"""What a function returned, as the reply that goes out; and the gateway's own replies."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from edgetrain.local.wsgi import Reply

JSON: Final = "application/json"
TEXT: Final = "text/plain; charset=utf-8"
MESSAGES: Final = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    413: "Request Entity Too Large",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
#: Headers of a function's that the gateway sets itself, and those that it passes on under another name.
DROPPED: Final = frozenset({"content-length", "transfer-encoding", "keep-alive", "upgrade", "te", "trailer"})
REMAPPED: Final = frozenset({"connection", "date", "server", "www-authenticate"})
HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
NO_BODY: Final = frozenset({204, 304})


class Malformed(Exception):
    """A function's answer is not one that the gateway can pass on; the text says why."""


def gateway_reply(status: int, headers: Mapping[str, str] | None = None) -> Reply:
    """The gateway's own reply: `{"message": "Not Found"}`."""
    body = json.dumps({"message": MESSAGES[status]}, separators=(",", ":")).encode()
    return Reply.of(status, body, JSON, headers)


def read_answer(payload: bytes) -> Reply:
    """A function's answer in payload format 2.0: what has no `statusCode` is a body of its own, of JSON.

    Raises:
        Malformed: it says things that no reply can have.
    """
    try:
        answer = json.loads(payload)
    except ValueError:
        return Reply.of(200, payload, JSON)
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return Reply.of(200, answer.encode() if isinstance(answer, str) else payload, JSON)
    headers = _headers(answer.get("headers"))
    status, body = _status(answer["statusCode"]), _body(answer)
    kind = headers.pop("content-type", TEXT)
    cookies = answer.get("cookies") or []
    if not isinstance(cookies, list) or not all(isinstance(each, str) and _one_line(each) for each in cookies):
        raise Malformed("cookies is not a list of texts of one line each")
    if status in NO_BODY:
        return Reply(status, headers, (), tuple(cookies))
    whole = Reply.of(status, body, kind, headers)
    return Reply(whole.status, whole.headers, whole.body, tuple(cookies))


def _status(value: Any) -> int:
    try:
        status = int(value) if isinstance(value, str | int) else 0
    except ValueError:
        status = 0
    if not 100 <= status <= 599:
        raise Malformed(f"statusCode is {value!r}: expected a number from 100 to 599")
    return status


def _body(answer: Mapping[str, Any]) -> bytes:
    body = answer.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise Malformed(f"body is a {type(body).__name__}: expected text")
    if not answer.get("isBase64Encoded"):
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise Malformed("body is not base64, and isBase64Encoded says that it is") from error


def _headers(given: Any) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise Malformed(f"headers is a {type(given).__name__}: expected an object")
    headers = {}
    for name, value in given.items():
        if isinstance(value, list | dict):
            raise Malformed(f"header {name} is a {type(value).__name__}: expected text")
        text = str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
        if not HEADER_NAME.fullmatch(name) or not _one_line(text):
            raise Malformed(f"header {name!r} cannot be sent")
        if name.lower() in REMAPPED:
            headers[f"x-amzn-remapped-{name.lower()}"] = text
        elif name.lower() not in DROPPED:
            headers[name.lower()] = text
    return headers


def _one_line(text: str) -> bool:
    """Whether a text can be a header's value: no control character, nothing that UTF-8 cannot say."""
    return not any((code < 32 and code != 9) or 0xD800 <= code <= 0xDFFF for code in map(ord, text))

"""A request and a reply of the front, over WSGI."""

import io
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs, quote

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

CHUNK: Final = 1 << 18
RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)")
#: Where the server (and moto) keeps how headers were spelled that WSGI spells otherwise: S3 tells `x-amz-meta-a_b` from
#: `x-amz-meta-a-b`.
SPELLINGS: Final = "moto.preserved_header_names"
#: Headers by which services name a request: API Gateway and CloudFront have their own.
REQUEST_IDS: Final = frozenset({"x-amzn-requestid", "apigw-requestid", "x-amz-cf-id"})


@dataclass(frozen=True)
class Request:
    """A WSGI environment, read."""

    environ: Environ

    @property
    def method(self) -> str:
        return str(self.environ["REQUEST_METHOD"])

    @cached_property
    def path(self) -> str:
        """The path, decoded."""
        return str(self.environ.get("PATH_INFO", "")).encode("latin-1").decode("utf-8", "replace") or "/"

    @property
    def encoded_path(self) -> str:
        """The path as it was sent: a slash within a part of it is `%2F` there, and once decoded it parts the path."""
        sent = str(self.environ.get("REQUEST_URI") or "").partition("?")[0]
        return sent if sent.startswith("/") else quote(self.path)

    @cached_property
    def query(self) -> dict[str, str]:
        """The query's parameters; of one that is given twice, the first."""
        parsed = parse_qs(self.environ.get("QUERY_STRING", ""), keep_blank_values=True)
        return {name: values[0] for name, values in parsed.items()}

    def header(self, name: str, default: str = "") -> str:
        """A header by its name, as it was sent."""
        key = name.upper().replace("-", "_")
        if key not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            key = f"HTTP_{key}"
        return str(self.environ.get(key, default))

    def headers(self, prefix: str) -> dict[str, str]:
        """All headers whose names begin with `prefix`, in lower case."""
        start = "HTTP_" + prefix.upper().replace("-", "_")
        spelled = self.environ.get(SPELLINGS) or {}
        return {
            spelled.get(name, name[5:].replace("_", "-")).lower(): str(value)
            for name, value in self.environ.items()
            if name.startswith(start)
        }

    def byte_range(self, size: int) -> tuple[int, int] | None:
        """The first and the last byte that are asked for, of `size`; the first may lie behind the end.

        None where the whole is meant: S3 passes over what it does not understand, and several ranges.
        """
        asked = RANGE.fullmatch(self.header("range").strip())
        if asked is None or asked.groups() == ("", ""):
            return None
        first, last = asked.groups()
        if first and last and int(last) < int(first):
            return None
        start = int(first) if first else max(0, size - int(last))
        return start, min(int(last), size - 1) if first and last else size - 1

    def chunks(self) -> Iterator[bytes]:
        """The body, piece by piece; it can be read once."""
        stream = self.environ["wsgi.input"]
        if "chunked" in self.header("transfer-encoding").lower():
            while piece := stream.read(CHUNK):
                yield piece
            return
        left = int(self.header("content-length") or 0)
        while left > 0 and (piece := stream.read(min(left, CHUNK))):
            left -= len(piece)
            yield piece

    def skip_body(self) -> None:
        """Read to its end: what is left of a body is read as the next request of the connection."""
        for _ in self.chunks():
            pass

    def body(self) -> bytes:
        """The whole body; afterwards whoever is handed the environment reads it again from memory."""
        body = b"".join(self.chunks())
        self.replace_body(body)
        return body

    def replace_body(self, body: bytes) -> None:
        """Let the next reader of the environment read `body`."""
        self.environ["wsgi.input"] = io.BytesIO(body)
        self.environ["CONTENT_LENGTH"] = str(len(body))
        self.environ.pop("HTTP_TRANSFER_ENCODING", None)


@dataclass(frozen=True)
class Reply:
    """An answer: a status, headers, a body in pieces, and cookies (each goes into a Set-Cookie header of its own)."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Iterable[bytes] = ()
    cookies: tuple[str, ...] = ()

    @classmethod
    def of(cls, status: int, body: bytes, content_type: str, headers: Mapping[str, str] | None = None) -> "Reply":
        """A reply with a body in memory."""
        described = {"Content-Type": content_type, "Content-Length": str(len(body)), **(headers or {})}
        return cls(status, described, [body] if body else ())

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status < 300

    def send(self, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a WSGI server."""
        headers = [*self.headers.items(), *(("Set-Cookie", cookie) for cookie in self.cookies)]
        if REQUEST_IDS.isdisjoint(name.lower() for name in self.headers):
            headers.append(("x-amzn-RequestId", request_id()))
        start_response(status_line(self.status), [(name, header_text(value)) for name, value in headers])
        return self.body


def call(application: Application, environ: Environ) -> Reply:
    """Ask a WSGI application and read its answer to the end."""
    answered: list[tuple[str, list[tuple[str, str]]]] = []
    pieces = application(environ, lambda status, headers, *_: answered.append((status, headers)))
    try:
        body = b"".join(pieces)
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
    status, headers = answered[-1]
    cookies = tuple(value for name, value in headers if name.lower() == "set-cookie")
    others = {name: value for name, value in headers if name.lower() != "set-cookie"}
    return Reply(int(status.split(" ", 1)[0]), others, [body] if body else (), cookies)


def status_line(status: int) -> str:
    """`404 Not Found`."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"


def header_text(value: object) -> str:
    """A header's value as WSGI wants it: text whose characters are the bytes of UTF-8."""
    return str(value).encode("utf-8").decode("latin-1")


def request_id() -> str:
    return str(uuid.uuid4())

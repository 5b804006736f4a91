"""The Lambda Runtime API of one function process: HTTP/1.1 on a port of its own, on the loopback interface.

Nothing here waits or has a thread: the thread that runs the invocation polls the sockets and calls us when there is
something to read. A port per process, and request ids that only that process has seen, keep functions apart.
"""

import contextlib
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from edgetrain import limits

#: The version of the Runtime API.
PREFIX: Final = "/2018-06-01/runtime"
HEADER_BYTES: Final = 2 * limits.MIB  # an error's X-Ray cause travels in a header
RECEIVE_BYTES: Final = 256 * limits.KIB
#: A runtime client that does not even read its event is stuck; the invocation's own timeout deals with it.
SEND_SECONDS: Final = 5.0
REASONS: Final = {200: "OK", 202: "Accepted", 400: "Bad Request", 404: "Not Found"}
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True)
class Call:
    """A whole request of the runtime client. `body` is empty, and `too_large` set, where it is above the limit."""

    connection: "Connection"
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    too_large: bool = False

    @property
    def is_next(self) -> bool:
        """The runtime asks for an event."""
        return self.method == "GET" and self.path == f"{PREFIX}/invocation/next"

    def is_answer(self, request_id: str, kind: str) -> bool:
        """It is the `response` or the `error` of this invocation."""
        return self.method == "POST" and self.path == f"{PREFIX}/invocation/{request_id}/{kind}"

    @property
    def is_init_error(self) -> bool:
        """The function's module could not be loaded."""
        return self.method == "POST" and self.path == f"{PREFIX}/init/error"

    def accept(self) -> None:
        """Take note: what the runtime client waits for after a `response` or an `error`."""
        self.connection.reply(202, b'{"status":"OK"}')

    def refuse(self, status: int, error_type: str, message: str) -> None:
        """Say what is wrong with the request."""
        body = json.dumps({"errorType": error_type, "errorMessage": message}).encode()
        self.connection.reply(status, body)


@dataclass
class Connection:
    """One connection of the runtime client. `limit`: the largest body that is taken, in bytes."""

    socket: socket.socket
    limit: int
    _buffer: bytearray = field(default_factory=bytearray)
    _head: tuple[str, str, dict[str, str]] | None = None
    _skip: int = 0

    def fileno(self) -> int:
        """For polling."""
        return self.socket.fileno()

    def receive(self) -> Call | None:
        """Read what has arrived; the request, when it is whole.

        Raises:
            EOFError: the client closed the connection, or speaks no HTTP that we know.
        """
        try:
            chunk = self.socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return None
        except OSError as error:
            raise EOFError from error
        if not chunk:
            raise EOFError
        skipped = min(self._skip, len(chunk))
        self._skip -= skipped
        self._buffer += memoryview(chunk)[skipped:]
        return self._call()

    def reply(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Answer, in one send: head and body apart would cost a delayed acknowledgement (40 ms)."""
        head = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
        lines = [f"HTTP/1.1 {status} {REASONS[status]}", *(f"{name}: {value}" for name, value in head.items())]
        message = ("\r\n".join(lines) + "\r\n\r\n").encode("ascii") + body
        with contextlib.suppress(OSError):  # a process that is gone, or stuck, is seen by whoever polls
            self._send(message)

    def close(self) -> None:
        """Close it; once more does nothing."""
        self.socket.close()

    def _send(self, message: bytes) -> None:
        try:
            sent = self.socket.send(message)
        except BlockingIOError:
            sent = 0
        if sent < len(message):  # more than the socket's buffer holds
            self.socket.settimeout(SEND_SECONDS)
            try:
                self.socket.sendall(memoryview(message)[sent:])
            finally:
                self.socket.setblocking(False)

    def _call(self) -> Call | None:
        if self._head is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > HEADER_BYTES:
                    raise EOFError
                return None
            self._head = _parse_head(bytes(self._buffer[:end]))
            del self._buffer[: end + 4]
            if "100-continue" in self._head[2].get("expect", "").lower():
                self.socket.sendall(CONTINUE)
        method, path, headers = self._head
        length = _content_length(headers)
        if length > self.limit:
            self._skip = length - len(self._buffer)
            self._buffer.clear()
            self._head = None
            return Call(self, method, path, headers, b"", too_large=True)
        if len(self._buffer) < length:
            return None
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        self._head = None
        return Call(self, method, path, headers, body)


class RuntimeApi:
    """The listening end, and the connections that are open."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=8)
        self._listener.setblocking(False)
        self.connections: dict[int, Connection] = {}

    @property
    def address(self) -> str:
        """For AWS_LAMBDA_RUNTIME_API."""
        host, port = self._listener.getsockname()
        return f"{host}:{port}"

    def fileno(self) -> int:
        """The listening socket's, for polling."""
        return self._listener.fileno()

    def accept(self) -> Connection | None:
        """The connection that has come in, if it still stands."""
        try:
            connected, _ = self._listener.accept()
        except OSError:
            return None
        connected.setblocking(False)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(connected, self._limit)
        self.connections[connection.fileno()] = connection
        return connection

    def close(self) -> None:
        """Close everything; once more does nothing."""
        self._listener.close()
        for connection in self.connections.values():
            connection.close()
        self.connections.clear()


def _parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    try:
        method, path, _ = first.split(" ")
    except ValueError as error:
        raise EOFError(f"no HTTP request: {first[:80]!r}") from error
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return method, path, headers


def _content_length(headers: Mapping[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise EOFError("the runtime client sends whole bodies")
    text = headers.get("content-length", "0")
    if not text.isdecimal():
        raise EOFError(f"no length: {text!r}")
    return int(text)

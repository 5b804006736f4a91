"""HTTP as the runtime client speaks it, over a pair of Unix sockets."""

import socket
import threading
from collections.abc import Iterator

import pytest

from edgetrain.local.functions.runtime_api import Call, Connection

NEXT = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n"


def post(path: str, body: bytes, *headers: str) -> bytes:
    head = [f"POST /2018-06-01/runtime/{path} HTTP/1.1", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


class Pair:
    """The runtime client's end, and ours."""

    def __init__(self) -> None:
        self.client, ours = socket.socketpair(socket.AF_UNIX)
        ours.setblocking(False)
        self.client.settimeout(5)
        self.connection = Connection(ours, limit=100)

    def hear(self, *parts: bytes) -> Call:
        """Each part arrives by itself; the request is whole with the last and not before."""
        for part in parts[:-1]:
            self.client.sendall(part)
            assert self.connection.receive() is None
        self.client.sendall(parts[-1])
        call = self.connection.receive()
        assert call is not None
        return call


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.client.close()
    pair.connection.close()


def test_next_and_its_event(pair: Pair) -> None:
    call = pair.hear(NEXT)
    assert call.is_next

    call.connection.reply(200, b'{"a": 1}', {"Lambda-Runtime-Aws-Request-Id": "r"})

    head, _, body = pair.client.recv(1000).partition(b"\r\n\r\n")
    assert body == b'{"a": 1}'
    lines = head.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 200 OK"
    assert set(lines[1:]) == {
        "Content-Type: application/json",
        "Content-Length: 8",
        "Lambda-Runtime-Aws-Request-Id: r",
    }


@pytest.mark.parametrize("cut", [1, 30, -1, -5])
def test_a_request_in_parts(pair: Pair, cut: int) -> None:
    message = post("invocation/r/response", b"[1, 2]")

    call = pair.hear(message[:cut], message[cut:])

    assert call.is_answer("r", "response")
    assert call.body == b"[1, 2]"


def test_answers_belong_to_their_request(pair: Pair) -> None:
    call = pair.hear(post("invocation/r/error", b"{}"))
    assert call.is_answer("r", "error")
    assert not call.is_answer("r", "response")
    assert not call.is_answer("another", "error")
    assert not call.is_next
    assert pair.hear(post("init/error", b"{}")).is_init_error


def test_a_body_above_the_limit_is_skipped_and_the_next_request_is_understood(pair: Pair) -> None:
    message = post("invocation/r/response", b"x" * 101)

    call = pair.hear(message[:120])

    assert call.is_answer("r", "response")
    assert (call.too_large, call.body) == (True, b"")
    assert pair.hear(message[120:], NEXT).is_next
    assert not pair.hear(post("invocation/s/response", b"x" * 100)).too_large


def test_a_client_that_waits_for_100_continue(pair: Pair) -> None:
    head, _, body = post("invocation/r/response", b"{}", "Expect: 100-continue").partition(b"\r\n\r\n")
    pair.client.sendall(head + b"\r\n\r\n")
    assert pair.connection.receive() is None
    assert pair.client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert pair.hear(body).body == b"{}"


def test_refusals_are_documents(pair: Pair) -> None:
    pair.hear(NEXT).refuse(404, "InvalidRequest", "no such thing")
    answer = pair.client.recv(1000)
    assert answer.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert answer.endswith(b'{"errorType": "InvalidRequest", "errorMessage": "no such thing"}')


@pytest.mark.parametrize(
    "message",
    [
        b"hello\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_what_is_not_the_runtime_client(pair: Pair, message: bytes) -> None:
    pair.client.sendall(message)
    with pytest.raises(EOFError):
        pair.connection.receive()


def test_the_end_of_a_connection(pair: Pair) -> None:
    pair.client.close()
    with pytest.raises(EOFError):
        pair.connection.receive()
    pair.connection.reply(202)  # nobody is there, and nothing happens
    with pytest.raises(EOFError):
        pair.connection.receive()


def test_an_event_that_is_larger_than_the_sockets_buffer(pair: Pair) -> None:
    pair.connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    event = b"x" * 1_000_000
    received = bytearray()

    def read() -> None:
        while not received.endswith(event):
            received.extend(pair.client.recv(1_000_000))

    reader = threading.Thread(target=read)
    reader.start()
    pair.connection.reply(200, event)
    reader.join()

    assert received.endswith(b"\r\n\r\n" + event)
    assert pair.connection.receive() is None  # it does not block

"""`edgetrain detect` over sockets, against a server that answers as the API does."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from edgetrain.client import detecting
from edgetrain.client.detecting import DetectionApi, http_send
from edgetrain.detection.pictures import Picture
from edgetrain.errors import ApiRefused, ApiUnavailable

PICTURE = Picture(np.zeros((2, 2, 3), np.uint8), "image/jpeg")


class Answers(BaseHTTPRequestHandler):
    """What the API says; paths below /moved are redirected to another host's."""

    asked: list[tuple[str, str, bytes]] = []  # noqa: RUF012 (http.server makes an instance for each request)

    def answer(self, body: bytes = b"") -> None:
        self.asked.append((self.command, self.headers["Authorization"], body))
        moved = self.path.startswith("/moved")
        document = {"labels": ["Cat"]} if self.command == "GET" else [{"prediction": [[0, 0.9, 0, 0, 1, 1]]}]
        content = json.dumps(document).encode()
        self.send_response(307 if moved else 200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Model-Version", "1")
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))

    def log_message(self, *_words: object) -> None:
        """Nothing: the tests look at `asked`."""


@pytest.fixture
def server():
    Answers.asked.clear()
    with HTTPServer(("127.0.0.1", 0), Answers) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{made.server_port}"
        made.shutdown()
        thread.join()


def detect(url):
    return DetectionApi(url, "token", http_send()).detect(b"a jpeg", PICTURE, task="objects")


def test_an_answer(server):
    told = detect(server)
    assert [each.label for each in told.detections] == ["Cat"]
    assert told.model_version == 1
    assert Answers.asked == [("POST", "Bearer token", b"a jpeg"), ("GET", "Bearer token", b"")]


def test_a_token_goes_nowhere_else(server):
    with pytest.raises(ApiRefused, match="307"):
        detect(f"{server}/moved")
    assert len(Answers.asked) == 1


def test_nobody_answers():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(ApiUnavailable, match="nothing answers"):
            detect(f"http://127.0.0.1:{free.getsockname()[1]}")
    with pytest.raises(ApiUnavailable, match="nothing answers"):
        detect("no address")


def test_an_answer_that_does_not_come(monkeypatch):
    monkeypatch.setattr(detecting, "READ_SECONDS", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(ApiUnavailable, match="did not answer"):
            detect(f"http://127.0.0.1:{silent.getsockname()[1]}")

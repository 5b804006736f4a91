"""The container's answers, over detectors that say what they saw."""

import base64
import io
import json
import threading
import time

import numpy as np
import pytest
from PIL import Image
from werkzeug.test import Client

from edgetrain import limits
from edgetrain.detection.detections import Detection
from training_jobs.serve.app import ServingApplication
from training_jobs.serve.pool import DetectorPool
from training_jobs.serve.reading import ATTRIBUTES


def picture(width: int, height: int = 1, kind: str = "JPEG") -> bytes:
    written = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), 200, np.uint8)).save(written, kind)
    return written.getvalue()


class Widths:
    """Finds one thing in every picture: its class is the picture's width. It waits where `gate` is closed."""

    def __init__(self, gate: threading.Event) -> None:
        self.gate = gate
        self.asked: list[tuple[float | None, int | None]] = []

    def detect(self, rgb, *, min_score=None, max_detections=None):
        self.gate.wait(30)
        self.asked.append((min_score, max_detections))
        if rgb.shape[1] == 13:
            raise RuntimeError("the model broke")
        return (Detection(rgb.shape[1], 0.5, 0.0, 0.0, 1.0, 1.0),)


class Served:
    def __init__(self, *, size: int = 1, waiting: int = 4, seconds: float = 30) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.detectors: list[Widths] = []
        self.lines: list[dict] = []
        pool = DetectorPool(self._make, size=size, waiting=waiting, seconds=seconds)
        application = ServingApplication(
            pool, task="objects", version=7, log=lambda event, **facts: self.lines.append({"event": event, **facts})
        )
        self.client = Client(application)

    def _make(self) -> Widths:
        self.detectors.append(Widths(self.gate))
        return self.detectors[-1]

    def invoke(self, body: bytes, kind: str = "image/jpeg", **headers: str):
        return self.client.post("/invocations", data=body, content_type=kind, headers=headers)


@pytest.fixture
def served():
    return Served()


def prediction(width: int) -> dict:
    return {"prediction": [[width, 0.5, 0.0, 0.0, 1.0, 1.0]]}


def test_ping(served):
    assert served.client.get("/ping").status_code == 200


@pytest.mark.parametrize(("body", "kind"), [(picture(5), "image/jpeg"), (picture(5, kind="PNG"), "image/png")])
def test_a_picture(served, body, kind):
    answer = served.invoke(body, kind)
    assert (answer.status_code, answer.mimetype, answer.json) == (200, "application/json", prediction(5))
    assert answer.headers[ATTRIBUTES] == "task=objects;version=7"
    assert served.detectors[0].asked == [(None, None)]


def test_wishes_reach_the_detector(served):
    served.invoke(picture(5), **{ATTRIBUTES: "min_score=0.25;max_detections=3"})
    assert served.detectors[0].asked == [(0.25, 3)]


def test_a_batch_is_answered_in_its_order():
    served = Served(size=2)
    widths = [9, 4, 7, 5]
    instances = [{"data": base64.b64encode(picture(width)).decode()} for width in widths]
    answer = served.invoke(json.dumps({"instances": instances}).encode(), "application/json")
    assert answer.json == {"predictions": [prediction(width) for width in widths]}


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"", "image/jpeg", 400, "picture_empty"),
        (b"hello", "image/jpeg", 400, "picture_type"),
        (picture(64, 64)[:-200], "image/jpeg", 400, "picture_damaged"),
        (picture(limits.PICTURE_SIDE + 1), "image/jpeg", 413, "picture_dimensions"),
        (b"x" * (limits.PICTURE_BYTES + 1), "image/jpeg", 413, "too_large"),
        (picture(5), "image/webp", 415, "unsupported_media_type"),
    ],
)
def test_what_cannot_be_decoded_is_a_sentence(served, body, kind, status, code):
    answer = served.invoke(body, kind)
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code)
    assert answer.json["error"]["message"]
    assert set(answer.json) == {"error"}


def test_one_bad_picture_refuses_its_batch(served):
    instances = [{"data": base64.b64encode(each).decode()} for each in (picture(5), b"hello")]
    answer = served.invoke(json.dumps({"instances": instances}).encode(), "application/json")
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "picture_type")


def test_a_model_that_fails_does_not_end_the_container(served):
    answer = served.invoke(picture(13))
    assert (answer.status_code, answer.json["error"]["code"]) == (500, "internal")
    assert "the model broke" not in answer.text
    assert any(line["event"] == "failure" and "the model broke" in line["error"] for line in served.lines)
    assert served.invoke(picture(5)).status_code == 200


def test_what_takes_too_long_is_told_to_come_again():
    served = Served(seconds=0.05)
    served.gate.clear()
    answer = served.invoke(picture(5))
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "busy")
    assert int(answer.headers["Retry-After"]) >= 1
    served.gate.set()
    assert served.invoke(picture(6)).json == prediction(6)


def test_waiting_counts():
    """The one detector is busy: whoever waits for it gets its 503 as well, and what gave up is not worked on later."""
    served = Served(seconds=0.05)
    served.gate.clear()
    assert [served.invoke(picture(width)).status_code for width in (5, 6)] == [503, 503]
    served.gate.set()
    assert served.invoke(picture(7)).status_code == 200
    assert len(served.detectors[0].asked) == 2  # of 5 and 7: 6 had not begun


def test_no_more_wait_than_may():
    served = Served(waiting=1)
    served.gate.clear()
    answers = []
    first = threading.Thread(target=lambda: answers.append(served.invoke(picture(5)).status_code))
    first.start()
    while not _is_taken(served):
        time.sleep(0.001)
    assert served.invoke(picture(6)).status_code == 503
    served.gate.set()
    first.join()
    assert answers == [200]


def _is_taken(served) -> bool:
    pool = served.client.application._pool
    taken = not pool._places.acquire(blocking=False)
    if not taken:
        pool._places.release()
    return taken


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/invocations", 405), ("POST", "/ping", 405), ("GET", "/", 404), ("POST", "/models", 404)],
)
def test_other_paths_and_methods(served, method, path, status):
    answer = served.client.open(path, method=method)
    assert (answer.status_code, set(answer.json)) == (status, {"error"})


def test_only_json_is_answered(served):
    assert served.invoke(picture(5), Accept="application/json").status_code == 200
    assert served.invoke(picture(5), Accept="*/*").status_code == 200
    assert served.invoke(picture(5), Accept="text/csv").status_code == 406


def test_each_invocation_is_one_line(served):
    served.invoke(picture(5))
    served.client.get("/ping")
    (line,) = served.lines
    assert (line["event"], line["status"], line["bytes"]) == ("invocation", 200, len(picture(5)))

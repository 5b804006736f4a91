"""What the API's answers become."""

import json

import numpy as np
import pytest

from edgetrain.client.detecting import DetectionApi, Reply, _reason
from edgetrain.detection.pictures import Picture
from edgetrain.errors import ApiRefused, ApiUnavailable

PICTURE = Picture(np.zeros((30, 40, 3), np.uint8), "image/png")
ROWS = [[1, 0.9, 0.1, 0.2, 0.3, 0.4], [7, 0.5, 0.0, 0.0, 1.0, 1.0]]


class FakeApi:
    """Answers in turn, and remembers what it was asked."""

    def __init__(self, *replies):
        self.replies, self.asked = list(replies), []

    def __call__(self, method, url, headers, body):
        self.asked.append((method, url, dict(headers), body))
        status, document, *more = self.replies.pop(0)
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return Reply(status, more[0] if more else {}, body)

    def detect(self, **settings):
        return DetectionApi("https://api.example/api/", "token", self).detect(
            b"file", PICTURE, task="objects", **settings
        )


def test_a_picture_and_its_labels():
    headers = {"x-model-version": "3", "x-picture-id": "an-id"}
    api = FakeApi((200, [{"prediction": ROWS}], headers), (200, {"labels": ["cat", "dog"]}))
    told = api.detect(min_score=0.25, max_detections=5)
    assert [(each.label, each.score, each.xmax) for each in told.detections] == [
        ("dog", 0.9, 0.3),
        ("class 7", 0.5, 1.0),
    ]
    assert (told.model_version, told.picture_id, told.width, told.height) == (3, "an-id", 40, 30)
    assert api.asked == [
        (
            "POST",
            "https://api.example/api/detections?task=objects&min_score=0.25&max_detections=5",
            {"Authorization": "Bearer token", "Accept": "application/json", "Content-Type": "image/png"},
            b"file",
        ),
        (
            "GET",
            "https://api.example/api/labels/objects",
            {"Authorization": "Bearer token", "Accept": "application/json"},
            None,
        ),
    ]


def test_nothing_found_needs_no_labels():
    api = FakeApi((200, [{"prediction": []}]))
    assert api.detect().detections == ()
    assert api.asked[0][1].endswith("/detections?task=objects")


OURS = {"error": {"code": "picture_type", "message": "neither JPEG nor PNG"}}


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        ((401, {"message": "Unauthorized"}), ApiRefused, "edgetrain token"),
        ((403, {"message": "Forbidden"}), ApiRefused, "edgetrain/detect"),
        ((404, {"message": "Not Found"}), ApiRefused, "404.*Not Found"),
        ((415, OURS), ApiRefused, "neither JPEG nor PNG"),
        ((302, b""), ApiRefused, "302"),
        ((429, {"message": "Too Many Requests"}), ApiUnavailable, "later"),
        ((503, OURS, {"retry-after": "7"}), ApiUnavailable, "in 7 s"),
        ((502, b"<html>"), ApiUnavailable, "no reason given"),
        ((200, b"<html>"), ApiRefused, "no Edgetrain API"),
        ((200, {"prediction": []}), ApiRefused, "no Edgetrain API"),
        ((200, [{"prediction": [[1, "much"]]}]), ApiRefused, "no Edgetrain API"),
        ((200, [{"prediction": [[-1, 0.5, 0, 0, 1, 1]]}]), ApiRefused, "none"),
    ],
)
def test_what_goes_wrong(reply, error, words):
    with pytest.raises(error, match=words):
        FakeApi(reply, (200, {"labels": []})).detect()


def test_labels_that_are_none():
    with pytest.raises(ApiRefused, match="no Edgetrain API"):
        FakeApi((200, [{"prediction": ROWS}]), (200, {"labels": 3})).detect()


@pytest.mark.parametrize("body", [b"", b"[1]", b'{"error": "text"}', b'{"message": 5}'])
def test_no_reason(body):
    assert _reason(body) == "no reason given"

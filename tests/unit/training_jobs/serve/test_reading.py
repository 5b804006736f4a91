"""What a request asks, and the status of each that is wrong."""

import base64
import io
import json

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from edgetrain import limits
from training_jobs.serve.reading import Refused, Wishes, read_pictures, read_wishes


def asked(body: bytes, content_type: str, **more) -> Request:
    return Request(EnvironBuilder(method="POST", data=body, content_type=content_type, **more).get_environ())


@pytest.mark.parametrize("kind", ["image/jpeg", "image/png", "application/x-image", "IMAGE/JPEG; q=1"])
def test_a_picture_is_the_body(kind):
    assert read_pictures(asked(b"bytes", kind)) == ([b"bytes"], False)


def test_a_batch_keeps_its_order():
    bodies = [b"one", b"second"]
    instances = [
        {"data": base64.b64encode(bodies[0]).decode()},
        {"data": base64.b64encode(bodies[1]).decode().rstrip("=")},
    ]
    body = json.dumps({"instances": instances}).encode()
    assert read_pictures(asked(body, "application/json; charset=utf-8")) == (bodies, True)


GOOD = {"data": base64.b64encode(b"x").decode()}


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"x", "", 415, "unsupported_media_type"),
        (b"x", "text/plain", 415, "unsupported_media_type"),
        (b"x", "image/gif", 415, "unsupported_media_type"),
        (b"x", "application/x-npy", 415, "unsupported_media_type"),
        (b"x" * (limits.PICTURE_BYTES + 1), "image/jpeg", 413, "too_large"),
        (b"{", "application/json", 400, "invalid_json"),
        (b"\xff", "application/json", 400, "invalid_json"),
        (b"[" * 100_000, "application/json", 400, "invalid_json"),
        (b"[]", "application/json", 400, "invalid_batch"),
        (b"{}", "application/json", 400, "invalid_batch"),
        (json.dumps({"instances": []}).encode(), "application/json", 400, "invalid_batch"),
        (json.dumps({"instances": {}}).encode(), "application/json", 400, "invalid_batch"),
        (json.dumps({"instances": ["eA=="]}).encode(), "application/json", 400, "invalid_batch"),
        (json.dumps({"instances": [{"data": 1}]}).encode(), "application/json", 400, "invalid_batch"),
        (json.dumps({"instances": [{**GOOD, "more": 1}]}).encode(), "application/json", 400, "invalid_batch"),
        (json.dumps({"instances": [GOOD], "more": 1}).encode(), "application/json", 400, "invalid_batch"),
        (
            json.dumps({"instances": [GOOD] * (limits.MAX_INSTANCES + 1)}).encode(),
            "application/json",
            400,
            "invalid_batch",
        ),
        (json.dumps({"instances": [{"data": "!!!!"}]}).encode(), "application/json", 400, "invalid_base64"),
        (json.dumps({"instances": [{"data": "ä"}]}).encode(), "application/json", 400, "invalid_base64"),
        (
            json.dumps({"instances": [{"data": "eA=="}, {"data": "e"}]}).encode(),
            "application/json",
            400,
            "invalid_base64",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(body, kind, status, code):
    with pytest.raises(Refused) as refused:
        read_pictures(asked(body, kind))
    assert (refused.value.status, refused.value.code) == (status, code)


def test_a_body_that_is_too_large_is_not_read():
    class Untouched(io.RawIOBase):
        def read(self, *_):
            raise AssertionError

    environ = EnvironBuilder(method="POST", content_type="image/jpeg").get_environ()
    environ |= {"wsgi.input": Untouched(), "CONTENT_LENGTH": str(limits.PICTURE_BYTES + 1)}
    with pytest.raises(Refused) as refused:
        read_pictures(Request(environ))
    assert refused.value.status == 413


def test_a_body_that_breaks_off_is_refused():
    environ = EnvironBuilder(method="POST", content_type="image/jpeg").get_environ()
    environ |= {"wsgi.input": io.BytesIO(b"ab"), "CONTENT_LENGTH": "3"}
    with pytest.raises(Refused) as refused:
        read_pictures(Request(environ))
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("attributes", "wishes"),
    [
        ("", Wishes()),
        ("min_score=0.3;max_detections=50", Wishes(0.3, 50)),
        (" max_detections=1 ; ", Wishes(None, 1)),
        ("min_score=0", Wishes(0.0)),
        ("min_score=.5", Wishes(0.5)),
        (f"max_detections={limits.MAX_DETECTIONS}", Wishes(None, limits.MAX_DETECTIONS)),
    ],
)
def test_wishes(attributes, wishes):
    assert read_wishes(attributes) == wishes


@pytest.mark.parametrize(
    "attributes",
    [
        *("min_score", "min_score=", "min_score=1.5", "min_score=-1", "min_score=nan", "min_score=1e-3"),
        *("max_detections=0", "max_detections=1.0", "max_detections=-1", "max_detections=99999999"),
        *("minscore=0.3", "min_score=0.3;min_score=0.4", "=1", "min_score=0.3,max_detections=5"),
        f"max_detections={limits.MAX_DETECTIONS + 1}",
    ],
)
def test_wishes_that_cannot_be(attributes):
    with pytest.raises(Refused) as refused:
        read_wishes(attributes)
    assert (refused.value.status, refused.value.code) == (400, "invalid_attribute")

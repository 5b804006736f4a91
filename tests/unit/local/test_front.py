"""Who answers a request, and what comes of one that fails inside."""

import io
from typing import Any

import pytest

from edgetrain.local.front import Front
from edgetrain.local.wsgi import Reply, Request, call

SIGNED = "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"


def environ(path: str = "/", **more: Any) -> dict[str, Any]:
    return {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": "", "wsgi.input": io.BytesIO(), **more}


def other(_environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"moto"]


class Named:
    def __init__(self, name: str) -> None:
        self.name = name

    def answer(self, request: Request) -> Reply:
        return Reply.of(200, self.name.encode(), "text/plain")


class Broken:
    def answer(self, request: Request) -> Reply:
        raise ZeroDivisionError


@pytest.fixture
def front():
    front = Front(other, b"{}")
    for service in ("s3", "dynamodb", "states"):
        front.serve(service, Named(service))
    front.serve("lambda", Broken())
    front.serve_public(r"/open/.*", Named("public"))
    front.serve_public(r"/_api/.*", Named("gateway"))
    return front


@pytest.mark.parametrize(
    ("request_", "answered_by"),
    [
        (environ(HTTP_AUTHORIZATION=SIGNED.format("s3")), b"s3"),
        (environ(HTTP_AUTHORIZATION=SIGNED.format("iam")), b"moto"),
        (environ(QUERY_STRING="X-Amz-Credential=key%2F20260101%2Fus-east-1%2Fs3%2Faws4_request"), b"s3"),
        (environ("/bucket/key", QUERY_STRING="AWSAccessKeyId=key&Signature=0"), b"s3"),
        (environ("/bucket/key"), b"s3"),
        (environ(HTTP_X_AMZ_TARGET="DynamoDB_20120810.GetItem"), b"dynamodb"),
        (environ(HTTP_X_AMZ_TARGET="AWSStepFunctions.StartExecution"), b"states"),
        (environ(CONTENT_TYPE="application/x-www-form-urlencoded; charset=utf-8"), b"moto"),
        (environ("/_edgetrain/health"), b"{}"),
        (environ("/open/a"), b"public"),
        (environ("/open/two\nlines"), b"public"),
        (environ("/open/a", HTTP_AUTHORIZATION=SIGNED.format("s3")), b"s3"),
    ],
)
def test_who_answers(front, request_, answered_by):
    assert b"".join(call(front, request_).body) == answered_by


def test_a_path_of_our_own_is_nobody_elses_whatever_comes_with_it(front):
    for header in ({"HTTP_AUTHORIZATION": SIGNED.format("s3")}, {"HTTP_X_AMZ_TARGET": "DynamoDB_20120810.GetItem"}):
        assert b"".join(call(front, environ("/_api/x", **header)).body) == b"gateway"
        assert b"".join(call(front, environ("/open/x", **header)).body) != b"public"


def test_cookies_are_headers_of_their_own():
    class Baker:
        def answer(self, request: Request) -> Reply:
            return Reply(200, {"apigw-requestid": "x"}, (), ("a=1", "b=2; Secure"))

    front = Front(other, b"{}")
    front.serve_public("/oven", Baker())
    sent: list[tuple[str, str]] = []
    front(environ("/oven"), lambda _status, headers: sent.extend(headers))
    assert sent == [("apigw-requestid", "x"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2; Secure")]
    assert call(front, environ("/oven")).cookies == ("a=1", "b=2; Secure")


def test_a_failure_inside_is_said_without_its_traceback(front, caplog):
    reply = call(front, environ(HTTP_AUTHORIZATION=SIGNED.format("lambda")))
    assert reply.status == 500
    assert b"InternalFailure" in b"".join(reply.body)
    assert "ZeroDivisionError" in caplog.text


def test_motos_own_controls_are_closed(front):
    assert call(front, environ("/moto-api/reset")).status == 404


def test_a_body_without_a_length():
    request = Request(environ(HTTP_TRANSFER_ENCODING="chunked") | {"wsgi.input": io.BytesIO(b"to the end")})
    assert request.body() == b"to the end"
    assert request.environ["CONTENT_LENGTH"] == "10"


def test_a_body_ends_where_its_length_says():
    request = Request(environ(CONTENT_LENGTH="3") | {"wsgi.input": io.BytesIO(b"one more request")})
    assert request.body() == b"one"
    assert request.body() == b"one"

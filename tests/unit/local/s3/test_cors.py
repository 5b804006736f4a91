"""Pages from other origins: what a bucket's rules let them read, and nothing without a rule."""

import io

import pytest

from edgetrain.local.wsgi import call
from tests.unit.local.s3.conftest import S3

SITE = "http://127.0.0.1:4567"
MODELS = {
    "AllowedMethods": ["GET", "HEAD"],
    "AllowedOrigins": ["*"],
    "AllowedHeaders": ["*"],
    "ExposeHeaders": ["ETag"],
    "MaxAgeSeconds": 3600,
}
NARROW = {
    "AllowedMethods": ["GET", "PUT"],
    "AllowedOrigins": ["https://*.example.org"],
    "AllowedHeaders": ["x-amz-*"],
}


def ask(s3: S3, method: str, bucket: str, **headers: str):
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": f"/{bucket}/model.tflite",
        "REQUEST_URI": f"/{bucket}/model.tflite",
        "QUERY_STRING": "",
        "HTTP_HOST": "localhost",
        "wsgi.input": io.BytesIO(),
        **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
    }
    reply = call(s3.application, environ)
    return reply.status, {name.lower(): value for name, value in reply.headers.items()}, b"".join(reply.body)


def allow(s3: S3, bucket: str, *rules: dict[str, object]) -> None:
    s3.client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": list(rules)})
    s3.client.put_object(Bucket=bucket, Key="model.tflite", Body=b"model")


def test_any_page_may_read_where_a_rule_says_so(s3, bucket):
    allow(s3, bucket, MODELS)
    status, headers, body = ask(s3, "GET", bucket, origin=SITE)
    assert (status, body) == (200, b"model")
    assert headers["access-control-allow-origin"] == "*"
    assert headers["access-control-expose-headers"] == "ETag"
    assert "access-control-allow-credentials" not in headers
    assert headers["vary"].startswith("Origin")


def test_an_error_can_be_read_too(s3, bucket):
    allow(s3, bucket, MODELS)
    s3.client.delete_object(Bucket=bucket, Key="model.tflite")
    status, headers, _ = ask(s3, "GET", bucket, origin=SITE)
    assert (status, headers["access-control-allow-origin"]) == (404, "*")


def test_without_a_rule_or_an_origin_nothing_is_said(s3, bucket):
    s3.client.put_object(Bucket=bucket, Key="model.tflite", Body=b"model")
    assert "access-control-allow-origin" not in ask(s3, "GET", bucket, origin=SITE)[1]
    allow(s3, bucket, MODELS)
    assert "access-control-allow-origin" not in ask(s3, "GET", bucket)[1]


def test_a_preflight(s3, bucket):
    allow(s3, bucket, MODELS)
    asked = {"access_control_request_method": "GET", "access_control_request_headers": "Range, If-None-Match"}
    status, headers, _ = ask(s3, "OPTIONS", bucket, origin=SITE, **asked)
    assert status == 200
    assert headers["access-control-allow-methods"] == "GET, HEAD"
    assert headers["access-control-allow-headers"] == "range, if-none-match"
    assert headers["access-control-max-age"] == "3600"


@pytest.mark.parametrize(
    ("origin", "method", "headers", "status"),
    [
        ("https://a.example.org", "PUT", "x-amz-meta-a", 200),
        ("https://example.org.evil.net", "PUT", "x-amz-meta-a", 403),
        ("https://a.example.org", "DELETE", "", 403),
        ("https://a.example.org", "GET", "content-type", 403),
    ],
)
def test_what_no_rule_takes_is_refused(s3, bucket, origin, method, headers, status):
    allow(s3, bucket, NARROW)
    asked = {"access_control_request_method": method, "access_control_request_headers": headers}
    got, told, body = ask(s3, "OPTIONS", bucket, origin=origin, **asked)
    assert got == status
    if status == 200:
        assert told["access-control-allow-origin"] == origin
        assert told["access-control-allow-credentials"] == "true"
    else:
        assert b"AccessForbidden" in body
        assert "access-control-allow-origin" not in told


def test_a_preflight_without_rules_or_without_a_question(s3, bucket):
    status, _, body = ask(s3, "OPTIONS", bucket, origin=SITE, access_control_request_method="GET")
    assert (status, b"CORS is not enabled" in body) == (403, True)
    assert ask(s3, "OPTIONS", bucket)[0] == 400

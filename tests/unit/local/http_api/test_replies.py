"""What a function returned, as a reply."""

import json
from typing import Any

import pytest

from edgetrain.local.http_api.replies import Malformed, gateway_reply, read_answer
from edgetrain.local.wsgi import Reply


def read(answer: Any) -> Reply:
    return read_answer(json.dumps(answer).encode())


def body_of(reply: Reply) -> bytes:
    return b"".join(reply.body)


def test_a_whole_answer():
    reply = read(
        {
            "statusCode": 201,
            "headers": {"Content-Type": "text/css", "X-Number": 7, "x-true": True, "Content-Length": "999"},
            "cookies": ["a=1", "b=2; HttpOnly"],
            "body": "bödy",
            "isBase64Encoded": False,
        }
    )
    assert (reply.status, body_of(reply), reply.cookies) == (201, "bödy".encode(), ("a=1", "b=2; HttpOnly"))
    assert reply.headers == {"Content-Type": "text/css", "Content-Length": "5", "x-number": "7", "x-true": "true"}


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        ({"hello": 1}, b'{"hello": 1}'),
        ([1, 2], b"[1, 2]"),
        ("Hello!", b"Hello!"),
        (None, b"null"),
        ({"body": "no status"}, b'{"body": "no status"}'),
    ],
)
def test_an_answer_without_a_status_is_the_body(answer, body):
    reply = read(answer)
    assert (reply.status, reply.headers["Content-Type"], body_of(reply)) == (200, "application/json", body)


def test_no_content_type_is_text():
    assert read({"statusCode": 200, "body": "x"}).headers["Content-Type"] == "text/plain; charset=utf-8"


def test_a_header_in_two_spellings_is_one():
    headers = read(
        {"statusCode": 200, "headers": {"content-type": "a/b", "Content-Type": "c/d", "X": "1", "x": "2"}}
    ).headers
    assert headers == {"Content-Type": "c/d", "Content-Length": "0", "x": "2"}


def test_a_binary_body():
    assert body_of(read({"statusCode": "200", "body": "/9g=", "isBase64Encoded": True})) == b"\xff\xd8"


@pytest.mark.parametrize("status", [204, 304])
def test_replies_that_have_no_body(status):
    reply = read({"statusCode": status, "headers": {"ETag": "x"}, "body": "x"})
    assert (reply.status, body_of(reply), reply.headers) == (status, b"", {"etag": "x"})


def test_headers_that_are_the_gateways():
    headers = {"WWW-Authenticate": "Basic", "Server": "mine", "Transfer-Encoding": "chunked", "Connection": "close"}
    sent = read({"statusCode": 200, "headers": headers}).headers
    assert sent["x-amzn-remapped-www-authenticate"] == "Basic"
    assert not {"www-authenticate", "server", "transfer-encoding", "connection"} & {name.lower() for name in sent}


@pytest.mark.parametrize(
    "answer",
    [
        {"statusCode": "fine"},
        {"statusCode": 99},
        {"statusCode": 600},
        {"statusCode": 200.5},
        {"statusCode": True},
        {"statusCode": None},
        {"statusCode": 200, "body": {"not": "text"}},
        {"statusCode": 200, "body": 7},
        {"statusCode": 200, "body": "!", "isBase64Encoded": True},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "headers": {"a": ["b"]}},
        {"statusCode": 200, "headers": {"a": "b\r\nset-cookie: c=d"}},
        {"statusCode": 200, "headers": {"a b": "c"}},
        {"statusCode": 200, "headers": {"a": "\ud800"}},
        {"statusCode": 200, "cookies": "a=1"},
        {"statusCode": 200, "cookies": ["a=1\r\nx: y"]},
    ],
)
def test_malformed_answers(answer):
    with pytest.raises(Malformed):
        read(answer)


def test_the_gateways_own():
    reply = gateway_reply(404)
    assert (reply.status, body_of(reply)) == (404, b'{"message":"Not Found"}')
    assert reply.headers["Content-Type"] == "application/json"

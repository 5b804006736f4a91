"""The event that a function gets, to the letter."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from edgetrain.local.http_api.events import make_event, make_request_id
from edgetrain.local.http_api.tokens import Authorised
from tests.unit.local.http_api.conftest import make_call

GOLDEN = Path(__file__).parent / "golden" / "event.json"


def event_of(body: bytes = b"", *, authorised: Authorised | None = None, **changes: Any) -> dict[str, Any]:
    return make_event(
        make_call(**changes), body, route_key="GET /x", parameters={}, variables={}, authorised=authorised
    )


def test_a_whole_event():
    call = make_call(
        method="POST",
        path="/api/models/objects",
        query="parameter1=value1&parameter1=value2&parameter2=value",
        headers={
            "accept": "a,b",
            "connection": "keep-alive",
            "content-type": "application/json",
            "cookie": "cookie1=1; cookie2=2",
            "host": "127.0.0.1:4566",
            "user-agent": "agent",
            "x-amzn-trace-id": "Root=1-5e6a86be-0123456789abcdef01234567",
            "x-forwarded-for": "198.51.100.7",
        },
    )
    claims = {
        "auth_time": 1584039838,
        "cognito:groups": ["admins", "people"],
        "email_verified": True,
        "scope": "edgetrain/detect openid",
    }
    event = make_event(
        call,
        b'{"hello":"world"}',
        route_key="POST /models/{task}",
        parameters={"task": "objects"},
        variables={"stageVariable1": "value1"},
        authorised=Authorised(claims, ("edgetrain/detect",)),
    )
    golden = json.loads(GOLDEN.read_text())
    assert event == golden
    assert list(event) == list(golden)


def test_what_a_request_does_not_have_is_not_there():
    event = event_of()
    absent = {"cookies", "queryStringParameters", "pathParameters", "stageVariables", "body"}
    assert not absent & set(event)
    assert "authorizer" not in event["requestContext"]
    assert (event["rawQueryString"], event["isBase64Encoded"]) == ("", False)
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", event["headers"]["x-amzn-trace-id"])


@pytest.mark.parametrize(
    ("content_type", "is_text"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("text/plain", True),
        ("text/csv; header=present", True),
        ("application/xml", True),
        ("application/javascript", True),
        ("application/x-www-form-urlencoded", False),
        ("multipart/form-data; boundary=x", False),
        ("application/vnd.api+json", False),
        ("image/jpeg", False),
        ("application/octet-stream", False),
        ("", False),
    ],
)
def test_which_bodies_are_text(content_type, is_text):
    event = event_of(b"body", headers={"content-type": content_type} if content_type else {})
    body = "body" if is_text else base64.b64encode(b"body").decode()
    assert (event["body"], event["isBase64Encoded"]) == (body, not is_text)


def test_no_scopes_on_the_route():
    event = event_of(authorised=Authorised({"scope": "a"}, ()))
    assert event["requestContext"]["authorizer"]["jwt"]["scopes"] is None


def test_queries_are_decoded_and_kept_raw():
    event = event_of(query="a=%20b&c=d+e&a=%2C&empty=&flag")
    assert event["rawQueryString"] == "a=%20b&c=d+e&a=%2C&empty=&flag"
    assert event["queryStringParameters"] == {"a": " b,,", "c": "d e", "empty": "", "flag": ""}


def test_request_ids():
    made = {make_request_id() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9]{15}=", each) for each in made)

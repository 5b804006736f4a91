"""What Invoke takes as an event and as a client context."""

import base64

import pytest

from edgetrain.local.functions.interface import InvocationError
from edgetrain.local.functions.invocation import check_payload, read_client_context


@pytest.mark.parametrize("payload", [b"", b" \n"])
def test_no_event_is_an_empty_object(payload: bytes) -> None:
    assert check_payload(payload, 10) == b"{}"


@pytest.mark.parametrize("payload", [b"null", b"1", b'"x"', b'{"a":1}'])
def test_any_json_is_an_event(payload: bytes) -> None:
    assert check_payload(payload, len(payload)) == payload


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"x" * 11, "RequestTooLargeException"),
        (b"{", "InvalidRequestContentException"),
        (b"\xff", "InvalidRequestContentException"),
        (b"nul", "InvalidRequestContentException"),
    ],
)
def test_what_is_no_event(payload: bytes, code: str) -> None:
    with pytest.raises(InvocationError) as refused:
        check_payload(payload, 10)
    assert refused.value.code == code


def test_nesting_beyond_the_parser_is_refused() -> None:
    with pytest.raises(InvocationError) as refused:
        check_payload(b"[" * 200_000 + b"]" * 200_000, 10**6)
    assert refused.value.code == "InvalidRequestContentException"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (None, None),
        ("", None),
        ('{"custom": {"k": "é"}}', '{"custom": {"k": "\\u00e9"}}'),
        (base64.b64encode(b'{"custom":\n1}').decode(), '{"custom": 1}'),
    ],
)
def test_a_client_context_becomes_a_header(text: str | None, read: str | None) -> None:
    assert read_client_context(text) == read


@pytest.mark.parametrize("text", ["{", "!!", base64.b64encode(b"no json").decode()])
def test_what_is_no_client_context(text: str) -> None:
    with pytest.raises(InvocationError):
        read_client_context(text)

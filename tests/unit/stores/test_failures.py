"""One place where AWS's errors become ours."""

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    NoCredentialsError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from edgetrain.errors import ObjectNotFound, TransientError
from edgetrain.stores.failures import cancellation_codes, is_precondition, translated


def client_error(code: str, **more: object) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "m"}, **more}, "Operation")  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (client_error("NoSuchKey"), ObjectNotFound),
        (client_error("ThrottlingException"), TransientError),
        (client_error("429"), TransientError),
        (EndpointConnectionError(endpoint_url="http://x"), TransientError),
        (ConnectTimeoutError(endpoint_url="http://x"), TransientError),
        (ReadTimeoutError(endpoint_url="http://x"), TransientError),
        (ResponseStreamingError(error="broken"), TransientError),
        (IncompleteReadError(actual_bytes=1, expected_bytes=2), TransientError),
        (
            client_error("TransactionCanceledException", CancellationReasons=[{"Code": "TransactionConflict"}]),
            TransientError,
        ),
        (
            client_error("TransactionCanceledException", CancellationReasons=[{"Code": "ConditionalCheckFailed"}]),
            ClientError,
        ),
        (client_error("AccessDenied"), ClientError),
        (NoCredentialsError(), NoCredentialsError),
        (KeyError("ours"), KeyError),
    ],
)
def test_translation(raised: Exception, expected: type[Exception]) -> None:
    with pytest.raises(expected) as caught, translated("the thing"):
        raise raised
    if expected in {ObjectNotFound, TransientError}:
        assert "the thing" in str(caught.value)
        assert caught.value.__cause__ is raised


def test_reasons_of_a_cancelled_transaction() -> None:
    error = client_error("TransactionCanceledException", CancellationReasons=[{}, {"Code": "X"}])
    assert cancellation_codes(error) == ["None", "X"]
    assert cancellation_codes(client_error("TransactionCanceledException")) == []


def test_preconditions() -> None:
    assert is_precondition(client_error("412"))
    assert not is_precondition(client_error("409"))

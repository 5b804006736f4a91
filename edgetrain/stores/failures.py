"""AWS's error codes become ours here, and nowhere else."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError, IncompleteReadError

from edgetrain.errors import ObjectNotFound, TransientError

MISSING = frozenset({"404", "NoSuchKey", "NoSuchVersion", "NotFound"})
TRANSIENT = frozenset(
    {
        "409",
        "429",
        "500",
        "502",
        "503",
        "504",
        "ConditionalRequestConflict",
        "InternalError",
        "InternalServerError",
        "NoSuchUpload",  # it was completed by a request whose answer was lost, or aborted by age: begin again
        "OperationAborted",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "RequestTimeTooSkewed",
        "ServiceUnavailable",
        "SlowDown",
        "ThrottlingException",
        "Throttling",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def is_precondition(error: ClientError) -> bool:
    """Whether a conditional write found that the object exists."""
    return code_of(error) in {"412", "PreconditionFailed"}


def cancellation_codes(error: ClientError) -> list[str]:
    """Why DynamoDB cancelled a transaction: one code for each of its items, in order."""
    reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]
    return [str(reason.get("Code", "None")) for reason in reasons]


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Raise `ObjectNotFound` or `TransientError` for what AWS calls so in a dozen ways; the rest passes."""
    try:
        yield
    except ClientError as error:
        code = code_of(error)
        if code in MISSING:
            raise ObjectNotFound(f"{what} does not exist") from error
        if code in TRANSIENT or (
            code == "TransactionCanceledException" and "TransactionConflict" in cancellation_codes(error)
        ):
            raise TransientError(f"{what}: {code}") from error
        raise
    except (ConnectionError, HTTPClientError, IncompleteReadError) as error:
        raise TransientError(f"{what}: {error}") from error

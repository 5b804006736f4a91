"""What a task asks of a service: how it is performed, and what its answer means."""

from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from edgetrain.local.stepfunctions.failures import StateFailed
from edgetrain.local.stepfunctions.identities import new_id
from edgetrain.local.stepfunctions.ports import ServiceError


@dataclass(frozen=True, kw_only=True)
class TaskCall:
    """One call. `perform` blocks, in a worker thread; the others make of what came of it what the state has.

    `name` is whose answer is said to be too large; `answer` raises StateFailed when the answer is an error.
    """

    name: str
    perform: Callable[[], Any]
    answer: Callable[[Any], Any]
    refused: Callable[[ServiceError], StateFailed]
    #: The error when no service answered at all.
    unreachable: str
    #: What an attempt that was interrupted has reached already, or None: then it is called again.
    found: Callable[[], Any] = lambda: None


def refused_cause(error: ServiceError, service: str) -> str:
    """The cause of a refusal as AWS's optimised integrations word it; `service` as the SDK shows it."""
    return (
        f"{error.message} (Service: {service}; Status Code: {error.status_code}; Error Code: {error.code}; "
        f"Request ID: {new_id()}; Proxy: null)"
    )


def with_metadata(answer: dict[str, Any], length: int, status: int, headers: dict[str, str]) -> dict[str, Any]:
    """An answer of `length` bytes with what AWS's optimised integrations put beside it."""
    request_id = new_id()
    all_headers = {
        "Connection": "keep-alive",
        "Content-Length": str(length),
        "Date": formatdate(usegmt=True),
        **headers,
        "x-amzn-RequestId": request_id,
    }
    metadata = {
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [header] for name, header in all_headers.items()},
            "HttpHeaders": all_headers,
            "HttpStatusCode": status,
        },
        "SdkResponseMetadata": {"RequestId": request_id},
    }
    return dict(sorted({**answer, **metadata}.items()))

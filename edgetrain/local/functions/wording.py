"""What Lambda says: error documents and platform log lines, in its words."""

import json
import math
import signal
import time
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from edgetrain import limits


class Ending(Enum):
    """How an invocation (or the initialisation before it) ended."""

    RESPONSE = auto()
    ERROR = auto()
    INIT_ERROR = auto()
    EXIT = auto()
    TIMEOUT = auto()
    MEMORY = auto()
    TOO_LARGE = auto()


@dataclass(frozen=True)
class Outcome:
    """How it ended; `body` is what the runtime client posted, `exit_status` as `subprocess` has it."""

    ending: Ending
    body: bytes = b""
    exit_status: int = 0

    @property
    def process_lives(self) -> bool:
        """Whether the process can take another event."""
        return self.ending in {Ending.RESPONSE, Ending.ERROR}


@dataclass(frozen=True)
class Failure:
    """A failed invocation in Lambda's words: the document, the log line (or none), what REPORT adds."""

    document: bytes
    line: str | None = None
    report: str = ""


EXIT: Final = "Runtime.ExitError"
MEMORY: Final = "Runtime.OutOfMemory"


def failure(outcome: Outcome, request_id: str, timeout_seconds: int) -> Failure | None:
    """What Lambda says of an outcome; None of one that is a success."""
    match outcome.ending:
        case Ending.RESPONSE:
            return None
        case Ending.ERROR | Ending.INIT_ERROR:
            return Failure(_with_request_id(outcome.body, request_id))
        case Ending.TIMEOUT:
            text = f"Task timed out after {timeout_seconds:.2f} seconds"
            line = f"{_timestamp()} {request_id} {text}"
            return Failure(
                _document("Sandbox.Timedout", f"RequestId: {request_id} Error: {text}"), line, "Status: timeout"
            )
        case Ending.TOO_LARGE:
            text = (
                f"Response payload size exceeded maximum allowed payload size ({limits.LAMBDA_RESPONSE_BYTES} bytes)."
            )
            return Failure(_document("Function.ResponseSizeTooLarge", text), text)
        case Ending.MEMORY:
            return _exit(MEMORY, -signal.SIGKILL, request_id)
        case Ending.EXIT:
            return _exit(EXIT, outcome.exit_status, request_id)


def start_line(request_id: str, version: str) -> str:
    """The line before an invocation's own."""
    return f"START RequestId: {request_id} Version: {version}"


def end_line(request_id: str) -> str:
    """The line after an invocation's own."""
    return f"END RequestId: {request_id}"


def report_line(
    request_id: str, *, seconds: float, memory_mb: int, used_bytes: int, init_seconds: float | None, status: str
) -> str:
    """What an invocation took. `init_seconds` is None of a warm process. As AWS does, initialising is billed too."""
    billed = math.ceil((seconds + (init_seconds or 0)) * 1000)
    fields = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {seconds * 1000:.2f} ms",
        f"Billed Duration: {billed} ms",
        f"Memory Size: {memory_mb} MB",
        f"Max Memory Used: {min(memory_mb, math.ceil(used_bytes / limits.MIB))} MB",
    ]
    if init_seconds is not None:
        fields.append(f"Init Duration: {init_seconds * 1000:.2f} ms")
    if status:
        fields.append(status)
    return "\t".join(fields)


def init_report_line(seconds: float, outcome: Outcome) -> str:
    """What an initialisation took that failed."""
    status = "timeout" if outcome.ending is Ending.TIMEOUT else "error"
    return f"INIT_REPORT Init Duration: {seconds * 1000:.2f} ms\tPhase: init\tStatus: {status}"


def _exit(error_type: str, exit_status: int, request_id: str) -> Failure:
    text = f"RequestId: {request_id} Error: {_reason(exit_status)}"
    return Failure(_document(error_type, text), f"{text}\n{error_type}", f"Status: error\tError Type: {error_type}")


def _reason(exit_status: int) -> str:
    if exit_status == 0:
        return "Runtime exited without providing a reason"
    if exit_status > 0:
        return f"Runtime exited with error: exit status {exit_status}"
    description = signal.strsignal(-exit_status) or f"signal {-exit_status}"
    return f"Runtime exited with error: signal: {description.lower()}"


def _document(error_type: str, message: str) -> bytes:
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()


def _with_request_id(body: bytes, request_id: str) -> bytes:
    """An error of the runtime client; while it initialises it does not know the request yet, and leaves it empty."""
    try:
        document = json.loads(body)
    except ValueError:
        return body
    if not isinstance(document, dict) or document.get("requestId"):
        return body
    return json.dumps({**document, "requestId": request_id}).encode()


def _timestamp() -> str:
    now = time.time_ns() // 1_000_000
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now // 1000))}.{now % 1000:03d}Z"

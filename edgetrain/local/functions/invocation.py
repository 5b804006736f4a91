"""One invocation on one process, as Lambda tells it: START, what happened, END, REPORT, and the answer."""

import base64
import binascii
import json
import random
import time
from typing import Final, NamedTuple

from edgetrain import limits
from edgetrain.local.functions.interface import InvocationError, Result
from edgetrain.local.functions.process import FunctionProcess, Order
from edgetrain.local.functions.wording import (
    Ending,
    Outcome,
    end_line,
    failure,
    init_report_line,
    report_line,
    start_line,
)

UNHANDLED: Final = "Unhandled"


class Initialised(NamedTuple):
    """How a fresh process got ready: the seconds from its start, and how it ended if it never will be."""

    seconds: float
    failed: Outcome | None


def initialise(process: FunctionProcess) -> Initialised:
    """Wait until a fresh process takes an event.

    Lambda stops an initialisation after ten seconds and begins anew on the invocation's own time. Here it goes on
    instead, on that time: a second start would take as long again.
    """
    configuration = process.configuration
    process.log.write(f"INIT_START Runtime Version: {configuration.runtime.replace('python', 'python:')}")
    outcome = process.initialise(process.started + limits.LAMBDA_INIT_SECONDS + configuration.timeout_seconds)
    seconds = time.monotonic() - process.started
    if outcome is not None:
        process.log.write(init_report_line(seconds, outcome))
    return Initialised(seconds, outcome)


def perform(
    process: FunctionProcess,
    *,
    request_id: str,
    payload: bytes,
    client_context: str | None,
    init: Initialised | None,
) -> tuple[Result, bool]:
    """Run one event; the answer, and whether the process can take another. `init` is None of a warm process."""
    configuration = process.configuration
    init_seconds, outcome = (init.seconds, init.failed) if init else (None, None)
    process.log.write(start_line(request_id, configuration.version))
    began = time.monotonic()
    if outcome is None:
        late = max(0.0, (init_seconds or 0.0) - limits.LAMBDA_INIT_SECONDS)
        outcome = process.run(
            Order(
                request_id=request_id,
                payload=payload,
                arn=configuration.arn,
                deadline=began + configuration.timeout_seconds - late,
                trace_id=_trace_id(),
                client_context=client_context,
            )
        )
    seconds = time.monotonic() - began
    if not outcome.process_lives:
        process.kill()
    failed = failure(outcome, request_id, configuration.timeout_seconds)
    used = configuration.memory_mb * limits.MIB if outcome.ending is Ending.MEMORY else process.usage.seen_bytes
    report = report_line(
        request_id,
        seconds=seconds,
        memory_mb=configuration.memory_mb,
        used_bytes=used,
        init_seconds=init_seconds,
        status=failed.report if failed else "",
    )
    told = [failed.line] if failed and failed.line else []
    process.log.write(*told, end_line(request_id), report)
    result = Result(
        status_code=200,
        payload=failed.document if failed else outcome.body,
        function_error=UNHANDLED if failed else None,
        executed_version=configuration.version,
        log_tail=process.log.tail(),
        request_id=request_id,
    )
    process.log.forget()
    return result, outcome.process_lives


def check_payload(payload: bytes, limit: int) -> bytes:
    """The event as it goes to the function: none at all is an empty object.

    Raises:
        InvocationError: RequestTooLargeException, or InvalidRequestContentException when it is no JSON.
    """
    if len(payload) > limit:
        raise InvocationError(
            "RequestTooLargeException",
            413,
            f"Request must be smaller than {limit} bytes for the InvokeFunction operation",
        )
    if not payload.strip():
        return b"{}"
    try:
        json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise InvocationError(
            "InvalidRequestContentException", 400, f"Could not parse request body into json: {error}"
        ) from error
    return payload


def read_client_context(text: str | None) -> str | None:
    """The client context as JSON in ASCII, from JSON or from base64 of it (as the header of Invoke has it).

    Raises:
        InvocationError: InvalidRequestContentException, when it is neither.
    """
    if not text:
        return None
    try:
        decoded = text if text.lstrip().startswith("{") else base64.b64decode(text, validate=True)
        return json.dumps(json.loads(decoded))
    except (ValueError, binascii.Error) as error:
        raise InvocationError(
            "InvalidRequestContentException", 400, "Client context must be a valid Base64-encoded JSON object."
        ) from error


def _trace_id() -> str:
    """An X-Ray trace that is not sampled."""
    root = f"1-{int(time.time()):08x}-{random.getrandbits(96):024x}"
    return f"Root={root};Parent={random.getrandbits(64):016x};Sampled=0"

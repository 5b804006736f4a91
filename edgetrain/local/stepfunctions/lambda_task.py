"""The Task state: calling a Lambda function, by `lambda:invoke` or by its ARN."""

import logging
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, Final

from edgetrain.local.stepfunctions import definition
from edgetrain.local.stepfunctions.documents import Document, from_text, to_text
from edgetrain.local.stepfunctions.failures import RUNTIME, TIMEOUT, EvaluationFailed, StateFailed
from edgetrain.local.stepfunctions.flow import Outcome, plays
from edgetrain.local.stepfunctions.history import failure_details, output_details
from edgetrain.local.stepfunctions.identities import new_id
from edgetrain.local.stepfunctions.paths import Path
from edgetrain.local.stepfunctions.ports import FunctionResult, ServiceError
from edgetrain.local.stepfunctions.steps import Step
from edgetrain.local.stepfunctions.tries import with_tries

_LOG = logging.getLogger(__name__)
#: Errors that the SDK has no class for carry the service's own.
_UNMODELLED: Final = {"AccessDeniedException", "AccessDenied"}


@dataclass(frozen=True)
class Invocation:
    """What is called, and how its events are named and told."""

    function: str
    payload: bytes
    parameters: Document
    by_arn: bool
    region: str

    @property
    def _details(self) -> dict[str, Any]:
        return {} if self.by_arn else {"resourceType": "lambda", "resource": "invoke"}

    def event(self, moment: str, **details: Any) -> tuple[str, dict[str, Any] | None]:
        """The event of a moment (`Scheduled`, `Started`, ...), and its details."""
        told = {**self._details, **details}
        return ("LambdaFunction" if self.by_arn else "Task") + moment, told or None

    def scheduled(self, timeout: int | None) -> tuple[str, dict[str, Any] | None]:
        """The first event."""
        limit = {} if timeout is None else {"timeoutInSeconds": timeout}
        if self.by_arn:
            given = {"resource": self.function, "input": self.parameters.text, "inputDetails": {"truncated": False}}
            return self.event("Scheduled", **given, **limit)
        return self.event("Scheduled", region=self.region, parameters=self.parameters.text, **limit)


@plays(definition.Task)
async def _task(step: Step[definition.Task]) -> Outcome:
    return await with_tries(step, lambda: _attempt(step))


async def _attempt(step: Step[definition.Task]) -> Document:
    state = step.state
    data = step.effective_input()
    filled = data if state.parameters is None else state.parameters.fill(data, step.context)
    invocation = _invocation(step, step.checked(Document(filled)))
    timeout = step.whole("TimeoutSecondsPath", state.timeout, data)
    if timeout is not None and timeout < 1:
        path = state.timeout.text if isinstance(state.timeout, Path) else timeout
        raise EvaluationFailed(RUNTIME, f"The TimeoutSecondsPath field must refer to a positive integer: {path}")
    try:
        result = await _result(step, invocation, timeout)
    except _TimedOut as timed_out:
        step.lane.add(*invocation.event("TimedOut", error=TIMEOUT))
        raise StateFailed(TIMEOUT) from timed_out
    except StateFailed as failed:
        step.lane.add(*invocation.event("Failed", **failure_details(failed.error, failed.cause)))
        raise
    step.lane.add(*invocation.event("Succeeded", **output_details(result)))
    return step.output(result.value)


class _TimedOut(Exception):
    """The function did not answer in time. It runs on: nobody listens to it any more."""


def _invocation(step: Step[definition.Task], parameters: Document) -> Invocation:
    state = step.state
    region = step.run.row.arn.split(":")[3]
    if state.function is not None:
        return Invocation(state.function, parameters.text.encode(), parameters, True, region)
    name = parameters.value["FunctionName"]
    if not isinstance(name, str):
        raise EvaluationFailed(RUNTIME, f"The field 'FunctionName' must be a string, but it is {to_text(name)}.")
    payload = to_text(parameters.value.get("Payload", {}))
    return Invocation(name, payload.encode(), parameters, False, region)


async def _result(step: Step[definition.Task], invocation: Invocation, timeout: int | None) -> Document:
    around, role = step.run.around, step.run.row.role_arn
    step.lane.add(*invocation.scheduled(timeout))
    await around.calls.place()
    future = around.calls.start(
        lambda: around.integrations.invoke_function(invocation.function, invocation.payload, role_arn=role)
    )
    step.lane.add(*invocation.event("Started"))
    await around.wait(future, timeout)
    if not future.done():
        raise _TimedOut
    try:
        result = future.result()
    except ServiceError as error:
        raise _refused(error) from error
    except Exception as error:
        _LOG.exception("the call of %s failed outside of Lambda", invocation.function)
        raise StateFailed("Lambda.SdkClientException", f"{type(error).__name__}: {error}") from error
    return _answer(step, invocation, result)


def _refused(error: ServiceError) -> StateFailed:
    name = "AWSLambdaException" if error.code in _UNMODELLED else error.code
    return StateFailed(
        f"Lambda.{name}",
        f"{error.message} (Service: AWSLambda; Status Code: {error.status_code}; Error Code: {error.code}; "
        f"Request ID: {new_id()}; Proxy: null)",
    )


def _answer(step: Step[definition.Task], invocation: Invocation, result: FunctionResult) -> Document:
    text = result.payload.decode("utf-8", "replace")
    try:
        value = from_text(text) if text else None
    except ValueError:
        value = text
    if result.function_error is not None:
        raise _function_failed(invocation, text, value)
    if invocation.by_arn:
        return step.checked(Document(value), invocation.function)
    return step.checked(Document(_wrapped(result, value)), "lambda")


def _function_failed(invocation: Invocation, text: str, value: Any) -> StateFailed:
    """The function's own error: its type is the error's name, and its whole payload the cause."""
    name = value.get("errorType") if isinstance(value, dict) else None
    if not isinstance(name, str) or not name:
        return StateFailed(
            "Lambda.Unknown",
            f"The cause could not be determined because Lambda did not return an error type. Returned payload: {text}",
        )
    return StateFailed(name, text if invocation.by_arn else to_text(value))


def _wrapped(result: FunctionResult, value: Any) -> dict[str, Any]:
    """The reply of `lambda:invoke`, with the headers that AWS puts beside the payload."""
    request_id = new_id()
    headers = {
        "Connection": "keep-alive",
        "Content-Length": str(len(result.payload)),
        "Content-Type": "application/json",
        "Date": formatdate(usegmt=True),
        "X-Amz-Executed-Version": result.executed_version,
        "x-amzn-Remapped-Content-Length": "0",
        "x-amzn-RequestId": request_id,
    }
    return {
        "ExecutedVersion": result.executed_version,
        "Payload": value,
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [header] for name, header in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": result.status_code,
        },
        "SdkResponseMetadata": {"RequestId": request_id},
        "StatusCode": result.status_code,
    }

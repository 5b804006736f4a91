"""Calling a Lambda function, by `lambda:invoke` or by its ARN."""

from typing import Any, Final

from edgetrain.local.stepfunctions import definition
from edgetrain.local.stepfunctions.documents import Document, from_text, to_text
from edgetrain.local.stepfunctions.failures import RUNTIME, EvaluationFailed, StateFailed
from edgetrain.local.stepfunctions.ports import FunctionResult, ServiceError
from edgetrain.local.stepfunctions.steps import Step
from edgetrain.local.stepfunctions.task_calls import TaskCall, refused_cause, with_metadata

#: Errors that the SDK has no class for carry the service's own.
_UNMODELLED: Final = {"AccessDeniedException", "AccessDenied"}


def lambda_call(step: Step[definition.Task], parameters: Document) -> TaskCall:
    """The call of the function that the state or its parameters name.

    Raises:
        EvaluationFailed: its name is no string.
    """
    arn, role, integrations = step.state.resource.arn, step.run.row.role_arn, step.run.around.integrations
    function, payload = (arn, parameters.text) if arn is not None else _named(parameters.value)
    return TaskCall(
        name="lambda" if arn is None else arn,
        perform=lambda: integrations.invoke_function(function, payload.encode(), role_arn=role),
        answer=lambda result: _answer(result, by_arn=arn is not None),
        refused=_refused,
        unreachable="Lambda.SdkClientException",
    )


def _named(parameters: dict[str, Any]) -> tuple[str, str]:
    name = parameters["FunctionName"]
    if not isinstance(name, str):
        raise EvaluationFailed(RUNTIME, f"The field 'FunctionName' must be a string, but it is {to_text(name)}.")
    return name, to_text(parameters.get("Payload", {}))


def _refused(error: ServiceError) -> StateFailed:
    name = "AWSLambdaException" if error.code in _UNMODELLED else error.code
    return StateFailed(f"Lambda.{name}", refused_cause(error, "AWSLambda"))


def _answer(result: FunctionResult, *, by_arn: bool) -> Any:
    text = result.payload.decode("utf-8", "replace")
    try:
        value = from_text(text) if text else None
    except ValueError:
        value = text
    if result.function_error is not None:
        raise _function_failed(by_arn, text, value)
    return value if by_arn else _wrapped(result, value)


def _function_failed(by_arn: bool, text: str, value: Any) -> StateFailed:
    """The function's own error: its type is the error's name, and its whole payload the cause."""
    name = value.get("errorType") if isinstance(value, dict) else None
    if not isinstance(name, str) or not name:
        return StateFailed(
            "Lambda.Unknown",
            f"The cause could not be determined because Lambda did not return an error type. Returned payload: {text}",
        )
    return StateFailed(name, text if by_arn else to_text(value))


def _wrapped(result: FunctionResult, value: Any) -> dict[str, Any]:
    """The reply of `lambda:invoke`, with the headers that AWS puts beside the payload."""
    answer = {"ExecutedVersion": result.executed_version, "Payload": value, "StatusCode": result.status_code}
    headers = {
        "Content-Type": "application/json",
        "X-Amz-Executed-Version": result.executed_version,
        "x-amzn-Remapped-Content-Length": "0",
    }
    return with_metadata(answer, len(result.payload), result.status_code, headers)

"""Calling a service by its API: optimised integrations (`dynamodb:putItem`) and `aws-sdk:*`."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from edgetrain.local.stepfunctions import definition
from edgetrain.local.stepfunctions.documents import Document, to_text
from edgetrain.local.stepfunctions.failures import StateFailed
from edgetrain.local.stepfunctions.identities import new_id
from edgetrain.local.stepfunctions.ports import ServiceError
from edgetrain.local.stepfunctions.services import OPTIMISED, SERVICES, Optimised, error_class, service_of
from edgetrain.local.stepfunctions.steps import Step
from edgetrain.local.stepfunctions.task_calls import TaskCall, refused_cause, with_metadata
from edgetrain.local.stepfunctions.timestamps import show_timestamp


def service_call(step: Step[definition.Task], parameters: Document) -> TaskCall:
    """The call of the state's resource with these parameters."""
    resource, role, integrations = step.state.resource, step.run.row.role_arn, step.run.around.integrations
    service, given = service_of(resource), parameters.value
    if resource.service == "sqs" and not isinstance(given.get("MessageBody"), str):
        given = {**given, "MessageBody": to_text(given.get("MessageBody"))}
    optimised = OPTIMISED.get(resource.service)
    prefix = SERVICES[service].prefix if optimised is None else optimised.prefix
    return TaskCall(
        name=resource.service,
        perform=lambda: integrations.call(service, resource.action, given, role_arn=role),
        answer=_plain if optimised is None else _optimised,
        refused=lambda error: _sdk_refused(service, error) if optimised is None else _refused(optimised, error),
        unreachable=f"{prefix}.SdkClientException",
    )


def _plain(answer: dict[str, Any]) -> Any:
    return _with_times(answer, lambda time: show_timestamp(time.timestamp()))


def _optimised(answer: dict[str, Any]) -> dict[str, Any]:
    shown = _with_times(answer, lambda time: round(time.timestamp() * 1000))
    return with_metadata(shown, len(to_text(shown)), 200, {"Content-Type": "application/x-amz-json-1.0"})


def _with_times(value: Any, show: Callable[[datetime], Any]) -> Any:
    if isinstance(value, dict):
        return {name: _with_times(each, show) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_times(each, show) for each in value]
    return show(value) if isinstance(value, datetime) else value


def _refused(optimised: Optimised, error: ServiceError) -> StateFailed:
    known = error_class(optimised.service, error.code)
    name = known or optimised.unmodelled or error.code
    if known is not None and optimised.suffix and not name.endswith(optimised.suffix):
        name += optimised.suffix
    return StateFailed(f"{optimised.prefix}.{name}", refused_cause(error, optimised.shown))


def _sdk_refused(service: str, error: ServiceError) -> StateFailed:
    prefix = SERVICES[service].prefix
    name = error_class(service, error.code) or prefix
    name = name if name.endswith("Exception") else f"{name}Exception"
    cause = f"{error.message} (Service: {prefix}, Status Code: {error.status_code}, Request ID: {new_id()})"
    return StateFailed(f"{prefix}.{name}", cause)

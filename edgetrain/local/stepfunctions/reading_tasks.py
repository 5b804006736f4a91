"""Reading a Task state: which resources there are, and what each may be given."""

import re
from typing import Any, Final

from edgetrain.local.stepfunctions.definition import Resource, Task
from edgetrain.local.stepfunctions.reading import Fields
from edgetrain.local.stepfunctions.services import OPTIMISED, SERVICES, operation_of, service_of, upper

_FUNCTION_ARN: Final = re.compile(r"arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+(:[\w$-]+)?")
_RESOURCE: Final = re.compile(
    r"arn:[a-z-]+:states:[a-z0-9-]*:\d*:(aws-sdk:[a-z0-9]+|[a-z0-9]+):([A-Za-z0-9]+)(?:\.(sync|sync:2|waitForTaskToken))?"
)
#: What `lambda:invoke` can be given here.
_INVOKE_PARAMETERS: Final = {"FunctionName", "Payload", "InvocationType", "LogType"}
_EXPECTED: Final = (
    "a Lambda function's ARN or arn:aws:states:::lambda:invoke[.waitForTaskToken], dynamodb:getItem|putItem|updateItem|"
    "deleteItem, sqs:sendMessage[.waitForTaskToken], states:startExecution[.sync|.sync:2|.waitForTaskToken] or "
    "aws-sdk:SERVICE:ACTION[.waitForTaskToken] of the services [" + ", ".join(SERVICES) + "]"
)


def read_task(fields: Fields, working: dict[str, Any]) -> Task:
    """A Task. `working` is what it has as any state with a result."""
    fields.required("Resource")
    resource = _resource(fields)
    if resource is not None and resource.arn is None:
        _check_parameters(fields, resource)
    timeout = fields.whole_or_path("TimeoutSeconds", least=1)
    heartbeat = fields.whole_or_path("HeartbeatSeconds", least=1)
    if heartbeat is not None and resource is not None and resource.pattern != "waitForTaskToken":
        fields.wrong("HeartbeatSeconds", "Only supported with .waitForTaskToken", "NOT_SUPPORTED")
    if isinstance(heartbeat, int) and isinstance(timeout, int) and heartbeat >= timeout:
        fields.wrong("HeartbeatSeconds", "HeartbeatSeconds must be smaller than TimeoutSeconds")
    return Task(
        **working,
        parameters=fields.template("Parameters"),
        resource=resource or Resource("lambda", "invoke"),
        timeout=timeout,
        heartbeat=heartbeat,
    )


def _resource(fields: Fields) -> Resource | None:
    text = fields.text("Resource") or ""
    if _FUNCTION_ARN.fullmatch(text):
        return Resource("lambda", "invoke", arn=text)
    found = _RESOURCE.fullmatch(text)
    resource = Resource(found[1], found[2], found[3] or "") if found else None
    if resource is None or not _supported(resource):
        if "Resource" in fields:
            fields.wrong("Resource", f"The resource '{text}' is not supported: expected {_EXPECTED}", "NOT_SUPPORTED")
        return None
    return resource


def _supported(resource: Resource) -> bool:
    if resource.service == "lambda":
        return resource.action == "invoke" and resource.pattern in ("", "waitForTaskToken")
    if resource.service.startswith("aws-sdk:"):
        service = service_of(resource)
        if service not in SERVICES or resource.pattern not in ("", "waitForTaskToken"):
            return False
        return resource.action[:1].islower() and operation_of(service, resource.action) is not None
    optimised = OPTIMISED.get(resource.service)
    return optimised is not None and resource.pattern in optimised.actions.get(resource.action, ())


def _check_parameters(fields: Fields, resource: Resource) -> None:
    """Refuse parameters that the action does not have, and the lack of those that it needs."""
    parameters = fields.inner("Parameters", commented=False)
    given = {name.removesuffix(".$") for name in parameters.names()}
    needed, known = _parameters_of(resource)
    for name in sorted(needed - given):
        parameters.wrong("", f"The field '{name}' is required")
    for field in sorted(parameters.names()):
        if field.removesuffix(".$") not in known:
            parameters.wrong(field, f"Field '{field}' is not supported", "NOT_SUPPORTED")
    if resource.service == "lambda":
        for field, only in (("InvocationType", "RequestResponse"), ("LogType", "None")):
            if parameters.raw(field, only) != only:
                parameters.wrong(field, f"Only '{only}' is supported", "NOT_SUPPORTED")


def _parameters_of(resource: Resource) -> tuple[set[str], set[str]]:
    """The names that an action needs, and all that it knows."""
    if resource.service == "lambda":
        return {"FunctionName"}, _INVOKE_PARAMETERS
    operation = operation_of(service_of(resource), resource.action)
    shape = operation.input_shape
    if shape is None:
        return set(), set()
    # What botocore fills in itself when it is left out.
    filled = {name for name, member in shape.members.items() if member.metadata.get("idempotencyToken")}
    return {upper(name) for name in shape.required_members if name not in filled}, {
        upper(name) for name in shape.members
    }

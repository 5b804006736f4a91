"""Step Functions: executions are the engine's, state machines moto's, and no definition that the engine cannot run gets in."""

import json
from collections.abc import Callable
from typing import Any, Final

from botocore.client import BaseClient

from edgetrain.local.functions import InvocationError
from edgetrain.local.lambda_api import Invoker
from edgetrain.local.place import ACCOUNT, REGION
from edgetrain.local.s3 import S3Api
from edgetrain.local.s3.errors import S3Error
from edgetrain.local.service_calls import call_service
from edgetrain.local.stepfunctions import (
    FunctionResult,
    InvalidDefinition,
    ServiceError,
    StateMachine,
    StepFunctionsApi,
    check_definition,
)
from edgetrain.local.stepfunctions.services import SERVICES
from edgetrain.local.wsgi import Application, Reply, Request, call

TARGET: Final = "AWSStepFunctions."
JSON: Final = "application/x-amz-json-1.0"
#: Operations that bring a definition.
DEFINING: Final = frozenset({"CreateStateMachine", "UpdateStateMachine", "ValidateStateMachineDefinition"})
#: Operations that this cloud does not have, and what they belong to.
NOT_HERE: Final = {
    **dict.fromkeys(("CreateActivity", "DeleteActivity", "DescribeActivity", "GetActivityTask"), "activities"),
    **dict.fromkeys(("PublishStateMachineVersion", "DeleteStateMachineVersion"), "versions of state machines"),
    **dict.fromkeys(
        ("CreateStateMachineAlias", "UpdateStateMachineAlias", "DeleteStateMachineAlias", "DescribeStateMachineAlias"),
        "aliases of state machines",
    ),
    "StartSyncExecution": "express state machines",
    "TestState": "tests of single states",
    "UpdateMapRun": "changes of a map run under way",
}


class CloudIntegrations:
    """What states do outside of the engine, in this very process."""

    def __init__(self, executor: Invoker, s3: S3Api, client: Callable[[str], BaseClient]) -> None:
        """`client` makes boto3's client of a service, by boto3's name."""
        self._executor = executor
        self._s3 = s3
        self._client = client

    def invoke_function(self, function: str, payload: bytes, *, role_arn: str) -> FunctionResult:  # noqa: ARG002
        """Invoke and wait (what the role may is checked once the cloud has IAM)."""
        try:
            result = self._executor.invoke(function, payload, invocation_type="RequestResponse", client_context=None)
        except InvocationError as error:
            raise ServiceError(error.code, error.message) from error
        return FunctionResult(result.payload, result.function_error, result.status_code, result.executed_version)

    def get_object(self, bucket: str, key: str, *, role_arn: str) -> bytes:  # noqa: ARG002
        """An object's content."""
        try:
            return self._s3.read(bucket, key)
        except S3Error as error:
            raise ServiceError(error.code, error.message) from error

    def call(self, service: str, action: str, parameters: dict[str, Any], *, role_arn: str) -> dict[str, Any]:  # noqa: ARG002
        """An action of any other service."""
        return call_service(self._client(SERVICES[service].model), service, action, parameters)


class StatesApi:
    """Answers requests to Step Functions."""

    def __init__(self, moto: Application, api: StepFunctionsApi) -> None:
        self._moto = moto
        self._api = api

    def answer(self, request: Request) -> Reply:
        operation = request.header("x-amz-target").removeprefix(TARGET)
        asked = _parsed(request.body())
        if operation in self._api.OPERATIONS:
            status, answer = self._api.call(operation, asked)
            return _reply(status, answer)
        refusal = _refusal(operation, asked)
        if refusal is not None:
            return _reply(400, refusal)
        if operation in DEFINING:
            definition = asked.get("definition")
            problem = _problem(definition) if definition is not None else None
            if operation == "ValidateStateMachineDefinition":
                return _reply(200, _validation(problem))
            if problem is not None:
                return _reply(400, {"__type": "InvalidDefinition", "message": problem})
        return call(self._moto, request.environ)


def find_state_machine(arn: str) -> StateMachine | None:
    """The deployed state machine of an ARN (for the engine)."""
    from moto.stepfunctions.models import stepfunctions_backends

    for machine in stepfunctions_backends[ACCOUNT][REGION].state_machines:
        if machine.arn == arn:
            return StateMachine(arn=arn, name=machine.name, definition=machine.definition, role_arn=machine.roleArn)
    return None


def _refusal(operation: str, asked: dict[str, Any]) -> dict[str, Any] | None:
    """The answer to what this cloud does not have, by its name, or None."""
    if operation in NOT_HERE:
        message = f"{operation} is not supported: the embedded cloud has no {NOT_HERE[operation]}"
        return {"__type": "UnsupportedOperationException", "message": message}
    if operation in DEFINING and asked.get("type", "STANDARD") != "STANDARD":
        message = f"Only state machines of type STANDARD are supported, not {asked['type']}"
        return {"__type": "StateMachineTypeNotSupported", "message": message}
    if operation in DEFINING and asked.get("publish"):
        message = "'publish' is not supported: the embedded cloud has no versions of state machines"
        return {"__type": "ValidationException", "message": message}
    return None


def _problem(definition: str) -> str | None:
    """Why a definition is refused, or None."""
    try:
        check_definition(definition)
    except InvalidDefinition as error:
        return str(error)
    return None


def _validation(problem: str | None) -> dict[str, Any]:
    if problem is None:
        return {"result": "OK", "diagnostics": [], "truncated": False}
    diagnostic = {"severity": "ERROR", "code": "SCHEMA_VALIDATION_FAILED", "message": problem}
    return {"result": "FAIL", "diagnostics": [diagnostic], "truncated": False}


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _reply(status: int, answer: dict[str, Any]) -> Reply:
    headers = {"x-amzn-ErrorType": str(answer["__type"])} if status >= 400 and "__type" in answer else {}
    return Reply.of(status, json.dumps(answer).encode(), JSON, headers)

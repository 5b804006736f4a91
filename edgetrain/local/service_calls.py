"""Calls of services by the names that Step Functions gives their parameters, through boto3's clients."""

from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError
from botocore.response import StreamingBody

from edgetrain.local.stepfunctions import ServiceError
from edgetrain.local.stepfunctions.services import operation_of, upper


def call_service(client: BaseClient, service: str, action: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """An action (`putItem`) of a service (a key of `services.SERVICES`), whose client this is; its answer.

    Raises:
        ServiceError: the service refused it, or the parameters are none of the action's.
    """
    operation = operation_of(service, action)
    given = {} if operation.input_shape is None else to_model(operation.input_shape, parameters)
    try:
        answer = client._make_api_call(operation.name, given)  # type: ignore[attr-defined]
    except ClientError as error:
        told: dict[str, Any] = dict(error.response["Error"])
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
        # Where a service has an older protocol's code too, the model's errors go by the newer one.
        code = told.get("QueryErrorCode") or told.get("Code", "Unknown")
        raise ServiceError(code, told.get("Message", ""), status_code=status) from error
    except BotoCoreError as error:
        raise ServiceError("ValidationException", str(error)) from error
    answer.pop("ResponseMetadata", None)
    return {} if operation.output_shape is None else from_model(operation.output_shape, answer)


def to_model(shape: Any, value: Any) -> Any:
    """A value as botocore takes it: members by their own names, contents as bytes."""
    if shape.type_name == "structure" and isinstance(value, dict):
        names = {upper(name): name for name in shape.members}
        return {
            names.get(name, name): to_model(shape.members[names[name]], each) if name in names else each
            for name, each in value.items()
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [to_model(shape.member, each) for each in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {name: to_model(shape.value, each) for name, each in value.items()}
    if shape.type_name == "blob" and isinstance(value, str):
        return value.encode()
    return value


def from_model(shape: Any, value: Any) -> Any:
    """An answer of botocore's as Step Functions shows it: names in capitals, contents as text."""
    if shape.type_name == "structure" and isinstance(value, dict):
        return {
            upper(name): from_model(shape.members[name], each) for name, each in value.items() if name in shape.members
        }
    if shape.type_name == "list":
        return [from_model(shape.member, each) for each in value]
    if shape.type_name == "map":
        return {name: from_model(shape.value, each) for name, each in value.items()}
    if isinstance(value, StreamingBody):
        value = value.read()
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value

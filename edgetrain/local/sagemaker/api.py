"""SageMaker's two APIs: the control plane, where endpoints come to have a life, and InvokeEndpoint."""

import json
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from edgetrain import limits
from edgetrain.local.place import ACCOUNT, PARTITION, REGION
from edgetrain.local.sagemaker import records
from edgetrain.local.sagemaker.container import Answer, Broken, TimedOut
from edgetrain.local.sagemaker.endpoints import EndpointNotFound, Endpoints, log_group
from edgetrain.local.sagemaker.fleet import Throttled
from edgetrain.local.sagemaker.plan import Variant, read_variant
from edgetrain.local.wsgi import Application, Reply, Request, call

TARGET: Final = "SageMaker."
JSON_1_1: Final = "application/x-amz-json-1.1"
JSON: Final = "application/json"
INVOCATIONS: Final = re.compile(r"/endpoints/(?P<name>[A-Za-z0-9][A-Za-z0-9-]{0,62})/invocations")
RUNTIME: Final = "/endpoints/"
IN_PROGRESS: Final = frozenset({"Creating", "Updating"})
ATTRIBUTES: Final = "X-Amzn-SageMaker-Custom-Attributes"
#: What of a request reaches the container.
FORWARDED: Final = (
    "Content-Type",
    "Accept",
    ATTRIBUTES,
    "X-Amzn-SageMaker-Session-Id",
    "X-Amzn-SageMaker-Inference-Id",
)
#: What moto would record as done, and nobody here does. Better refused than believed.
JOBS: Final = frozenset(
    {
        *("CreateTrainingJob", "CreateProcessingJob", "CreateTransformJob", "CreateHyperParameterTuningJob"),
        *(
            "CreateAutoMLJob",
            "CreateAutoMLJobV2",
            "CreateCompilationJob",
            "CreateLabelingJob",
            "StartPipelineExecution",
        ),
    }
)
#: What InvokeEndpoint itself says of a container that did not answer; it calls the status 0 then.
NO_ANSWER: Final = 0
TIMED_OUT: Final = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for each "
    "container in Amazon CloudWatch, resolve the issue, and try again."
)
BROKEN: Final = "Amazon SageMaker could not get a response from the primary endpoint."


class ApiError(Exception):
    """An error of SageMaker's API."""

    def __init__(self, code: str, message: str, status: int = 400, **more: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.more = code, message, status, more


class SageMakerApi:
    """Answers requests to SageMaker and to its runtime (both sign as `sagemaker`)."""

    def __init__(self, moto: Application, endpoints: Endpoints) -> None:
        self._moto = moto
        self._endpoints = endpoints
        self._lock = threading.Lock()
        self._operations: dict[str, Callable[[Request, Mapping[str, Any]], Reply]] = {
            "CreateEndpoint": self._create,
            "UpdateEndpoint": self._update,
            "DeleteEndpoint": self._delete,
        }

    def answer(self, request: Request) -> Reply:
        try:
            if request.path.startswith(RUNTIME):
                return self._invoke(request)
            return self._control(request)
        except ApiError as error:
            return _error(error, JSON if request.path.startswith(RUNTIME) else JSON_1_1)

    # --- the control plane

    def _control(self, request: Request) -> Reply:
        body = request.body()
        name = request.header("x-amz-target").removeprefix(TARGET)
        if name in JOBS:
            raise _invalid(f"{name} is refused: the embedded cloud runs no jobs of SageMaker.")
        operation = self._operations.get(name)
        if operation is None:
            return call(self._moto, request.environ)
        with self._lock:
            return operation(request, json.loads(body or b"{}"))

    def _create(self, request: Request, asked: Mapping[str, Any]) -> Reply:
        name = asked["EndpointName"]
        if records.find_endpoint(name) is not None:
            raise _invalid(f'Cannot create already existing endpoint "{records.endpoint_arn(name)}".')
        config, variant = self._config(asked["EndpointConfigName"])
        reply = call(self._moto, request.environ)
        if reply.succeeded:
            records.enter(records.find_endpoint(name), "Creating")
            self._endpoints.bring(name, asked["EndpointConfigName"], config, variant)
        return reply

    def _update(self, _: Request, asked: Mapping[str, Any]) -> Reply:
        name = asked["EndpointName"]
        record = self._at_rest(name)
        if record.endpoint_status != "InService":
            raise _invalid(f'Cannot update endpoint "{record.arn}" in status {record.endpoint_status}.')
        config, wanted = self._config(asked["EndpointConfigName"])
        if wanted.is_serverless and not self._endpoints.variant(name).is_serverless:
            raise _invalid("Cannot update an instance-based endpoint to a serverless one.")
        records.enter(record, "Updating")
        self._endpoints.bring(name, asked["EndpointConfigName"], config, wanted)
        return _json({"EndpointArn": record.arn})

    def _delete(self, request: Request, asked: Mapping[str, Any]) -> Reply:
        name = asked["EndpointName"]
        if records.find_endpoint(name) is not None:
            self._at_rest(name)
        reply = call(self._moto, request.environ)
        if reply.succeeded:
            self._endpoints.remove(name)
        return reply

    def _at_rest(self, name: str) -> Any:
        record = records.find_endpoint(name)
        if record is None:
            raise _invalid(f'Could not find endpoint "{records.endpoint_arn(name)}".')
        if record.endpoint_status in IN_PROGRESS:
            raise _invalid(f'Cannot update in-progress endpoint "{record.arn}".')
        return record

    def _config(self, name: str) -> tuple[dict[str, Any], Variant]:
        """A configuration that can be run, and its variant."""
        found = records.find_config(name)
        if found is None:
            about = f"arn:{PARTITION}:sagemaker:{REGION}:{ACCOUNT}:endpoint-config/{name.lower()}"
            raise _invalid(f'Could not find endpoint configuration "{about}".')
        try:
            return found, read_variant(found, records.find_model)
        except ValueError as error:
            raise _invalid(str(error)) from error

    # --- the runtime

    def _invoke(self, request: Request) -> Reply:
        path = INVOCATIONS.fullmatch(request.path)
        if path is None or request.method != "POST":
            raise ApiError("UnknownOperationException", "The embedded cloud has InvokeEndpoint alone.", 404)
        name = path["name"]
        try:
            variant = self._endpoints.variant(name)
            body = _payload(request, serverless=variant.is_serverless)
            target = request.header("X-Amzn-SageMaker-Target-Variant")
            if target not in {"", variant.name}:
                raise ApiError("ValidationError", f"Variant {target} not found for endpoint {name}.")
            headers = {each: request.header(each) for each in FORWARDED if request.header(each)}
            answer = self._endpoints.ask(name, headers, body)
        except EndpointNotFound as error:
            raise ApiError("ValidationError", f"Endpoint {name} of account {ACCOUNT} not found.") from error
        except Throttled as error:
            raise ApiError("ThrottlingException", "Rate exceeded") from error
        except (TimedOut, Broken) as error:
            raise _model_error(name, NO_ANSWER, TIMED_OUT if isinstance(error, TimedOut) else BROKEN) from error
        if not 200 <= answer.status < 300:
            raise _model_error(name, answer.status, answer.body.decode("utf-8", "replace"))
        return _answered(answer, variant.name)


def _payload(request: Request, *, serverless: bool) -> bytes:
    most = limits.SAGEMAKER_SERVERLESS_PAYLOAD_BYTES if serverless else limits.SAGEMAKER_REALTIME_PAYLOAD_BYTES
    said = int(request.header("content-length") or 0)
    body = b"" if said > most else request.body()
    if max(said, len(body)) > most:
        raise ApiError("ValidationError", f"The request's body has more than {most} bytes.", 413)
    return body


def _answered(answer: Answer, variant: str) -> Reply:
    given = {name.lower(): value for name, value in answer.headers.items()}
    headers = {"x-Amzn-Invoked-Production-Variant": variant}
    if ATTRIBUTES.lower() in given:
        headers[ATTRIBUTES] = given[ATTRIBUTES.lower()]
    return Reply.of(200, answer.body, given.get("content-type", "application/octet-stream"), headers)


def _model_error(name: str, status: int, message: str) -> ApiError:
    """What InvokeEndpoint says when the container did, or when it did not."""
    side = "client" if 400 <= status < 500 else "server"
    group = log_group(name)
    console = f"https://{REGION}.console.aws.amazon.com/cloudwatch/home?region={REGION}#logEventViewer:group={group}"
    return ApiError(
        "ModelError",
        f'Received {side} error ({status}) from primary with message "{message}". See {console} in account {ACCOUNT} for '
        "more information.",
        424,
        OriginalStatusCode=status,
        OriginalMessage=message,
        LogStreamArn=f"arn:{PARTITION}:logs:{REGION}:{ACCOUNT}:log-group:{group}",
    )


def _invalid(message: str) -> ApiError:
    return ApiError("ValidationException", message)


def _json(document: Mapping[str, Any]) -> Reply:
    return Reply.of(200, json.dumps(document).encode(), JSON_1_1)


def _error(error: ApiError, media_type: str) -> Reply:
    body = {"__type": error.code, "message": error.message, "Message": error.message, **error.more}
    return Reply.of(error.status, json.dumps(body).encode(), media_type, {"x-amzn-ErrorType": error.code})

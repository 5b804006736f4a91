"""From API Gateway's event to a route and back: the one module here that knows boto3, the environment and Lambda."""

import base64
import binascii
import json
import os
from collections.abc import Callable, Mapping
from typing import Any, Final

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from edgetrain.api.http import NO_STORE, Request, Response
from edgetrain.api.messages import ErrorReply, Problem
from edgetrain.api.refusals import status_of
from edgetrain.contracts import Contract
from edgetrain.errors import PictureInvalid, RequestRefused, ServiceBusy, TransientError
from edgetrain.stores.endpoints import SageMakerEndpoints
from edgetrain.stores.pictures import S3PictureStore
from edgetrain.stores.s3 import S3ObjectStore

Route = Callable[[Request], Response]
Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]

#: One more try each, for a connection that was closed while the function slept; what is left of 25 s is the caller's patience.
STORAGE: Final = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 2},
    # Presigned addresses of the kind that every region takes, at the bucket's own host.
    signature_version="s3v4",
)
ENDPOINT: Final = Config(connect_timeout=2, read_timeout=25, retries={"mode": "standard", "total_max_attempts": 2})
JSON: Final = "application/json"


def endpoints(environment: Mapping[str, str] = os.environ) -> SageMakerEndpoints:
    """The endpoints that `ENDPOINTS` names, `{"task": "endpoint"}`; a missing name fails the cold start."""
    names: dict[str, str] = json.loads(_setting("ENDPOINTS", environment))
    return SageMakerEndpoints(boto3.client("sagemaker-runtime", config=ENDPOINT), names)


def pictures(environment: Mapping[str, str] = os.environ) -> S3PictureStore | None:
    """Where pictures are kept; None when `PICTURES_BUCKET` is not set: then none are."""
    bucket = environment.get("PICTURES_BUCKET")
    return S3PictureStore(boto3.client("s3", config=STORAGE), bucket) if bucket else None


def models(environment: Mapping[str, str] = os.environ) -> S3ObjectStore:
    """ModelsBucket; a missing name fails the cold start."""
    bucket = _setting("MODELS_BUCKET", environment)
    return S3ObjectStore(boto3.client("s3", config=STORAGE), bucket)


def sign_in_url(environment: Mapping[str, str] = os.environ) -> str:
    """Where people and machines get their tokens; a missing name fails the cold start."""
    return _setting("SIGN_IN_URL", environment)


def serve(route: Route) -> Handler:
    """A Lambda handler of an HTTP API's event (payload 2.0) around a route.

    What is the caller's mistake, or a service's, becomes an answer; anything else is ours, and Lambda's error. Logged are the
    route, the status and the code, and nothing that the caller sent.
    """
    logger = Logger()

    @logger.inject_lambda_context(clear_state=True)
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 (Lambda's signature)
        code = None
        try:
            response = route(request_of(event))
        except (RequestRefused, PictureInvalid) as error:
            code, response = error.code, refusal(error.code, str(error))
        except ServiceBusy as error:
            logger.warning("a service is away", exc_info=True)
            code, response = error.code, refusal(error.code, str(error), retry_after=error.retry_after)
        except (TransientError, ClientError, BotoCoreError):
            logger.exception("a service failed")
            code = "storage_unavailable"
            response = refusal(code, "what is stored cannot be read now", retry_after=5)
        logger.info("answered", extra={"route": event.get("routeKey"), "status": response.status, "code": code})
        return answer_of(response)

    return handler


def request_of(event: Mapping[str, Any]) -> Request:
    """The event as a request.

    Raises:
        RequestRefused: its body says that it is base64, and is not.
    """
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        try:
            content = base64.b64decode(body, validate=True)
        except binascii.Error as error:  # API Gateway makes none such; whoever invokes the function may
            raise RequestRefused("the event's body is not base64", code="body_invalid") from error
    else:
        content = str(body).encode("utf-8", errors="surrogatepass")  # what cannot be UTF-8 is refused where it is read
    return Request(
        headers={str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()},
        query=event.get("rawQueryString") or "",
        path=event.get("pathParameters") or {},
        body=content,
    )


def refusal(code: str, message: str, *, retry_after: int | None = None) -> Response:
    """An error of ours as an answer."""
    headers = {"Cache-Control": NO_STORE}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return Response(status_of(code), ErrorReply(error=Problem(code=code, message=message)), headers)


def answer_of(response: Response) -> dict[str, Any]:
    """The response as API Gateway takes it."""
    headers = {"X-Content-Type-Options": "nosniff", **response.headers}
    answer: dict[str, Any] = {"statusCode": response.status, "headers": headers, "isBase64Encoded": False}
    if response.body is not None:
        answer["body"] = _json(response.body)
        headers["Content-Type"] = JSON
    return answer


def _json(body: Any) -> str:
    if isinstance(body, bytes):
        return body.decode("utf-8")
    if isinstance(body, Contract):
        return body.model_dump_json()
    return json.dumps(body, allow_nan=False, separators=(",", ":"))


def _setting(name: str, environment: Mapping[str, str]) -> str:
    """A variable of the function's environment.

    Raises:
        RuntimeError: it is missing.
    """
    value = environment.get(name)
    if not value:
        raise RuntimeError(f"the function's environment lacks {name}")
    return value

"""The front of the embedded cloud: who answers a request. What nobody here answers is moto's."""

import json
import logging
import re
from collections.abc import Iterable
from typing import Final, Protocol

from edgetrain.local.identity import service_of
from edgetrain.local.wsgi import Application, Environ, Reply, Request, StartResponse, call

logger = logging.getLogger(__name__)

#: First part of `X-Amz-Target` -> service, for requests whose signature does not say it.
TARGETS: Final = {
    "DynamoDB_20120810": "dynamodb",
    "AWSStepFunctions": "states",
    "AWSCognitoIdentityProviderService": "cognito-idp",
}
HEALTH: Final = "/_edgetrain/health"
#: moto's own controls: they would empty back ends behind the back of everything here.
CLOSED: Final = ("/moto-api",)
#: No service has paths that begin so (no bucket's name does): there, a signature is a header like any other.
RESERVED: Final = "/_"
JSON: Final = "application/json"


class Api(Protocol):
    """What answers the requests to one service."""

    def answer(self, request: Request) -> Reply: ...


class Front:
    """A WSGI application: our APIs first, then moto."""

    def __init__(self, moto: Application, health: bytes) -> None:
        self._moto = moto
        self._health = health
        self._apis: dict[str, Api] = {}
        self._public: list[tuple[re.Pattern[str], Api]] = []

    def serve(self, service: str, api: Api) -> None:
        """Let `api` answer for `service` (the name that signatures use)."""
        self._apis[service] = api

    def serve_public(self, path: str, api: Api) -> None:
        """Let `api` answer requests that nobody signed and whose whole path matches the expression `path`."""
        self._public.append((re.compile(path, re.DOTALL), api))

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        try:
            reply = self._answer(request)
        except Exception:
            logger.exception("%s %s failed", request.method, request.path)
            reply = internal_failure()
        return reply.send(start_response)

    def _answer(self, request: Request) -> Reply:
        if request.path == HEALTH:
            return Reply.of(200, self._health, JSON)
        if request.path.startswith(CLOSED):
            return Reply.of(404, b'{"message": "not part of the embedded cloud"}', JSON)
        api = self._public_api(request) or self._apis.get(self.service(request))
        if api is not None:
            return api.answer(request)
        request.body()
        return call(self._moto, request.environ)

    def _public_api(self, request: Request) -> Api | None:
        is_ours = request.path.startswith(RESERVED)
        if not is_ours and (service_of(request) or request.header("x-amz-target")):
            return None
        return next((api for path, api in self._public if path.fullmatch(request.path)), None)

    def service(self, request: Request) -> str:
        """Whose request it is: by its signature, else by its target; a plain request for a path is S3's."""
        signed = service_of(request)
        if signed:
            return signed
        target = request.header("x-amz-target").split(".", 1)[0]
        if target:
            return TARGETS.get(target, "")
        is_form = request.header("content-type").startswith("application/x-www-form-urlencoded")
        return "" if is_form or request.path.startswith(("/latest/", "/favicon.ico")) else "s3"


def internal_failure() -> Reply:
    """What AWS says when it is AWS's fault. The log has the reason."""
    body = {"__type": "InternalFailure", "message": "the embedded cloud failed: its log (cloud.log) says why"}
    return Reply.of(500, json.dumps(body).encode(), JSON, {"x-amzn-ErrorType": "InternalFailure"})

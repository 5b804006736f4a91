"""Lambda's API: Invoke is the executor's, the control plane moto's; what moto forgets of a function is kept here."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final, Protocol

from edgetrain.local.functions import InvocationError, Result
from edgetrain.local.place import ACCOUNT, REGION
from edgetrain.local.wsgi import Application, Reply, Request, call, request_id

JSON: Final = "application/json"
INVOKE: Final = re.compile(r"/2015-03-31/functions/(?P<function>.+)/invocations/?")
#: Paths whose request or reply carries a function's configuration.
FUNCTION: Final = re.compile(r"/2015-03-31/functions(?:/(?P<function>[^/]+)(?:/(?:configuration|code|versions))?)?/?")
#: Settings of a function that moto drops: of CreateFunction, and of UpdateFunctionConfiguration.
FORGOTTEN: Final = ("LoggingConfig", "DeadLetterConfig")
FORGOTTEN_ON_UPDATE: Final = ("TracingConfig", "LoggingConfig", "DeadLetterConfig", "EphemeralStorage", "KMSKeyArn")
DEFAULT_LOGGING: Final = {"LogFormat": "Text"}


class Invoker(Protocol):
    """What runs functions: `edgetrain.local.functions.Executor`."""

    def invoke(self, function: str, payload: bytes, *, invocation_type: str, client_context: str | None) -> Result: ...


class LambdaApi:
    """Answers requests to Lambda."""

    def __init__(self, moto: Application, executor: Invoker) -> None:
        self._moto = moto
        self._executor = executor

    def answer(self, request: Request) -> Reply:
        invoked = INVOKE.fullmatch(request.path)
        if invoked is not None and request.method == "POST":
            return self._invoke(request, invoked["function"])
        body = request.body()
        if FUNCTION.fullmatch(request.path) is None:
            return call(self._moto, request.environ)
        reply = call(self._moto, request.environ)
        return self._complete(request, body, reply) if reply.succeeded else reply

    def _invoke(self, request: Request, function: str) -> Reply:
        payload = request.body()
        kind = request.header("x-amz-invocation-type") or "RequestResponse"
        if qualifier := request.query.get("Qualifier"):
            function = f"{function}:{qualifier}"
        try:
            context = request.header("x-amz-client-context") or None
            result = self._executor.invoke(function, payload, invocation_type=kind, client_context=context)
        except InvocationError as error:
            return error_reply(error)
        headers = {"X-Amz-Executed-Version": result.executed_version, "x-amzn-RequestId": result.request_id}
        if result.function_error is not None:
            headers["X-Amz-Function-Error"] = result.function_error
        if request.header("x-amz-log-type") == "Tail" and kind == "RequestResponse":
            headers["X-Amz-Log-Result"] = base64.b64encode(result.log_tail).decode()
        return Reply.of(result.status_code, result.payload, JSON, headers)

    def _complete(self, request: Request, body: bytes, reply: Reply) -> Reply:
        """Keep what moto drops of a function's settings, and put it into its answers."""
        try:
            answer = json.loads(b"".join(reply.body))
            asked = json.loads(body) if body else {}
        except ValueError:
            return reply
        name = answer.get("FunctionName") or answer.get("Configuration", {}).get("FunctionName")
        if name and request.method in {"POST", "PUT"} and isinstance(asked, dict):
            remember(name, asked, FORGOTTEN if request.method == "POST" else FORGOTTEN_ON_UPDATE)
        for described in (answer, answer.get("Configuration"), *answer.get("Functions", [])):
            if isinstance(described, dict) and "FunctionArn" in described:
                described.update(_settings(described["FunctionName"]))
        headers = {n: v for n, v in reply.headers.items() if n.lower() not in {"content-length", "content-type"}}
        return Reply.of(reply.status, json.dumps(answer).encode(), JSON, headers)


def remember(name: str, asked: Mapping[str, Any], forgotten: tuple[str, ...]) -> None:
    """Keep settings with moto's record of the function."""
    function = _latest(name)
    if function is None:
        return
    kept = {setting: asked[setting] for setting in forgotten if setting in asked}
    if tracing := kept.pop("TracingConfig", None):
        function.tracing_config = tracing
    if storage := kept.pop("EphemeralStorage", None):
        function.ephemeral_storage = storage["Size"]
    function.edgetrain_settings = {**getattr(function, "edgetrain_settings", {}), **kept}
    if group := kept.get("LoggingConfig", {}).get("LogGroup"):
        function.logs_group_name = group


def _settings(name: str) -> dict[str, Any]:
    function = _latest(name)
    kept: dict[str, Any] = dict(getattr(function, "edgetrain_settings", {}))
    group = getattr(function, "logs_group_name", f"/aws/lambda/{name}")
    kept["LoggingConfig"] = {**DEFAULT_LOGGING, "LogGroup": group, **kept.get("LoggingConfig", {})}
    kept["RevisionId"] = revision_of(function) if function is not None else ""
    return kept


def _latest(name: str) -> Any:
    from moto.awslambda.models import lambda_backends

    stored = lambda_backends[ACCOUNT][REGION]._lambdas._functions.get(name)
    return None if stored is None else stored["latest"]


def revision_of(function: Any) -> str:
    """A new one for every change of code or configuration."""
    settings = {**function.get_configuration(), "LastModified": "", "Log": function.logs_group_name}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"


def error_reply(error: InvocationError) -> Reply:
    """An error of Lambda's API."""
    body = {"Type": "User" if error.status < 500 else "Service", "Message": error.message, "message": error.message}
    headers = {"x-amzn-ErrorType": error.code, "x-amzn-RequestId": request_id()}
    return Reply.of(error.status, json.dumps(body).encode(), JSON, headers)

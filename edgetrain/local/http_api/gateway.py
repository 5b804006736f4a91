"""HTTP APIs: a request that nobody signed, answered by the function behind its route as API Gateway would."""

import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol
from urllib.parse import unquote

from edgetrain import limits
from edgetrain.local.functions import InvocationError, Result
from edgetrain.local.http_api import cors
from edgetrain.local.http_api.access_log import AccessLog, call_values, known_values, line
from edgetrain.local.http_api.catalogue import find_stage, statements
from edgetrain.local.http_api.definition import DEFAULT, Definition, Integration, Route, Stage
from edgetrain.local.http_api.events import Call, make_event, make_request_id, utc_now
from edgetrain.local.http_api.permissions import may_invoke, source_arn
from edgetrain.local.http_api.replies import MESSAGES, Malformed, gateway_reply, read_answer
from edgetrain.local.http_api.routing import Match, select
from edgetrain.local.http_api.throttling import Throttles
from edgetrain.local.http_api.tokens import Authorised, FindKeys, Refused, authorise
from edgetrain.local.place import LOOPBACK
from edgetrain.local.public_hosts import APIS
from edgetrain.local.wsgi import Reply, Request

logger = logging.getLogger(__name__)

#: Where the front serves the APIs: `/_api/ID`, and after it what AWS serves at the API's own host.
PREFIX: Final = f"{APIS}/"
PUBLIC: Final = rf"{PREFIX}[\s\S]*"
#: Functions that may run on behalf of requests at once, those included that nobody waits for any more.
INVOCATIONS: Final = 512
REASON_CHARACTERS: Final = 1000
DISCARDED_BYTES: Final = 64 * limits.MIB

FindStage = Callable[[str, str], tuple[Stage, str] | None]
Statements = Callable[[str], Iterable[Mapping[str, Any]]]


class Invoker(Protocol):
    """What runs functions: `edgetrain.local.functions.Executor`."""

    def invoke(self, function: str, payload: bytes) -> Result: ...


class _Ended(Exception):
    """The gateway answers by itself, with this status."""

    def __init__(self, status: int, reason: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status, self.reason, self.headers = status, reason, headers or {}


@dataclass
class _Progress:
    """What has become known of a request on its way; the access log tells it."""

    match: Match | None = None
    authorised: Authorised | None = None
    values: dict[str, Any] = field(default_factory=dict)


class HttpApis:
    """Answers requests to the HTTP APIs of this cloud. Any number at once: nothing here is locked for long."""

    def __init__(
        self,
        executor: Invoker,
        find_keys: FindKeys,
        access_log: AccessLog,
        *,
        stages: FindStage = find_stage,
        policy: Statements = statements,
        throttles: Throttles | None = None,
    ) -> None:
        """Make it ready: `find_keys` finds an issuer's public keys, `stages` and `policy` what is deployed."""
        self._executor = executor
        self._find_keys = find_keys
        self._log = access_log
        self._stages = stages
        self._policy = policy
        self._throttles = throttles or Throttles()
        self._threads = ThreadPoolExecutor(INVOCATIONS, thread_name_prefix="http-api")

    def answer(self, request: Request) -> Reply:
        """Answer a request to `/_api/ID/...`."""
        api_id, slash, rest = request.encoded_path.removeprefix(PREFIX).partition("/")
        return self.answer_host(api_id, request, slash + rest)

    def answer_host(self, api_id: str, request: Request, path: str | None = None) -> Reply:
        """Answer a request as the API's own host does: `https://API_ID.execute-api.REGION.amazonaws.com`.

        For who has the request already, such as a distribution with the API as an origin. `path` begins with the stage
        and is percent-encoded, as clients write it (`/api/labels/objects`); it is the request's own where it is not given.
        Headers, query, body and the client's address are the request's.
        """
        path = (request.encoded_path if path is None else path) or "/"
        found = self._stages(api_id, path)
        name = found[0].name if found else ""
        call = _call(api_id, name, request, path)
        if found is None:
            return _finished(gateway_reply(404), call, None)
        stage, rest = found
        progress, started = _Progress(), time.perf_counter()
        try:
            reply = self._reply(call, request, stage, rest, progress)
        except Exception:
            logger.exception("%s %s failed", call.method, call.path)
            reply = _finished(gateway_reply(500), call, None)
        if stage.log_group and stage.log_format:
            milliseconds = round((time.perf_counter() - started) * 1000)
            self._write_log(call, stage, progress, reply, milliseconds)
        return reply

    def close(self) -> None:
        """Write the access logs to their end. The functions that still run are their executor's to end."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._log.close()

    # --- one request

    def _reply(self, call: Call, request: Request, stage: Stage, path: str, progress: _Progress) -> Reply:
        settings = stage.definition.cors
        try:
            reply = self._routed(call, request, stage, path, progress)
            if settings is not None:
                reply = replace(reply, headers=cors.without_cors(reply.headers))
        except _Ended as end:
            if end.reason:
                progress.values.setdefault("integrationErrorMessage", end.reason)
            if end.status >= 500:
                logger.warning("%s %s: %d: %s", call.method, call.path, end.status, end.reason)
            if end.status == 404 and call.method == "OPTIONS" and settings is not None:
                asks = call.headers.get("access-control-request-method", "")
                headers = cors.preflight_headers(settings, call.headers.get("origin", ""), asks)
                return _finished(Reply(204, headers), call, None)
            reply = gateway_reply(end.status, end.headers)
            progress.values |= dict.fromkeys(("error.message", "error.messageString"), MESSAGES[end.status])
        return _finished(reply, call, cors.reply_headers(settings, call.headers.get("origin", "")))

    def _routed(self, call: Call, request: Request, stage: Stage, path: str, progress: _Progress) -> Reply:
        _check_size(call, request)
        match = progress.match = select(stage.definition, call.method, path)
        if match is None:
            raise _Ended(404)
        route = match.route
        if not self._throttles.allows(call.api_id, stage.name, route.key.text, stage.throttle_of(route.key.text)):
            raise _Ended(429)
        progress.authorised = self._authorised(call, request, stage.definition, route, progress)
        integration = stage.definition.integrations.get(route.integration_id)
        if integration is None:
            raise _Ended(500, f"route {route.key.text} has no integration")
        event = make_event(
            call,
            _read(request),
            route_key=route.key.text,
            parameters=match.parameters,
            variables=stage.variables,
            authorised=progress.authorised,
        )
        self._check_permission(call, route, integration)
        return self._invoked(integration, json.dumps(event, separators=(",", ":")).encode(), progress)

    def _authorised(
        self, call: Call, request: Request, definition: Definition, route: Route, progress: _Progress
    ) -> Authorised | None:
        if route.authorization == "NONE":
            return None
        authorizer = definition.authorizers.get(route.authorizer_id or "")
        if route.authorization != "JWT" or authorizer is None:
            raise _Ended(500, f"route {route.key.text} is authorised by {route.authorization}, which is not supported")
        try:
            return authorise(
                authorizer,
                route.scopes,
                headers=call.headers,
                query=request.query,
                find_keys=self._find_keys,
                now=time.time(),
            )
        except Refused as refused:
            progress.values["authorizer.error"] = refused.reason
            raise _Ended(refused.status, headers={"www-authenticate": refused.challenge}) from refused

    def _check_permission(self, call: Call, route: Route, integration: Integration) -> None:
        key = route.key
        if key.text == DEFAULT:
            sources = [source_arn(call.api_id, call.stage, DEFAULT, "")]
        else:
            sources = [source_arn(call.api_id, call.stage, method, key.path) for method in (call.method, key.method)]
        policy = list(self._policy(integration.function))
        if not any(may_invoke(policy, source) for source in sources):
            raise _Ended(500, f"API Gateway does not have the permission to invoke {integration.function}")

    def _invoked(self, integration: Integration, event: bytes, progress: _Progress) -> Reply:
        started = time.perf_counter()
        running = self._threads.submit(self._executor.invoke, integration.function, event)
        try:
            result = running.result(integration.timeout_seconds)
        except Late as late:
            running.cancel()
            raise _Ended(503, f"the function takes more than {integration.timeout_seconds:g} s") from late
        except InvocationError as error:
            progress.values["integrationStatus"] = error.status
            raise _Ended({413: 413, 429: 503}.get(error.status, 500), error.message) from error
        finally:
            progress.values["integrationLatency"] = round((time.perf_counter() - started) * 1000)
        progress.values |= {"integrationStatus": 200, "integration.requestId": result.request_id}
        if result.function_error is not None:
            said = result.payload.decode("utf-8", "replace")[:REASON_CHARACTERS]
            raise _Ended(500, f"the function failed: {said}")
        try:
            reply = read_answer(result.payload)
        except Malformed as error:
            raise _Ended(500, f"the function's answer is malformed: {error}") from error
        progress.values["integration.status"] = reply.status
        return reply

    def _write_log(self, call: Call, stage: Stage, progress: _Progress, reply: Reply, milliseconds: int) -> None:
        values = {
            **call_values(call),
            **known_values(progress.values, progress.authorised.texts() if progress.authorised else {}),
            "responseLatency": milliseconds,
            "responseLength": reply.headers.get("Content-Length", 0),
            "routeKey": progress.match.route.key.text if progress.match else None,
            "status": reply.status,
        }
        self._log.write(stage.log_group, line(stage.log_format, values))


def _call(api_id: str, stage: str, request: Request, path: str) -> Call:
    environ = request.environ
    headers = request.headers("")
    for name in ("content-type", "content-length"):
        if request.header(name):
            headers[name] = request.header(name)
    return Call(
        api_id=api_id,
        stage=stage,
        request_id=make_request_id(),
        at=utc_now(),
        method=request.method,
        path=unquote(path),
        query=str(environ.get("QUERY_STRING", "")),
        protocol=str(environ.get("SERVER_PROTOCOL") or "HTTP/1.1"),
        source_ip=str(environ.get("REMOTE_ADDR") or LOOPBACK),
        headers=headers,
    )


def _check_size(call: Call, request: Request) -> None:
    """Refuse headers or a body that are longer than an HTTP API takes; a body of unknown length is counted when it is read."""
    size = len(call.method) + len(call.path) + len(call.query) + len(call.protocol)
    size += sum(len(name) + len(value) for name, value in call.headers.items())
    if size > limits.HTTP_API_HEADER_BYTES:
        raise _Ended(431)
    length = call.headers.get("content-length", "")
    if length.isdigit() and int(length) > limits.HTTP_API_PAYLOAD_BYTES:
        _read(request)


def _read(request: Request) -> bytes:
    """The whole body.

    What is too long is read, too, within reason: who still sends when the connection is closed does not see the answer.

    Raises:
        _Ended: 413, it is longer than an HTTP API takes.
    """
    pieces, size = [], 0
    for piece in request.chunks():
        size += len(piece)
        if size <= limits.HTTP_API_PAYLOAD_BYTES:
            pieces.append(piece)
        elif size > DISCARDED_BYTES:
            break
    if size > limits.HTTP_API_PAYLOAD_BYTES:
        raise _Ended(413)
    return b"".join(pieces)


def _finished(reply: Reply, call: Call, more: Mapping[str, str] | None) -> Reply:
    body = () if call.method == "HEAD" else reply.body
    return replace(reply, headers={**reply.headers, **(more or {}), "apigw-requestid": call.request_id}, body=body)

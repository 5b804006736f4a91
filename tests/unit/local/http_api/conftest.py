"""An API as plain values, and a gateway over it whose functions are the test's."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from edgetrain.local.functions import InvocationError, Result
from edgetrain.local.http_api.access_log import AccessLog
from edgetrain.local.http_api.definition import (
    Authorizer,
    Cors,
    Definition,
    Integration,
    Route,
    Stage,
    route_key,
)
from edgetrain.local.http_api.events import Call
from edgetrain.local.http_api.gateway import HttpApis
from edgetrain.local.http_api.throttling import Throttles
from edgetrain.local.wsgi import Reply, Request

API = "abcdefghij"
ORIGIN = "https://app.example.com"


def make_call(**changes: Any) -> Call:
    given: dict[str, Any] = {
        "api_id": API,
        "stage": "api",
        "request_id": "JKJaXmPLvHcESHA=",
        "at": datetime(2020, 3, 12, 19, 3, 58, 390_000, tzinfo=UTC),
        "method": "GET",
        "path": "/api/x",
        "query": "",
        "protocol": "HTTP/1.1",
        "source_ip": "192.0.2.1",
        "headers": {},
    }
    return Call(**(given | changes))


def make_request(path: str = "/", method: str = "GET", body: bytes = b"", query: str = "", **headers: str) -> Request:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path.encode().decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.1",
        "wsgi.input": io.BytesIO(body),
    }
    if body:
        environ["CONTENT_LENGTH"] = str(len(body))
    for name, value in headers.items():
        key = name.upper()
        environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = value
    return Request(environ)


class Functions:
    """What runs functions: each answers what the test says, and remembers its events."""

    def __init__(self) -> None:
        self.answers: Any = {"statusCode": 200, "body": "fine"}
        self.fails: InvocationError | None = None
        self.error: str | None = None
        self.wait: Callable[[], Any] = lambda: None
        self.events: list[dict[str, Any]] = []

    def invoke(self, function: str, payload: bytes) -> Result:
        self.wait()
        if self.fails is not None:
            raise self.fails
        self.events.append(json.loads(payload))
        return Result(
            status_code=200,
            payload=json.dumps(self.answers).encode(),
            function_error=self.error,
            executed_version="$LATEST",
            log_tail=b"",
            request_id="invocation",
        )


class Gateway:
    """A gateway over one stage, `api`, of one API."""

    def __init__(self) -> None:
        self.functions = Functions()
        self.now = 0.0
        self.logged: list[str] = []
        self.policy: list[dict[str, Any]] = [
            {"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "lambda:InvokeFunction"}
        ]
        self.stage = make_stage()
        self.keys: Any = lambda _issuer: None
        self.log = AccessLog(lambda _group, _stream, events: self.logged.extend(text for _, text in events))
        self.apis = HttpApis(
            self.functions,
            lambda issuer: self.keys(issuer),
            self.log,
            stages=self._find,
            policy=lambda _function: self.policy,
            throttles=Throttles(lambda: self.now),
        )

    def _find(self, api_id: str, path: str) -> tuple[Stage, str] | None:
        name, _, rest = path[1:].partition("/")
        return (self.stage, f"/{rest}") if (api_id, name) == (API, "api") else None

    def ask(self, path: str = "/api/x", method: str = "GET", **more: Any) -> Reply:
        return self.apis.answer(make_request(f"/_api/{API}{path}", method, **more))

    def lines(self) -> list[str]:
        self.log.flush()
        return self.logged


def make_stage(*routes: Route, cors: Cors | None = None, **changes: Any) -> Stage:
    definition = Definition(
        routes=routes or (Route(key=route_key("GET /x"), integration_id="i"),),
        integrations={
            "i": Integration(function="f", timeout_seconds=30),
            "hasty": Integration(function="f", timeout_seconds=0),
        },
        authorizers={
            "a": Authorizer(
                issuer="https://issuer", audience=frozenset({"me"}), identity_source="$request.header.Authorization"
            )
        },
        cors=cors,
    )
    return Stage(**{"name": "api", "definition": definition, **changes})


@pytest.fixture
def gateway():
    made = Gateway()
    yield made
    made.apis.close()

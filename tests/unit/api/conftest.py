"""The API without API Gateway: requests become events, the deployed handlers' own `serve` answers them, services are fakes."""

import base64
import io
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import unquote

import pytest
from aws_lambda_powertools import Logger

from edgetrain.api.catalogue import Catalogue
from edgetrain.api.deadline import Deadline
from edgetrain.api.detect_objects import detect_objects
from edgetrain.api.download_model import download_model
from edgetrain.api.entry import Route, serve
from edgetrain.api.get_labels import get_labels
from edgetrain.api.get_latest_model import get_latest_model
from edgetrain.api.list_model_versions import list_model_versions
from edgetrain.api.openapi import document, get_openapi
from tests.unit.fakes.api import FakeContext, FakeEndpoints, FakePictures, FakeVersions, detector

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TEXT = ("text/", "application/json", "application/xml", "application/javascript")


@dataclass(frozen=True)
class Answer:
    """What a handler answered."""

    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str | None:
        """The code, of an error of ours."""
        return self.json["error"]["code"] if self.status >= 400 else None


def template_of(method: str, path: str) -> tuple[str, dict[str, str]]:
    """The route that API Gateway would choose, and the parameters in the path."""
    for template, methods in document()["paths"].items():
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)
        found = re.fullmatch(pattern, path)
        if found and method.lower() in methods:
            return f"{method} {template}", {name: unquote(value) for name, value in found.groupdict().items()}
    raise AssertionError(f"API Gateway has no route for {method} {path}")


def event_of(method: str, path: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """As API Gateway hands a request on (payload 2.0): what is not text goes as base64."""
    bare, _, query = path.partition("?")
    key, parameters = template_of(method, bare)
    kind = headers.get("content-type", "").lower()
    try:
        text = body.decode() if kind.startswith(TEXT) else None
    except UnicodeDecodeError:
        text = None
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": key,
        "rawPath": f"/api{bare}",
        "rawQueryString": query,
        "headers": {name.lower(): value for name, value in headers.items()},
        "requestContext": {"stage": "api", "http": {"method": method, "path": f"/api{bare}"}},
        "isBase64Encoded": text is None,
    }
    if parameters:
        event["pathParameters"] = parameters
    if body:
        event["body"] = base64.b64encode(body).decode() if text is None else text
    return event


@dataclass
class Api:
    """The routes with the services behind them."""

    endpoints: FakeEndpoints = field(default_factory=FakeEndpoints)
    pictures: FakePictures | None = field(default_factory=FakePictures)
    versions: FakeVersions = field(default_factory=FakeVersions)
    seconds: float = 30

    def __post_init__(self) -> None:
        self.catalogue = Catalogue(self.versions)

    def routes(self) -> dict[str, Route]:
        deadline = Deadline(self.seconds)
        return {
            "POST /detections": partial(deadline.call, partial(detect_objects, self.pictures, self.endpoints)),
            "GET /labels/{task}": partial(get_labels, self.catalogue),
            "GET /models/{task}/latest": partial(get_latest_model, self.catalogue),
            "GET /models/{task}/versions": partial(list_model_versions, self.catalogue),
            "GET /models/{task}/{version}/download": partial(
                download_model, self.catalogue, self.versions, lambda: NOW
            ),
            "GET /openapi.json": partial(get_openapi, "https://sign-in.example"),
        }

    def play(self, event: dict[str, Any]) -> Answer:
        """One event, answered."""
        answer = serve(self.routes()[event["routeKey"]])(json.loads(json.dumps(event)), FakeContext())
        return Answer(answer["statusCode"], answer["headers"], answer.get("body", ""))

    def ask(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        """One request, answered."""
        return self.play(event_of(method, path, headers or {}, body))

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.fixture
def api() -> Api:
    """The API with task `objects` published once."""
    made = Api()
    made.versions.publish(
        "objects", 1, {"model.tflite": b"model one", "detector.json": detector("person", "cat", "cup")}
    )
    return made


@pytest.fixture
def log() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The lines that the handlers logged so far, as they reach CloudWatch Logs."""
    lines = io.StringIO()
    logger = logging.getLogger(Logger().name)  # all of a process write to the one of their service
    handler = logging.StreamHandler(lines)
    handler.setFormatter(logger.handlers[0].formatter)
    logger.addHandler(handler)
    yield lambda: [json.loads(line) for line in lines.getvalue().splitlines()]
    logger.removeHandler(handler)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials and a region in the environment, so that boto3 looks for none elsewhere."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)

"""`GET /openapi.json`: the API's description (OpenAPI 3.1), made from the contracts.

`python -m edgetrain.api.openapi docs/openapi.json` writes the copy in the documentation; a test says when it is old.
"""

import json
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from edgetrain import __version__, limits
from edgetrain.api.http import REVALIDATE, Request, Response, parameters
from edgetrain.api.messages import (
    DetectionRequest,
    Download,
    ErrorReply,
    GatewayReply,
    Labels,
    Prediction,
    Versions,
)
from edgetrain.api.refusals import CODES, status_of
from edgetrain.api.samples import PICTURE, PREDICTION
from edgetrain.contracts import Contract, Manifest
from edgetrain.keys import ID_PATTERN

Json = dict[str, Any]

#: In the copy of the documentation: a deployed API names its own.
SIGN_IN_URL: Final = "https://DOMAIN.auth.REGION.amazoncognito.com"
#: Relative to this document, wherever it is served: below API Gateway's host, CloudFront's, or the embedded cloud's.
SERVER: Final = "../api"
JSON: Final = "application/json"
DETECT: Final = "edgetrain/detect"
ADMIN: Final = "edgetrain/admin"
SCOPES: Final = {
    DETECT: "Have things found in pictures; read labels and models",
    "edgetrain/contribute": "Give pictures to learn from",
    ADMIN: "Everything that the API offers",
}
#: What API Gateway says itself, by status.
GATEWAY: Final = {
    401: ("No token, or one that is expired, altered, or of another issuer.", "Unauthorized"),
    403: ("The token has none of the scopes that the route asks for, or is for another client.", "Forbidden"),
    404: ("There is no such route.", "Not Found"),
    413: ("The body has more than 10 MB, or more than a function takes.", "Request Entity Too Large"),
    429: ("More requests a second than the route takes, over all callers.", "Too Many Requests"),
    500: ("A fault of the service.", "Internal Server Error"),
    503: ("The service did not answer within 30 seconds.", "Service Unavailable"),
}
READING: Final = ("parameter_invalid", "task_not_found", "storage_unavailable")
DETECTION_CODES: Final = (
    *("body_invalid", "file_missing", "file_invalid", "name_invalid", "picture_empty", "picture_damaged"),
    *("picture_too_large", "picture_dimensions", "picture_type", "unsupported_media_type"),
    *("endpoint_busy", "endpoint_failed", "endpoint_unavailable", "too_slow", *READING),
)
MODELS: Final[tuple[type[Contract], ...]] = (
    DetectionRequest,
    Prediction,
    Labels,
    Manifest,
    Versions,
    Download,
    ErrorReply,
    GatewayReply,
)


def get_openapi(sign_in_url: str, request: Request) -> Response:
    """The document of this deployment; `sign_in_url` is where its tokens come from.

    Raises:
        RequestRefused: the query has parameters.
    """
    parameters(request)
    return Response(200, _written(sign_in_url), {"Cache-Control": REVALIDATE})


def text_of(document: Json) -> str:
    """As it lies in the documentation."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def document(sign_in_url: str = SIGN_IN_URL) -> Json:
    """The whole description."""
    _, definitions = models_json_schema(
        [(model, "validation") for model in MODELS], ref_template="#/components/schemas/{model}"
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Edgetrain",
            "version": __version__,
            "summary": "Take a picture, see what is in it; read what was published.",
            "description": (
                'Errors of ours are `{"error": {"code", "message"}}`; what API Gateway answers itself is `{"message"}`. Get a '
                "token with `edgetrain token NAME` (docs/api.md)."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": SERVER, "description": "The stage that serves this document"}],
        "tags": [
            {"name": "detections", "description": "What is in a picture"},
            {"name": "models", "description": "Published versions"},
            {"name": "description", "description": "This document"},
        ],
        "security": [{"signIn": [DETECT]}, {"signIn": [ADMIN]}],
        "paths": {
            "/detections": {"post": _detect_objects()},
            "/labels/{task}": {"get": _get_labels()},
            "/models/{task}/latest": {"get": _get_latest_model()},
            "/models/{task}/versions": {"get": _list_model_versions()},
            "/models/{task}/{version}/download": {"get": _download_model()},
            "/openapi.json": {"get": _get_openapi()},
        },
        "components": {
            "schemas": dict(sorted(definitions["$defs"].items())),
            "responses": {f"Gateway{status}": _refusal(status, [], True) for status in GATEWAY},
            "securitySchemes": {"signIn": _sign_in(sign_in_url)},
        },
    }


@lru_cache(1)
def _written(sign_in_url: str) -> bytes:
    return json.dumps(document(sign_in_url), ensure_ascii=False, separators=(",", ":")).encode()


def _sign_in(url: str) -> Json:
    return {
        "type": "oauth2",
        "description": "People sign in by authorization code with PKCE, machine users by client credentials.",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": f"{url}/oauth2/authorize",
                "tokenUrl": f"{url}/oauth2/token",
                "scopes": SCOPES,
            },
            "clientCredentials": {"tokenUrl": f"{url}/oauth2/token", "scopes": SCOPES},
        },
    }


# --- the routes ------------------------------------------------------------------------------------------------------


def _detect_objects() -> Json:
    file: Json = {"schema": {"type": "string", "contentMediaType": "image/jpeg"}}
    most = limits.MAX_DETECTIONS
    return {
        "operationId": "detect_objects",
        "tags": ["detections"],
        "summary": "What is in a picture",
        "description": (
            f"JPEG or PNG by content, at most {limits.PICTURE_BYTES} bytes and {limits.PICTURE_SIDE} pixels a side. EXIF's orientation is "
            "respected: coordinates are those of the upright picture. The picture is kept for a day under the id in "
            "`X-Picture-Id`, unless the deployment keeps none."
        ),
        "parameters": [
            _query("task", {"type": "string", "pattern": ID_PATTERN, "default": "objects"}, "Which detector"),
            _query("min_score", {"type": "number", "minimum": 0, "maximum": 1}, "The lowest score that is told"),
            _query("max_detections", {"type": "integer", "minimum": 1, "maximum": most}, "How many are told at most"),
        ],
        "requestBody": {
            "required": True,
            "content": {
                JSON: {
                    "schema": _ref(DetectionRequest),
                    "example": {"name": "sample.jpg", "file": f"data:image/jpeg;base64,{PICTURE}"},
                },
                "image/jpeg": file,
                "image/png": {"schema": {"type": "string", "contentMediaType": "image/png"}},
            },
        },
        "responses": {
            "200": {
                "description": "What was found, best first; nothing found is an empty list",
                "headers": {
                    "X-Picture-Id": _header("The id of the picture that was kept; absent where none are"),
                    "X-Model-Version": _header("The version that answered"),
                },
                "content": {
                    JSON: {
                        "schema": {"type": "array", "items": _ref(Prediction), "minItems": 1, "maxItems": 1},
                        "example": PREDICTION,
                    }
                },
            },
            **_refusals(*DETECTION_CODES),
        },
    }


def _get_labels() -> Json:
    return {
        "operationId": "get_labels",
        "tags": ["models"],
        "summary": "What a task's classes are called",
        "parameters": [_task()],
        "responses": {
            "200": _answer("The labels of the version that is served", Labels),
            **_refusals(*READING, "file_not_found"),
        },
    }


def _get_latest_model() -> Json:
    answer = _answer("The newest version's manifest, as it is stored", Manifest)
    etag = {"ETag": _header("Strong: the SHA-256 of the manifest")}
    known = {"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}}
    return {
        "operationId": "get_latest_model",
        "tags": ["models"],
        "summary": "The newest published version",
        "parameters": [_task(), {**known, "description": "An ETag that the caller has, a list of them, or *"}],
        "responses": {
            "200": {**answer, "headers": etag},
            "304": {"description": "The caller has it already", "headers": etag},
            **_refusals(*READING),
        },
    }


def _list_model_versions() -> Json:
    page = {
        "type": "integer",
        "minimum": 1,
        "maximum": limits.VERSIONS_PAGE,
        "default": limits.DEFAULT_VERSIONS_PAGE,
    }
    return {
        "operationId": "list_model_versions",
        "tags": ["models"],
        "summary": "Published versions, newest first",
        "parameters": [
            _task(),
            _query("limit", page, "Versions on a page"),
            _query("next", {"type": "string", "pattern": "^[1-9][0-9]{0,8}$"}, "What the page before gave as `next`"),
        ],
        "responses": {"200": _answer("One page", Versions), **_refusals(*READING)},
    }


def _download_model() -> Json:
    version = {"type": "integer", "minimum": 1, "maximum": 10**9 - 1}
    return {
        "operationId": "download_model",
        "tags": ["models"],
        "summary": "Addresses of a version's files",
        "description": f"They hold for {limits.DOWNLOAD_SECONDS // 60} minutes. Check the SHA-256 of what you read.",
        "parameters": [
            _task(),
            {"name": "version", "in": "path", "required": True, "schema": version, "example": 1},
            _query("file", {"type": "string"}, "The name of one file; without it, all"),
        ],
        "responses": {
            "200": _answer("One address for each file", Download),
            **_refusals(*READING, "version_invalid", "version_not_found", "file_not_found"),
        },
    }


def _get_openapi() -> Json:
    return {
        "operationId": "get_openapi",
        "tags": ["description"],
        "summary": "This document",
        "security": [],
        "responses": {
            "200": {"description": "OpenAPI 3.1", "content": {JSON: {"schema": {"type": "object"}}}},
            **_refusals("parameter_invalid", public=True),
        },
    }


# --- their parts -----------------------------------------------------------------------------------------------------


def _ref(model: type[Contract]) -> Json:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _answer(about: str, model: type[Contract]) -> Json:
    return {"description": about, "content": {JSON: {"schema": _ref(model)}}}


def _header(about: str) -> Json:
    return {"description": about, "schema": {"type": "string"}}


def _query(name: str, schema: Json, about: str) -> Json:
    return {"name": name, "in": "query", "required": False, "description": about, "schema": schema}


def _task() -> Json:
    schema = {"type": "string", "pattern": ID_PATTERN}
    return {"name": "task", "in": "path", "required": True, "schema": schema, "example": "objects"}


def _refusals(*codes: str, public: bool = False) -> Json:
    """The error answers of a route: those of our code, and those of API Gateway."""
    gateway = set(GATEWAY) - ({401, 403} if public else set())
    ours = {status: [code for code in codes if CODES[code].status == status] for status in map(status_of, codes)}
    return {
        str(status): _refusal(status, ours[status], status in gateway)
        if status in ours
        else {"$ref": f"#/components/responses/Gateway{status}"}
        for status in sorted({*ours, *gateway})
    }


def _refusal(status: int, codes: list[str], gateway: bool) -> Json:
    about = [f"`{code}`: {CODES[code].about}" for code in codes]
    examples: Json = {code: {"value": {"error": {"code": code, "message": CODES[code].about}}} for code in codes}
    schemas = [_ref(ErrorReply)] if codes else []
    if gateway:
        sentence, message = GATEWAY[status]
        about.append(f"API Gateway: {sentence}")
        examples["gateway"] = {"value": {"message": message}}
        schemas.append(_ref(GatewayReply))
    schema = schemas[0] if len(schemas) == 1 else {"oneOf": schemas}
    refusal: Json = {"description": "\n\n".join(about), "content": {JSON: {"schema": schema, "examples": examples}}}
    if status == 503:
        refusal["headers"] = {"Retry-After": _header("Seconds, with errors of ours")}
    if status == 401:
        refusal["headers"] = {"WWW-Authenticate": _header("Bearer")}
    return refusal


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m edgetrain.api.openapi FILE")
    Path(sys.argv[1]).write_text(text_of(document()), encoding="utf-8")

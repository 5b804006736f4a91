"""`GET /openapi.json`: the API's description (OpenAPI 3.1), made from the contracts.

`python -m edgetrain.api.openapi docs/openapi.json` writes the copy in the documentation; a test says when it is old.
"""

import json
import sys
from functools import lru_cache
from pathlib import Path
from typing import Final

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
from edgetrain.api.openapi_parts import GATEWAY, JSON, Json, answer, header, query, ref, refusal, refusals, task
from edgetrain.api.samples import PICTURE, PREDICTION
from edgetrain.contracts import Contract, Manifest
from edgetrain.keys import ID_PATTERN

#: In the copy of the documentation: a deployed API names its own.
SIGN_IN_URL: Final = "https://DOMAIN.auth.REGION.amazoncognito.com"
#: Relative to this document, wherever it is served: below API Gateway's host, CloudFront's, or the embedded cloud's.
SERVER: Final = "../api"
DETECT: Final = "edgetrain/detect"
ADMIN: Final = "edgetrain/admin"
SCOPES: Final = {
    DETECT: "Have things found in pictures; read labels and models",
    "edgetrain/contribute": "Give pictures to learn from",
    ADMIN: "Everything that the API offers",
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
            "responses": {f"Gateway{status}": refusal(status, [], True) for status in GATEWAY},
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
            query("task", {"type": "string", "pattern": ID_PATTERN, "default": "objects"}, "Which detector"),
            query("min_score", {"type": "number", "minimum": 0, "maximum": 1}, "The lowest score that is told"),
            query("max_detections", {"type": "integer", "minimum": 1, "maximum": most}, "How many are told at most"),
        ],
        "requestBody": {
            "required": True,
            "content": {
                JSON: {
                    "schema": ref(DetectionRequest),
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
                    "X-Picture-Id": header("The id of the picture that was kept; absent where none are"),
                    "X-Model-Version": header("The version that answered"),
                },
                "content": {
                    JSON: {
                        "schema": {"type": "array", "items": ref(Prediction), "minItems": 1, "maxItems": 1},
                        "example": PREDICTION,
                    }
                },
            },
            **refusals(*DETECTION_CODES),
        },
    }


def _get_labels() -> Json:
    return {
        "operationId": "get_labels",
        "tags": ["models"],
        "summary": "What a task's classes are called",
        "parameters": [task()],
        "responses": {
            "200": answer("The labels of the version that is served", Labels),
            **refusals(*READING, "file_not_found"),
        },
    }


def _get_latest_model() -> Json:
    manifest = answer("The newest version's manifest, as it is stored", Manifest)
    etag = {"ETag": header("Strong: the SHA-256 of the manifest")}
    known = {"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}}
    return {
        "operationId": "get_latest_model",
        "tags": ["models"],
        "summary": "The newest published version",
        "parameters": [task(), {**known, "description": "An ETag that the caller has, a list of them, or *"}],
        "responses": {
            "200": {**manifest, "headers": etag},
            "304": {"description": "The caller has it already", "headers": etag},
            **refusals(*READING),
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
            task(),
            query("limit", page, "Versions on a page"),
            query("next", {"type": "string", "pattern": "^[1-9][0-9]{0,8}$"}, "What the page before gave as `next`"),
        ],
        "responses": {"200": answer("One page", Versions), **refusals(*READING)},
    }


def _download_model() -> Json:
    version = {"type": "integer", "minimum": 1, "maximum": 10**9 - 1}
    return {
        "operationId": "download_model",
        "tags": ["models"],
        "summary": "Addresses of a version's files",
        "description": f"They hold for {limits.DOWNLOAD_SECONDS // 60} minutes. Check the SHA-256 of what you read.",
        "parameters": [
            task(),
            {"name": "version", "in": "path", "required": True, "schema": version, "example": 1},
            query("file", {"type": "string"}, "The name of one file; without it, all"),
        ],
        "responses": {
            "200": answer("One address for each file", Download),
            **refusals(*READING, "version_invalid", "version_not_found", "file_not_found"),
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
            **refusals("parameter_invalid", public=True),
        },
    }


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m edgetrain.api.openapi FILE")
    Path(sys.argv[1]).write_text(text_of(document()), encoding="utf-8")

"""The API's description: valid, whole, and true to what the handlers answer."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from jsonschema import Draft202012Validator

from edgetrain.api.openapi import document, text_of
from edgetrain.api.openapi_parts import GATEWAY
from edgetrain.api.refusals import CODES
from tests.unit.api.bad_requests import JSON, ROWS, Row, picture
from tests.unit.api.conftest import Api, template_of
from tests.unit.fakes.pictures import jpeg

PROJECT = Path(__file__).parents[3]
OPENAPI = document()


def resolved(value: Any) -> Any:
    while "$ref" in value:
        found: Any = OPENAPI
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        value = found
    return value


def schema_of(key: str, status: int) -> dict[str, Any]:
    """The schema of an answer, with the components that it refers to."""
    method, _, path = key.partition(" ")
    answer = resolved(OPENAPI["paths"][path][method.lower()]["responses"][str(status)])
    return {**answer["content"]["application/json"]["schema"], "components": OPENAPI["components"]}


def operations() -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in OPENAPI["paths"].items()
        for method, operation in methods.items()
    ]


def test_it_is_openapi() -> None:
    validator = pytest.importorskip("openapi_spec_validator")
    validator.validate(OPENAPI)


def test_the_copy_in_the_documentation_is_current() -> None:
    assert (PROJECT / "docs" / "openapi.json").read_text() == text_of(OPENAPI), (
        "write it again: python -m edgetrain.api.openapi docs/openapi.json"
    )


def test_the_page_for_callers_tells_every_code_and_route() -> None:
    page = (PROJECT / "docs" / "api.md").read_text()
    for code, meaning in CODES.items():
        assert f"| `{code}` | {meaning.status} | {meaning.about} |\n" in page
    for status, (about, message) in GATEWAY.items():
        assert f"| {status} `{message}` | {about} |\n" in page
    assert {line.removeprefix("### ") for line in page.splitlines() if line.startswith("### ")} == {
        key for key, _ in operations()
    }


def test_it_is_served_with_the_addresses_of_its_own_deployment(api: Api) -> None:
    answer = api.get("/openapi.json")
    assert answer.status == 200
    assert answer.json == document("https://sign-in.example")
    flows = answer.json["components"]["securitySchemes"]["signIn"]["flows"]
    assert flows["authorizationCode"]["authorizationUrl"] == "https://sign-in.example/oauth2/authorize"
    assert flows["clientCredentials"]["tokenUrl"] == "https://sign-in.example/oauth2/token"


@pytest.mark.parametrize(
    "where",
    [
        "https://id.execute-api.eu-central-1.amazonaws.com",
        "https://d1abc.cloudfront.net",
        "http://127.0.0.1:4566/_api/id",
    ],
)
def test_its_server_is_the_one_that_served_it(where: str) -> None:
    (server,) = OPENAPI["servers"]
    assert urljoin(f"{where}/api/openapi.json", server["url"]) == f"{where}/api"


@pytest.mark.parametrize("row", [row for row in ROWS if row.ours], ids=lambda row: row.name)
def test_an_answer_is_as_it_is_described(api: Api, row: Row) -> None:
    answer = api.ask(row.method, row.path, headers=row.headers, body=row.body)
    key, _ = template_of(row.method, row.path.partition("?")[0])
    Draft202012Validator(schema_of(key, answer.status)).validate(answer.json)


@pytest.mark.parametrize(
    "path", ["/labels/objects", "/models/objects/latest", "/models/objects/versions", "/models/objects/1/download"]
)
def test_a_good_answer_is_as_it_is_described(api: Api, path: str) -> None:
    answer = api.get(path)
    key, _ = template_of("GET", path)
    Draft202012Validator(schema_of(key, 200)).validate(answer.json)


def test_every_route_tells_what_api_gateway_answers_itself() -> None:
    for key, operation in operations():
        expected = {"404", "413", "429", "500", "503"} | (set() if key.endswith("openapi.json") else {"401", "403"})
        assert expected <= set(operation["responses"]), key
        for status in expected:
            schema = schema_of(key, int(status))
            Draft202012Validator(schema).validate({"message": "Forbidden"})


def test_every_code_is_told_by_some_route_under_its_status() -> None:
    told: dict[str, set[str]] = {}
    for _, operation in operations():
        for status, answer in operation["responses"].items():
            content = resolved(answer).get("content", {}).get("application/json", {})
            for name in content.get("examples", {}):
                told.setdefault(name, set()).add(status)
    told.pop("gateway")
    assert told == {code: {str(meaning.status)} for code, meaning in CODES.items()}


def test_the_examples_are_what_the_api_takes(api: Api) -> None:
    """Postman's collection is made of them."""
    post = OPENAPI["paths"]["/detections"]["post"]
    content = post["requestBody"]["content"]["application/json"]
    answer = api.ask("POST", "/detections", headers=JSON, body=json.dumps(content["example"]).encode())
    assert answer.status == 200
    example = post["responses"]["200"]["content"]["application/json"]["example"]
    Draft202012Validator(schema_of("POST /detections", 200)).validate(example)


def test_what_the_schema_of_a_body_refuses_the_api_refuses(api: Api) -> None:
    schema = {"$ref": "#/components/schemas/DetectionRequest", "components": OPENAPI["components"]}
    validator = Draft202012Validator(schema)
    assert validator.is_valid({"file": "x"})
    for body in (
        {},
        {"file": 1},
        {"file": "x", "more": 1},
        {"file": "x", "name": "n" * 256},
        {"file": "x", "name": None},
    ):
        assert not validator.is_valid(body)
        assert api.ask("POST", "/detections", headers=JSON, body=json.dumps(body).encode()).status == 400
    assert api.ask("POST", "/detections", headers=JSON, body=picture(jpeg(), name="n" * 255)).status == 200

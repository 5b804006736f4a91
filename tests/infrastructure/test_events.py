"""The golden events of tests/events have the fields that the deployed state machine sends, and no others; a route's is of its route."""

import json
from pathlib import Path

import pytest

from tests.infrastructure.reading import EDGE, Assembly, short, states

FOLDER = Path(__file__).parents[1] / "events"
EVENTS = sorted(FOLDER.glob("*.json"))
ROUTES = sorted((FOLDER / "routes").glob("*.json"))


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_an_event_has_the_fields_of_its_states_payload(aws: Assembly, path: Path) -> None:
    state = path.stem.title().replace("_", "")
    payload = dict(states(aws.definition()))[state]["Parameters"]["Payload"]
    assert {field.removesuffix(".$") for field in payload} == set(json.loads(path.read_text()))


@pytest.mark.parametrize("path", ROUTES, ids=lambda path: path.stem)
def test_an_event_is_of_the_route_that_calls_its_function(aws: Assembly, path: Path) -> None:
    name = path.stem.title().replace("_", "")
    route = aws.resources(EDGE, "AWS::ApiGatewayV2::Route")[f"Http{name}Route"]["Properties"]
    event = json.loads(path.read_text())
    assert event["routeKey"] == route["RouteKey"]
    assert event["requestContext"]["stage"] == "api"
    asked = event["requestContext"].get("authorizer", {}).get("jwt", {}).get("scopes")
    assert asked == route.get("AuthorizationScopes"), "API Gateway tells the function which scopes the route asks for"
    method, _, template = event["routeKey"].partition(" ")
    path_ = template.format_map(event.get("pathParameters", {}))
    assert event["rawPath"] == event["requestContext"]["http"]["path"] == f"/api{path_}"
    assert event["requestContext"]["http"]["method"] == method


def test_every_route_has_its_event(aws: Assembly) -> None:
    routes = {short(name) for name in aws.template(EDGE)["Resources"] if short(name).endswith("Route")}
    assert {f"Http{path.stem.title().replace('_', '')}Route" for path in ROUTES} == routes

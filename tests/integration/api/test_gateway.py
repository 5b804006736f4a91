"""What API Gateway says itself, beside the rows of the table of bad requests."""

import pytest
import requests

LABELS = "/labels/objects"


MESSAGES = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests"}


def is_gateways(reply, status):
    """Whether it is API Gateway's own reply: its body, and nothing that a function of ours adds."""
    assert reply.status_code == status, reply.text
    assert reply.json() == {"message": MESSAGES[status]}
    assert reply.headers["Content-Type"] == "application/json"
    return True


@pytest.mark.parametrize(("kind", "status"), [("empty", 401), ("symmetric", 401), ("identity_token", 403)])
def test_a_token_that_is_not_good(api, authorization, kind, status):
    assert is_gateways(api.request("GET", LABELS, headers=authorization(kind)), status)


def test_what_is_public_needs_no_token(api):
    assert api.request("GET", "/openapi.json", headers={}).json()["openapi"].startswith("3.1")


def test_the_same_through_the_web_apps_address(api):
    api_below_the_page = f"{api.outputs.needed('web_url')}/api"
    assert requests.get(f"{api_below_the_page}{LABELS}", headers=api.authorization, timeout=60).status_code == 200
    assert is_gateways(requests.get(f"{api_below_the_page}{LABELS}", timeout=60), 401)
    assert is_gateways(requests.get(f"{api_below_the_page}/nowhere", headers=api.authorization, timeout=60), 404)


def test_too_many_requests(api, throttled):
    with throttled("GET /labels/{task}"):
        assert is_gateways(api.request("GET", LABELS), 429)
    assert api.request("GET", LABELS).status_code == 200

"""Requests to a stage, from the first byte to the reply."""

import base64
import json
import threading
import time

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from edgetrain import limits
from edgetrain.local.functions import InvocationError
from edgetrain.local.http_api.definition import Cors, Route, Throttle, route_key
from tests.unit.local.http_api.conftest import API, ORIGIN, make_request, make_stage


def body_of(reply):
    return b"".join(reply.body)


def message(reply):
    return reply.status, json.loads(body_of(reply))["message"]


def locked(**changes):
    return Route(
        **{"key": route_key("GET /x"), "integration_id": "i", "authorization": "JWT", "authorizer_id": "a", **changes}
    )


def test_an_answer(gateway):
    reply = gateway.ask("/api/x", query="a=1", x_header="b")
    (event,) = gateway.functions.events
    assert (reply.status, body_of(reply)) == (200, b"fine")
    assert (event["rawPath"], event["headers"]["x-header"]) == ("/api/x", "b")
    assert event["requestContext"]["requestId"] == reply.headers["apigw-requestid"]


def test_an_answer_in_process(gateway):
    reply = gateway.apis.answer_host(API, make_request("/elsewhere", "GET"), "/api/x")
    assert reply.status == 200
    assert gateway.functions.events[0]["rawPath"] == "/api/x"
    assert gateway.apis.answer_host(API, make_request("/api/x", "GET")).status == 200


def test_a_path_that_the_server_has_decoded_already(gateway):
    gateway.stage = make_stage(Route(key=route_key("GET /{name}"), integration_id="i"))
    request = make_request(f"/_api/{API}/api/a/b", "GET")
    request.environ["REQUEST_URI"] = f"/_api/{API}/api/a%2Fb?q"
    assert gateway.apis.answer(request).status == 200
    assert gateway.ask("/api/c%d ä").status == 200
    events = gateway.functions.events
    assert [event["pathParameters"]["name"] for event in events] == ["a/b", "c%d ä"]
    assert [event["rawPath"] for event in events] == ["/api/a/b", "/api/c%d ä"]


def test_what_is_not_there(gateway):
    for path in ("", "/", "/api", "/api/", "/api/y", "/api/x/", "/other/x"):
        assert message(gateway.ask(path)) == (404, "Not Found")
    assert message(gateway.ask("/api/x", "POST")) == (404, "Not Found")
    assert message(gateway.apis.answer(make_request("/_api/nobody/api/x"))) == (404, "Not Found")
    assert gateway.functions.events == []


def test_a_head(gateway):
    gateway.stage = make_stage(Route(key=route_key("ANY /x"), integration_id="i"))
    reply = gateway.ask("/api/x", "HEAD")
    assert (reply.status, body_of(reply), reply.headers["Content-Length"]) == (200, b"", "4")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (InvocationError("TooManyRequestsException", 429, "Rate Exceeded."), (503, "Service Unavailable")),
        (InvocationError("RequestTooLargeException", 413, "too large"), (413, "Request Entity Too Large")),
        (InvocationError("ResourceNotFoundException", 404, "gone"), (500, "Internal Server Error")),
        (InvocationError("ServiceException", 500, "closing"), (500, "Internal Server Error")),
    ],
)
def test_functions_that_are_not_run(gateway, error, expected):
    gateway.functions.fails = error
    assert message(gateway.ask()) == expected


def test_functions_that_fail_or_answer_nonsense(gateway):
    gateway.functions.answers = {"statusCode": "nonsense"}
    assert message(gateway.ask()) == (500, "Internal Server Error")
    gateway.functions.answers, gateway.functions.error = {"errorMessage": "secret"}, "Unhandled"
    reply = gateway.ask()
    assert message(reply) == (500, "Internal Server Error")
    assert b"secret" not in body_of(reply)


def test_a_function_that_takes_too_long(gateway):
    gateway.stage = make_stage(Route(key=route_key("GET /x"), integration_id="hasty"))
    release = threading.Event()
    gateway.functions.wait = release.wait
    try:
        assert message(gateway.ask()) == (503, "Service Unavailable")
    finally:
        release.set()


def test_no_permission(gateway):
    gateway.policy = []
    assert message(gateway.ask()) == (500, "Internal Server Error")
    assert gateway.functions.events == []


@pytest.mark.parametrize(
    ("key", "allowed"),
    [("GET /x", "GET/x"), ("ANY /x", "ANY/x"), ("ANY /x", "GET/x"), ("$default", "$default")],
)
def test_a_permission_for_one_route(gateway, key, allowed):
    arn = f"arn:aws:execute-api:us-east-1:123456789012:{API}/api/{allowed}"
    gateway.policy = [{**gateway.policy[0], "Condition": {"ArnLike": {"AWS:SourceArn": arn}}}]
    gateway.stage = make_stage(Route(key=route_key(key), integration_id="i"))
    assert gateway.ask().status == 200
    gateway.stage = make_stage(Route(key=route_key("GET /{other}"), integration_id="i"))
    assert gateway.ask().status == 500


def test_a_route_without_an_integration(gateway):
    gateway.stage = make_stage(Route(key=route_key("GET /x"), integration_id=""))
    assert message(gateway.ask()) == (500, "Internal Server Error")


def test_an_unknown_authorisation_lets_nobody_in(gateway):
    for route in (locked(authorization="AWS_IAM"), locked(authorizer_id="gone"), locked(authorizer_id=None)):
        gateway.stage = make_stage(route)
        assert gateway.ask().status == 500
    assert gateway.functions.events == []


def test_too_large(gateway):
    gateway.stage = make_stage(Route(key=route_key("ANY /x"), integration_id="i"))
    most = bytes(limits.HTTP_API_PAYLOAD_BYTES)
    assert gateway.ask("/api/x", "POST", body=most).status == 200
    assert message(gateway.ask("/api/x", "POST", body=most + b"x")) == (413, "Request Entity Too Large")
    chunked = {"transfer_encoding": "chunked", "content_length": "0"}
    assert message(gateway.ask("/api/x", "POST", body=most + b"x", **chunked))[0] == 413
    assert message(gateway.ask("/api/x", cookie="x" * 10_240)) == (431, "Request Header Fields Too Large")
    assert gateway.ask("/api/x", cookie="x" * 10_000).status == 200


def test_throttling(gateway):
    gateway.stage = make_stage(default_throttle=Throttle(rate=1, burst=2))
    assert [gateway.ask().status for _ in range(3)] == [200, 200, 429]
    assert message(gateway.ask()) == (429, "Too Many Requests")
    gateway.now += 1
    assert [gateway.ask().status for _ in range(2)] == [200, 429]


def test_tokens(gateway):
    key = RSAKey.generate_key(2048, {"kid": "k"})
    gateway.keys = lambda issuer: KeySet([key]) if issuer == "https://issuer" else None
    gateway.stage = make_stage(
        locked(scopes=("see",)), log_group="g", log_format="$context.status $context.authorizer.error"
    )
    claims = {"iss": "https://issuer", "client_id": "me", "exp": int(time.time()) + 60, "scope": "see more"}
    token, other = (
        jwt.encode({"alg": "RS256", "kid": "k"}, {**claims, "scope": scope}, key) for scope in ("see more", "more")
    )
    assert gateway.ask(authorization=f"Bearer {token}").status == 200
    authorizer = gateway.functions.events[0]["requestContext"]["authorizer"]
    assert authorizer == {"jwt": {"claims": {**claims, "exp": str(claims["exp"])}, "scopes": ["see"]}}
    missing = gateway.ask()
    assert (message(missing), missing.headers["www-authenticate"]) == ((401, "Unauthorized"), "Bearer")
    assert message(gateway.ask(authorization=other)) == (403, "Forbidden")
    assert message(gateway.ask(authorization=token[:-8])) == (401, "Unauthorized")
    assert len(gateway.functions.events) == 1
    assert gateway.lines()[:2] == ["200 -", "401 no token"]


def test_pages_of_other_origins(gateway):
    gateway.functions.answers = {"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "https://elsewhere"}}
    assert gateway.ask(origin=ORIGIN).headers["access-control-allow-origin"] == "https://elsewhere"
    gateway.stage = make_stage(cors=Cors(origins=(ORIGIN,), methods=("GET",)))
    for reply in (gateway.ask(origin=ORIGIN), gateway.ask("/api/nothing", origin=ORIGIN)):
        assert reply.headers["access-control-allow-origin"] == ORIGIN
    strange = gateway.ask(origin="https://elsewhere")
    assert not [name for name in strange.headers if name.lower().startswith("access-control")]


def test_preflights(gateway):
    asks = {"origin": ORIGIN, "access_control_request_method": "POST"}
    assert gateway.ask("/api/x", "OPTIONS", **asks).status == 404
    cors = Cors(origins=(ORIGIN,), methods=("POST",))
    gateway.stage = make_stage(locked(), cors=cors)
    reply = gateway.ask("/api/x", "OPTIONS", **asks)
    assert (reply.status, body_of(reply)) == (204, b"")
    assert reply.headers["access-control-allow-methods"] == "POST"
    strange = gateway.ask("/api/x", "OPTIONS", origin="https://elsewhere", access_control_request_method="POST")
    assert (strange.status, list(strange.headers)) == (204, ["apigw-requestid"])
    assert gateway.functions.events == []


def test_a_route_for_options_comes_first(gateway):
    routes = (Route(key=route_key("$default"), integration_id="i"),)
    gateway.stage = make_stage(*routes, cors=Cors(origins=(ORIGIN,)))
    assert gateway.ask("/api/x", "OPTIONS", origin=ORIGIN).status == 200
    assert len(gateway.functions.events) == 1


def test_a_locked_route_for_options_is_locked(gateway):
    gateway.stage = make_stage(locked(key=route_key("ANY /x")), cors=Cors(origins=(ORIGIN,)))
    reply = gateway.ask("/api/x", "OPTIONS", origin=ORIGIN)
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (401, ORIGIN)


def test_the_access_log(gateway):
    names = ("httpMethod", "path", "routeKey", "status", "integrationErrorMessage", "error.messageString")
    form = " ".join(f"$context.{name}" for name in names)
    gateway.stage = make_stage(log_group="g", log_format=form)
    gateway.ask()
    gateway.ask("/api/nothing")
    gateway.functions.fails = InvocationError("TooManyRequestsException", 429, "Rate Exceeded.")
    gateway.ask()
    assert gateway.lines() == [
        "GET /api/x GET /x 200 - -",
        'GET /api/nothing - 404 - "Not Found"',
        'GET /api/x GET /x 503 Rate Exceeded. "Service Unavailable"',
    ]


def test_a_picture_arrives_whole(gateway):
    gateway.stage = make_stage(Route(key=route_key("POST /x"), integration_id="i"))
    picture = bytes(range(256)) * 100
    gateway.ask("/api/x", "POST", body=picture, content_type="image/jpeg")
    assert base64.b64decode(gateway.functions.events[0]["body"]) == picture


def test_what_fails_inside_is_a_500(gateway):
    gateway.functions.wait = lambda: 1 / 0
    reply = gateway.ask()
    assert message(reply) == (500, "Internal Server Error")
    assert reply.headers["apigw-requestid"]

"""Who is let in, and what API Gateway says itself: tokens of every wrong kind, unknown routes, bodies and headers too large."""

import base64
import json
import time

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import RSAKey

from edgetrain import limits

LABELS = "/labels/objects"


def part(token, index):
    """Header (0) or claims (1) of a token."""
    text = token.split(".")[index]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def encoded(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def altered(api):
    """More scopes than were given, under the old signature."""
    header, _claims, signature = api.token.split(".")
    return ".".join([header, encoded({**part(api.token, 1), "scope": "edgetrain/admin"}), signature])


def unsigned(api):
    return ".".join([encoded({**part(api.token, 0), "alg": "none"}), encoded(part(api.token, 1)), ""])


def symmetric(api):
    """Signed with what is public: a verifier that lets the token choose the algorithm takes it."""
    from joserfc.jwk import OctKey

    issuer_keys = requests.get(
        f"{api.outputs.needed('sign_in_url')}/{api.outputs.needed('user_pool_id')}/.well-known/jwks.json", timeout=60
    ).content
    header = {**part(api.token, 0), "alg": "HS256"}
    return jwt.encode(header, part(api.token, 1), OctKey.import_key(issuer_keys), algorithms=["HS256"])


def another_key(api):
    header = {"alg": "RS256", "kid": part(api.token, 0)["kid"]}
    return jwt.encode(header, part(api.token, 1), RSAKey.generate_key(2048))


def another_audience(api):
    """Of a client of the same pool that the authoriser does not know."""
    return api.token_of(api.new_client("edgetrain/detect", in_audience=False))


def another_issuer(api):
    """Of a client of another pool with the same scopes."""
    idp = api.cloud.connection.client("cognito-idp")
    pool = idp.create_user_pool(PoolName="another")["UserPool"]["Id"]
    scopes = [{"ScopeName": "detect", "ScopeDescription": "the same name"}]
    idp.create_resource_server(UserPoolId=pool, Identifier="edgetrain", Name="edgetrain", Scopes=scopes)
    idp.create_user_pool_domain(UserPoolId=pool, Domain="another-pool-of-tests")
    client = idp.create_user_pool_client(
        UserPoolId=pool,
        ClientName="stranger",
        GenerateSecret=True,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=["edgetrain/detect"],
    )["UserPoolClient"]
    try:
        return api.token_of(client)
    finally:
        idp.delete_user_pool_domain(UserPoolId=pool, Domain="another-pool-of-tests")


def expired(api):
    """Good for a second. (AWS gives none for less than five minutes; the check of the time is the same.)"""
    short = {"AccessTokenValidity": 1, "TokenValidityUnits": {"AccessToken": "seconds"}}
    token = api.token_of(api.new_client("edgetrain/detect", **short))
    time.sleep(max(0.0, part(token, 1)["exp"] - time.time()) + 0.1)
    return token


def without_scope(api):
    return api.token_of(api.new_client("edgetrain/contribute"))


def initiate_auth(api):
    """A person's token from Cognito's own API: it has no scope of ours, on AWS and here."""
    idp, pool = api.cloud.connection.client("cognito-idp"), api.outputs.needed("user_pool_id")
    password = "Long-enough-1234"
    idp.admin_create_user(UserPoolId=pool, Username="by-password", MessageAction="SUPPRESS")
    idp.admin_set_user_password(UserPoolId=pool, Username="by-password", Password=password, Permanent=True)
    client = api.new_client("edgetrain/detect", ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH"])
    import hashlib
    import hmac

    message = f"by-password{client['ClientId']}".encode()
    proof = base64.b64encode(hmac.digest(client["ClientSecret"].encode(), message, hashlib.sha256)).decode()
    answer = idp.admin_initiate_auth(
        UserPoolId=pool,
        ClientId=client["ClientId"],
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "by-password", "PASSWORD": password, "SECRET_HASH": proof},
    )
    return answer["AuthenticationResult"]["AccessToken"]


REFUSED = {
    "none": (lambda _: None, 401),
    "empty": (lambda _: "", 401),
    "no token at all": (lambda _: "a.b.c", 401),
    "altered": (altered, 401),
    "alg none": (unsigned, 401),
    "alg HS256 with the public keys": (symmetric, 401),
    "another key": (another_key, 401),
    "another audience": (another_audience, 401),
    "another issuer": (another_issuer, 401),
    "expired": (expired, 401),
    "scope missing": (without_scope, 403),
    "InitiateAuth": (initiate_auth, 403),
}
MESSAGES = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 413: "Request Entity Too Large"}


def is_gateways(reply, status):
    """Whether it is API Gateway's own reply: its body, and nothing that a function of ours adds."""
    assert reply.status_code == status, reply.text
    assert reply.json() == {"message": MESSAGES[status]}
    assert reply.headers["Content-Type"] == "application/json"
    return True


@pytest.mark.parametrize("kind", REFUSED)
def test_a_token_that_is_not_good(api, kind):
    make, status = REFUSED[kind]
    token = make(api)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    assert is_gateways(api.request("GET", LABELS, headers=headers), status)
    assert api.request("GET", LABELS).status_code == 200  # the good one is still good


def test_what_is_public_needs_no_token(api):
    assert api.request("GET", "/openapi.json", headers={}).json()["openapi"].startswith("3.1")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/nowhere"), ("GET", "/"), ("GET", "/detections"), ("DELETE", LABELS), ("POST", "/models/objects/latest")],
)
def test_a_route_that_is_not_there(api, method, path):
    assert is_gateways(api.request(method, path), 404)


def test_a_body_that_is_too_large(api):
    headers = {**api.authorization, "Content-Type": "image/jpeg"}
    body = bytes(limits.HTTP_API_PAYLOAD_BYTES + 1)
    assert is_gateways(api.request("POST", "/detections", data=body, headers=headers), 413)


def test_the_same_through_the_web_apps_address(api):
    api_below_the_page = f"{api.outputs.needed('web_url')}/api"
    assert requests.get(f"{api_below_the_page}{LABELS}", headers=api.authorization, timeout=60).status_code == 200
    assert is_gateways(requests.get(f"{api_below_the_page}{LABELS}", timeout=60), 401)
    assert is_gateways(requests.get(f"{api_below_the_page}/nowhere", headers=api.authorization, timeout=60), 404)


def test_too_many_requests(api, throttled):
    with throttled("GET /labels/{task}"):
        reply = api.request("GET", LABELS)
        assert (reply.status_code, reply.json()) == (429, {"message": "Too Many Requests"})
    assert api.request("GET", LABELS).status_code == 200

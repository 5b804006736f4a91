"""What stands in `Authorization`: one good token, and one that is wrong in each of the ways that the table of bad requests names."""

import base64
import hashlib
import hmac
import json
import time
from contextlib import suppress

import requests
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey


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
    client = api.new_client("edgetrain/detect", in_audience=False, UserPoolId=pool)
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


def signed_in(api):
    """A person's tokens from Cognito's own API, by a client that the authoriser knows."""
    idp, pool = api.cloud.connection.client("cognito-idp"), api.outputs.needed("user_pool_id")
    password = "Long-enough-1234"
    with suppress(idp.exceptions.UsernameExistsException):
        idp.admin_create_user(UserPoolId=pool, Username="by-password", MessageAction="SUPPRESS")
    idp.admin_set_user_password(UserPoolId=pool, Username="by-password", Password=password, Permanent=True)
    client = api.new_client("edgetrain/detect", ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH"])
    message = f"by-password{client['ClientId']}".encode()
    proof = base64.b64encode(hmac.digest(client["ClientSecret"].encode(), message, hashlib.sha256)).decode()
    answer = idp.admin_initiate_auth(
        UserPoolId=pool,
        ClientId=client["ClientId"],
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "by-password", "PASSWORD": password, "SECRET_HASH": proof},
    )
    return answer["AuthenticationResult"]


def initiate_auth(api):
    """It has no scope of ours, on AWS and here."""
    return signed_in(api)["AccessToken"]


def identity(api):
    """It says who somebody is, and nothing of what they may do."""
    return signed_in(api)["IdToken"]


#: As the table (tests/unit/api/bad_requests.py) calls them, and more; None: no token.
MAKERS = {
    "good": lambda api: api.token,
    "none": lambda _: None,
    "empty": lambda _: "",
    "garbage": lambda _: "a.b.c",
    "altered": altered,
    "alg_none": unsigned,
    "symmetric": symmetric,
    "other_key": another_key,
    "wrong_audience": another_audience,
    "wrong_issuer": another_issuer,
    "expired": expired,
    "missing_scope": without_scope,
    "initiate_auth": initiate_auth,
    "identity_token": identity,
}


def authorization(api, kind):
    """The header of a kind of token."""
    if kind == "basic":
        return {"Authorization": "Basic " + base64.b64encode(b"ada:secret").decode()}
    token = MAKERS[kind](api)
    return {} if token is None else {"Authorization": f"Bearer {token}"}

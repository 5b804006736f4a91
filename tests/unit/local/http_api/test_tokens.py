"""What a JWT authoriser lets in, and how it refuses all else."""

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import KeySet, RSAKey

from edgetrain.local.http_api.definition import Authorizer
from edgetrain.local.http_api.tokens import Authorised, Refused, authorise

NOW = 1_700_000_000
ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Pool"
OTHER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Other"
AUTHORIZER = Authorizer(
    issuer=ISSUER, audience=frozenset({"web", "machine"}), identity_source="$request.header.Authorization"
)
GOOD: dict[str, Any] = {
    "iss": ISSUER,
    "client_id": "web",
    "token_use": "access",
    "scope": "openid edgetrain/detect",
    "exp": NOW + 3600,
    "iat": NOW - 10,
}


@pytest.fixture(scope="module")
def key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "ours"})


@pytest.fixture(scope="module")
def another() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "theirs"})


def signed(key: RSAKey, claims: dict[str, Any] | None = None, *, without: str = "", **changes: Any) -> str:
    chosen = {name: value for name, value in {**(claims or GOOD), **changes}.items() if name != without}
    return jwt.encode({"alg": "RS256", "kid": key.kid}, chosen, key)


def judge(
    token: str | None,
    keys: dict[str, RSAKey],
    *,
    scopes: tuple[str, ...] = ("edgetrain/detect",),
    authorizer: Authorizer = AUTHORIZER,
    query: dict[str, str] | None = None,
) -> Authorised:
    def find(issuer: str) -> KeySet | None:
        found = keys.get(issuer)
        return None if found is None else KeySet([RSAKey.import_key(found.as_dict(private=False))])

    headers = {} if token is None else {"authorization": token}
    return authorise(authorizer, scopes, headers=headers, query=query or {}, find_keys=find, now=NOW)


def refusal(*args: Any, **more: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        judge(*args, **more)
    return caught.value


@pytest.mark.parametrize("prefix", ["", "Bearer ", "bearer  "])
def test_a_good_token(key, prefix):
    authorised = judge(prefix + signed(key), {ISSUER: key})
    assert authorised.claims == GOOD
    assert authorised.scopes == ("edgetrain/detect",)
    assert authorised.texts()["exp"] == str(NOW + 3600)


def test_no_token(key):
    for token in (None, "", "Bearer ", "Basic"):
        refused = refusal(token, {ISSUER: key})
        assert refused.status == 401
    assert refusal(None, {ISSUER: key}).challenge == "Bearer"


@pytest.mark.parametrize(
    ("changes", "description"),
    [
        ({"exp": NOW}, "the token has expired"),
        ({"exp": NOW - 3600}, "the token has expired"),
        ({"without": "exp"}, "the token has expired"),
        ({"exp": "tomorrow"}, "exp is not a number"),
        ({"nbf": NOW + 1}, "before its nbf"),
        ({"iat": NOW + 60}, "before its iat"),
        ({"iss": OTHER}, "valid issuer"),
        ({"without": "iss"}, "valid issuer"),
        ({"client_id": "somebody"}, "valid audience"),
        ({"without": "client_id"}, "valid audience"),
        ({"aud": "somebody"}, "valid audience"),  # and client_id does not help then
        ({"aud": ["somebody", 1]}, "valid audience"),
    ],
)
def test_claims_that_do_not_do(key, changes, description):
    refused = refusal(signed(key, **changes), {ISSUER: key})
    assert refused.status == 401
    assert refused.challenge.startswith('Bearer scope="edgetrain/detect" error="invalid_token" error_description="')
    assert description in refused.challenge


@pytest.mark.parametrize("audience", ["web", ["other", "machine"]])
def test_an_audience_in_aud(key, audience):
    assert judge(signed(key, aud=audience, client_id="nobody"), {ISSUER: key}).claims["aud"] == audience


def raw(header: dict[str, Any], claims: dict[str, Any], signature: str = "") -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode() for each in (header, claims)]
    return ".".join([*parts, signature])


def parts(key: RSAKey) -> list[str]:
    return signed(key).split(".")


def hmac_by_public_key(key: RSAKey) -> str:
    """Signed by what everybody knows: good for who takes the algorithm from the token."""
    unsigned = raw({"alg": "HS256", "kid": "ours"}, GOOD).rstrip(".")
    digest = hmac.digest(key.as_pem(private=False), unsigned.encode(), "sha256")
    return f"{unsigned}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def altered(key: RSAKey) -> str:
    header, _, signature = parts(key)
    return f"{header}.{raw({}, {**GOOD, 'scope': 'edgetrain/admin'}).split('.')[1]}.{signature}"


#: What is wrong -> the token, given the issuer's key and another.
FORGED: dict[str, Callable[[RSAKey, RSAKey], str]] = {
    "alg none": lambda key, _: raw({"alg": "none", "kid": "ours"}, GOOD),
    "alg None with a signature": lambda key, _: raw({"alg": "None", "kid": "ours"}, GOOD, parts(key)[2]),
    "HMAC by the public key": lambda key, _: hmac_by_public_key(key),
    "another RSA algorithm": lambda key, _: jwt.encode(
        {"alg": "PS256", "kid": "ours"}, GOOD, key, algorithms=["PS256"]
    ),
    "altered payload": lambda key, _: altered(key),
    "altered signature": lambda key, _: signed(key)[:-8] + "AAAAAAAA",
    "no signature": lambda key, _: ".".join(parts(key)[:2]) + ".",
    "two parts": lambda key, _: ".".join(parts(key)[:2]),
    "another pool's key": lambda _, another: jwt.encode({"alg": "RS256", "kid": "ours"}, GOOD, another),
    "an unknown kid": lambda key, _: jwt.encode({"alg": "RS256", "kid": "nobody"}, GOOD, key),
    "no kid": lambda key, _: jwt.encode({"alg": "RS256"}, GOOD, key),
    "a kid that is no text": lambda key, _: raw({"alg": "RS256", "kid": ["ours"]}, GOOD, parts(key)[2]),
    "a critical header": lambda key, _: raw({"alg": "RS256", "kid": "ours", "crit": ["x"]}, GOOD, parts(key)[2]),
    "a key of its own": lambda _, another: jwt.encode(
        {"alg": "RS256", "kid": "ours", "jwk": another.as_dict(private=False)}, GOOD, another
    ),
    "claims that are no object": lambda key, _: jws.serialize_compact({"alg": "RS256", "kid": "ours"}, b"[]", key),
    "not a token": lambda *_: "hello",
    "not ASCII": lambda *_: "\xe4.\xf6.\xfc",
    "spaces": lambda key, _: " . ".join(parts(key)),
    "dots": lambda *_: "..",
}


@pytest.mark.parametrize("kind", FORGED)
def test_forged_tokens(key, another, kind):
    refused = refusal(f"Bearer {FORGED[kind](key, another)}", {ISSUER: key})
    assert (refused.status, 'error="invalid_token"' in refused.challenge) == (401, True)
    assert refused.challenge.isascii()
    assert refused.challenge.isprintable()


def test_a_token_of_another_pool_is_no_good_here(key, another):
    token = signed(another, iss=OTHER)
    assert refusal(token, {ISSUER: key, OTHER: another}).status == 401


def test_an_issuer_that_is_gone(key):
    assert refusal(signed(key), {}).status == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"scope": "aws.cognito.signin.user.admin"},  # of InitiateAuth
        {"without": "scope", "aud": "web", "token_use": "id"},  # an id token
        {"scope": "edgetrain/detect-not"},
        {"scope": ""},
        {"scope": 7},
    ],
)
def test_a_token_without_the_scope(key, changes):
    refused = refusal(signed(key, **changes), {ISSUER: key})
    assert (refused.status, 'error="insufficient_scope"' in refused.challenge) == (403, True)


@pytest.mark.parametrize("claims", [{"scp": "a edgetrain/admin"}, {"scp": ["a", "edgetrain/admin"]}])
def test_one_of_the_scopes_is_enough(key, claims):
    token = signed(key, without="scope", **claims)
    authorised = judge(token, {ISSUER: key}, scopes=("edgetrain/detect", "edgetrain/admin"))
    assert authorised.scopes == ("edgetrain/admin",)


def test_a_route_without_scopes_takes_any_token(key):
    assert judge(signed(key, without="scope"), {ISSUER: key}, scopes=()).scopes == ()


def test_a_token_in_the_query(key):
    source = Authorizer(issuer=ISSUER, audience=frozenset({"web"}), identity_source="$request.querystring.token")
    assert judge(None, {ISSUER: key}, authorizer=source, query={"token": signed(key)}).claims == GOOD
    assert refusal(signed(key), {ISSUER: key}, authorizer=source).status == 401

"""The token endpoint: codes, refresh tokens, secrets; revoking; who a token is of."""

import base64
import hashlib
import json

import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import RSAKey

from edgetrain.local.cognito.exchange import proves
from edgetrain.local.cognito.keys import public_keys
from edgetrain.local.cognito.messages import FORM
from tests.unit.local.cognito.conftest import CALLBACK, CHALLENGE, PASSWORD, VERIFIER, document, text

ACCESS = {
    *("sub", "iss", "version", "client_id", "origin_jti", "event_id", "token_use", "scope", "auth_time", "exp", "iat"),
    *("jti", "username"),
}


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def test_the_claims_of_an_access_token_are_cognitos(world):
    sub = world.person()
    reply = world.redeem(world.code())
    answer = document(reply)
    assert answer.keys() == {"access_token", "id_token", "refresh_token", "expires_in", "token_type"}
    assert (answer["expires_in"], answer["token_type"]) == (3_600, "Bearer")
    claims = world.claims(answer["access_token"])
    assert claims.keys() == ACCESS, "no aud: API Gateway looks at client_id"
    now = int(world.clock.now)
    assert claims["iss"] == f"https://cognito-idp.us-east-1.amazonaws.com/{world.pool}"
    assert (claims["sub"], claims["username"], claims["client_id"]) == (sub, "ann", world.web)
    assert (claims["token_use"], claims["version"], claims["scope"]) == ("access", 2, "openid edgetrain/detect")
    assert (claims["auth_time"], claims["iat"], claims["exp"]) == (now, now, now + 3_600)


def test_the_claims_of_an_id_token_are_cognitos(world):
    sub = world.person(email="ann@example.org", email_verified="true")
    world.idp.create_group(UserPoolId=world.pool, GroupName="crew")
    world.idp.admin_add_user_to_group(UserPoolId=world.pool, Username="ann", GroupName="crew")
    answer = document(world.redeem(world.code(nonce="n-1")))
    claims = world.claims(answer["id_token"])
    assert (claims["aud"], claims["cognito:username"], claims["sub"]) == (world.web, "ann", sub)
    assert (claims["email"], claims["email_verified"]) == ("ann@example.org", True)
    assert (claims["token_use"], claims["nonce"], claims["cognito:groups"]) == ("id", "n-1", ["crew"])
    assert not {"client_id", "scope"} & claims.keys()
    access = world.claims(answer["access_token"])
    assert access["cognito:groups"] == ["crew"]
    assert (claims["origin_jti"], claims["event_id"]) == (access["origin_jti"], access["event_id"])


def test_without_openid_no_id_token(world):
    world.person()
    assert "id_token" not in document(world.redeem(world.code(scope="edgetrain/detect")))


def test_a_page_of_another_origin_may_ask(world):
    world.person()
    preflight = world.browser.ask("OPTIONS", "/oauth2/token")
    assert preflight.status == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert "content-type" in preflight.headers["Access-Control-Allow-Headers"]
    for reply in (world.redeem(world.code()), world.redeem("made-up")):
        assert reply.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in reply.headers
        assert reply.headers["Cache-Control"] == "no-store"


# --- codes


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": VERIFIER + "x"}, "invalid_grant"),
        ({"code_verifier": CHALLENGE}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"redirect_uri": CALLBACK + "x"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"code": "made-up"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"client_id": None}, "invalid_client"),
        ({"client_secret": "guess"}, "invalid_client"),
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_a_code_is_no_use_without_all_that_belongs_to_it(world, changes, error):
    world.person()
    reply = world.redeem(**{"code": world.code(), **changes})
    assert (reply.status, document(reply)) == (400, {"error": error})


def test_a_code_is_good_once(world):
    world.person()
    code = world.code()
    assert world.redeem(code).status == 200
    assert document(world.redeem(code)) == {"error": "invalid_grant"}


def test_a_code_that_was_tried_with_a_wrong_verifier_is_spent(world):
    world.person()
    code = world.code()
    world.redeem(code, code_verifier="x" * 43)
    assert document(world.redeem(code)) == {"error": "invalid_grant"}


def test_a_code_is_good_for_five_minutes(world):
    world.person()
    early, late = world.code(), world.code()
    world.clock.now += 299
    assert world.redeem(early).status == 200
    world.clock.now += 1
    assert document(world.redeem(late)) == {"error": "invalid_grant"}


def test_a_code_belongs_to_its_client(world):
    world.person()
    other = world.idp.create_user_pool_client(
        UserPoolId=world.pool,
        ClientName="other",
        AllowedOAuthFlows=["code"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=["openid"],
        CallbackURLs=[CALLBACK],
    )["UserPoolClient"]["ClientId"]
    assert document(world.redeem(world.code(), client_id=other)) == {"error": "invalid_grant"}


def test_a_code_of_somebody_who_was_sent_away_is_no_use(world):
    world.person()
    code = world.code()
    world.idp.admin_disable_user(UserPoolId=world.pool, Username="ann")
    assert document(world.redeem(code)) == {"error": "invalid_grant"}


def test_without_a_challenge_no_verifier_is_wanted_and_none_is_taken(world):
    world.person()
    plain = {"code_challenge": None, "code_challenge_method": None}
    assert world.redeem(world.code(**plain), code_verifier=None).status == 200
    assert document(world.redeem(world.code(**plain))) == {"error": "invalid_grant"}


@pytest.mark.parametrize("verifier", ["x" * 42, "x" * 129, "\u00e9" * 43])
def test_a_verifier_has_the_length_and_letters_of_rfc_7636(verifier):
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    assert not proves(verifier, digest)


def test_the_example_of_rfc_7636():
    """Appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert proves(verifier, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("{}", "application/json"),
        ("grant_type=authorization_code&grant_type=refresh_token", FORM),
        ("grant_type=client_credentials&a=" + "x" * 70_000, FORM),
        ("grant_type=client_credentials&" + "&".join(f"a{n}=1" for n in range(200)), FORM),
        ("", FORM),
        ("grant_type=%ff%fe", FORM),
    ],
)
def test_what_is_no_form_is_refused(world, body, kind):
    reply = world.browser.ask("POST", "/oauth2/token", body, kind=kind)
    assert reply.status == 400
    assert document(reply)["error"] in {"invalid_request", "unsupported_grant_type"}


# --- refresh tokens


def test_a_refresh_token_gives_fresh_tokens_of_the_same_sign_in(world):
    world.person()
    first = document(world.redeem(world.code()))
    world.clock.now += 4_000
    form = {"grant_type": "refresh_token", "client_id": world.web, "refresh_token": first["refresh_token"]}
    second = document(world.browser.ask("POST", "/oauth2/token", form))
    assert second.keys() == {"access_token", "id_token", "expires_in", "token_type"}
    before, after = world.claims(first["access_token"]), world.claims(second["access_token"])
    for name in ("sub", "origin_jti", "auth_time", "scope", "username"):
        assert after[name] == before[name]
    assert after["iat"] == int(world.clock.now)
    assert after["jti"] != before["jti"]


def refreshed(world, token: str, client: str | None = None):
    form = {"grant_type": "refresh_token", "client_id": client or world.web, "refresh_token": token}
    return world.browser.ask("POST", "/oauth2/token", form)


def test_a_refresh_token_lives_as_long_as_its_client_says(world):
    world.person()
    token = document(world.redeem(world.code()))["refresh_token"]
    world.clock.now += 86_399
    assert refreshed(world, token).status == 200
    world.clock.now += 1
    assert document(refreshed(world, token)) == {"error": "invalid_grant"}


def test_a_refresh_token_belongs_to_its_client(world):
    world.person()
    token = document(world.redeem(world.code()))["refresh_token"]
    other = world.idp.create_user_pool_client(
        UserPoolId=world.pool,
        ClientName="other",
        AllowedOAuthFlows=["code"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=["openid", "edgetrain/detect"],
        CallbackURLs=[CALLBACK],
    )["UserPoolClient"]["ClientId"]
    assert document(refreshed(world, token, other)) == {"error": "invalid_grant"}
    assert refreshed(world, token).status == 200


def test_a_refresh_token_of_somebody_who_is_gone_is_no_use(world):
    """However they went."""
    sub = world.person()
    token = document(world.redeem(world.code()))["refresh_token"]
    world.record(sub).enabled = False
    assert document(refreshed(world, token)) == {"error": "invalid_grant"}


@pytest.mark.parametrize("token", ["made-up", "", None])
def test_a_wrong_refresh_token(world, token):
    error = "invalid_grant" if token else "invalid_request"
    assert document(refreshed(world, token or "")) == {"error": error}


def test_a_client_that_may_not_refresh(world):
    world.person()
    token = document(world.redeem(world.code()))["refresh_token"]
    world.idp.update_user_pool_client(
        UserPoolId=world.pool, ClientId=world.web, ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"]
    )
    assert document(refreshed(world, token)) == {"error": "unauthorized_client"}


def revoke(world, **form: str):
    return world.browser.ask("POST", "/oauth2/revoke", {"client_id": world.web, **form})


def test_a_revoked_sign_in_is_over(world):
    world.person()
    answer = document(world.redeem(world.code()))
    assert who(world, answer["access_token"]).status == 200
    assert revoke(world, token=answer["refresh_token"]).status == 200
    assert document(refreshed(world, answer["refresh_token"])) == {"error": "invalid_grant"}
    assert document(who(world, answer["access_token"])) == {"error": "invalid_token"}


def test_what_can_be_revoked(world):
    world.person()
    answer = document(world.redeem(world.code()))
    assert revoke(world, token="made-up").status == 200
    assert document(revoke(world)) == {"error": "invalid_request"}
    assert document(revoke(world, token=answer["access_token"])) == {"error": "unsupported_token_type"}
    stranger = revoke(world, token=answer["refresh_token"], client_id="nobody")
    assert (stranger.status, document(stranger)) == (401, {"error": "invalid_client"})
    assert refreshed(world, answer["refresh_token"]).status == 200


# --- machines


def test_a_machine_gets_a_token_for_its_secret(world):
    client, secret = world.machine("edgetrain/detect", "edgetrain/contribute")
    form = {"grant_type": "client_credentials", "scope": "edgetrain/detect"}
    reply = world.browser.ask("POST", "/oauth2/token", form, authorization=basic(client, secret))
    answer = document(reply)
    assert answer.keys() == {"access_token", "expires_in", "token_type"}
    claims = world.claims(answer["access_token"])
    assert claims.keys() == {
        *("sub", "token_use", "scope", "auth_time", "iss", "exp", "iat", "version", "jti", "client_id")
    }
    assert (claims["sub"], claims["client_id"], claims["scope"]) == (client, client, "edgetrain/detect")


def test_a_machine_that_asks_for_nothing_gets_all_its_scopes(world):
    client, secret = world.machine("edgetrain/detect", "edgetrain/contribute")
    form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
    answer = document(world.browser.ask("POST", "/oauth2/token", form))
    assert world.claims(answer["access_token"])["scope"] == "edgetrain/detect edgetrain/contribute"


@pytest.mark.parametrize(
    ("secret", "scope", "error"),
    [
        ("right", "edgetrain/admin", "invalid_scope"),
        ("right", "openid", "invalid_scope"),
        ("wrong", "edgetrain/detect", "invalid_client"),
        ("", "edgetrain/detect", "invalid_client"),
        (None, "edgetrain/detect", "invalid_client"),
    ],
)
def test_a_machine_is_refused(world, secret, scope, error):
    client, known = world.machine("edgetrain/detect")
    form = {"grant_type": "client_credentials", "client_id": client, "scope": scope}
    if secret is not None:
        form["client_secret"] = known if secret == "right" else secret
    reply = world.browser.ask("POST", "/oauth2/token", form)
    assert (reply.status, document(reply)) == (400, {"error": error})


@pytest.mark.parametrize("header", ["Basic !!!", "Basic bm9jb2xvbg==", "Bearer abc", "Basic", "Basic //79"])
def test_a_broken_authorization_is_a_wrong_client(world, header):
    form = {"grant_type": "client_credentials"}
    reply = world.browser.ask("POST", "/oauth2/token", form, authorization=header)
    assert (reply.status, document(reply)) == (400, {"error": "invalid_client"})


def test_a_machine_does_not_ask_in_anothers_name(world):
    client, secret = world.machine("edgetrain/detect")
    form = {"grant_type": "client_credentials", "client_id": world.web}
    reply = world.browser.ask("POST", "/oauth2/token", form, authorization=basic(client, secret))
    assert document(reply) == {"error": "invalid_client"}


def test_the_web_client_is_no_machine(world):
    form = {"grant_type": "client_credentials", "client_id": world.web}
    assert document(world.browser.ask("POST", "/oauth2/token", form)) == {"error": "unauthorized_client"}


# --- who a token is of


def who(world, token: str):
    return world.browser.ask("GET", "/oauth2/userInfo", authorization=f"Bearer {token}")


def test_who_a_token_is_of(world):
    sub = world.person(email="ann@example.org", email_verified="true")
    answer = document(world.redeem(world.code()))
    assert document(who(world, answer["access_token"])) == {
        "sub": sub,
        "email": "ann@example.org",
        "email_verified": "true",
        "username": "ann",
    }
    assert who(world, answer["id_token"]).status == 401
    assert who(world, "made-up").status == 401
    assert world.browser.ask("GET", "/oauth2/userInfo").status == 400
    world.clock.now += 3_600
    assert who(world, answer["access_token"]).status == 401


def test_without_openid_nobody_is_named(world):
    world.person()
    answer = document(world.redeem(world.code(scope="edgetrain/detect")))
    assert document(who(world, answer["access_token"])) == {"error": "insufficient_scope"}


# --- keys


def test_each_pool_signs_with_its_own_key(world):
    other = world.idp.create_user_pool(PoolName="others")["UserPool"]["Id"]
    world.person()
    token = document(world.redeem(world.code()))["access_token"]
    assert world.claims(token)
    keys = public_keys(f"https://cognito-idp.us-east-1.amazonaws.com/{other}")
    with pytest.raises((BadSignatureError, ValueError)):
        jwt.decode(token, RSAKey.import_key(keys.as_dict(private=False)["keys"][0]))


def test_published_keys_verify_and_are_public(world):
    world.person()
    token = document(world.redeem(world.code()))["access_token"]
    reply = world.browser.get(f"/{world.pool}/.well-known/jwks.json")
    keys = document(reply)["keys"]
    header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    (named,) = [key for key in keys if key["kid"] == header["kid"]]
    assert all(not {"d", "p", "q"} & key.keys() for key in keys)
    assert jwt.decode(token, RSAKey.import_key(named), algorithms=["RS256"]).claims["username"] == "ann"


def test_an_initiate_auth_token_is_signed_by_the_pool_and_has_no_scope_of_ours(world):
    world.person()
    world.idp.update_user_pool_client(
        UserPoolId=world.pool, ClientId=world.web, ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )
    result = world.idp.initiate_auth(
        ClientId=world.web,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ann", "PASSWORD": PASSWORD},
    )["AuthenticationResult"]
    claims = world.claims(result["AccessToken"])
    assert claims["scope"] == "aws.cognito.signin.user.admin"
    assert claims["client_id"] == world.web


@pytest.mark.parametrize(
    "issuer",
    [
        "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_unknown",
        "https://cognito-idp.eu-west-9.amazonaws.com/us-east-1_unknown",
        "https://example.org/",
        "",
    ],
)
def test_keys_of_nobody(issuer):
    assert public_keys(issuer) is None


def test_where_a_pools_endpoints_are(world):
    answer = document(world.browser.get(f"/{world.pool}/.well-known/openid-configuration"))
    assert answer["issuer"] == f"https://cognito-idp.us-east-1.amazonaws.com/{world.pool}"
    assert answer["token_endpoint"] == "http://127.0.0.1:4566/oauth2/token"
    assert world.browser.get("/us-east-1_unknown/.well-known/jwks.json").status == 400
    assert "does not exist" in text(world.browser.get("/us-east-1_unknown/.well-known/jwks.json"))

"""Signing in over HTTP as a browser and a script do, against what is deployed."""

import base64
import hashlib
import re
import secrets
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from edgetrain.client import users
from edgetrain.client.sign_in import SignIn, connect_sign_in
from edgetrain.client.tokens import fetch_token
from tests.integration.cli.conftest import Shell

SECONDS = 30


@pytest.fixture(scope="module")
def outputs(cloud) -> dict[str, str]:
    from edgetrain.client.outputs import read_outputs

    return read_outputs(cloud.connection.client("cloudformation"))


@pytest.fixture(scope="module")
def sign_in(cloud) -> SignIn:
    return connect_sign_in(cloud.connection)


@pytest.fixture
def name() -> str:
    return f"user-{secrets.token_hex(4)}"


def fields_of(page: str) -> tuple[str, dict[str, str]]:
    action = re.search(r'<form method="post" action="([^"]*)"', page)
    assert action, page
    hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page)
    return unescape(action[1]), {name: unescape(value) for name, value in hidden}


def through_the_page(outputs: dict[str, str], browser: requests.Session, name: str, password: str) -> dict[str, Any]:
    """Tokens, by authorization code and PKCE."""
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    callback, state = f"{outputs['WebUrl']}/", secrets.token_urlsafe()
    page = browser.get(
        f"{outputs['SignInUrl']}/oauth2/authorize",
        params={
            "response_type": "code",
            "client_id": outputs["WebClientId"],
            "redirect_uri": callback,
            "scope": "openid edgetrain/detect",
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        },
        timeout=SECONDS,
    )
    assert page.status_code == 200
    action, fields = fields_of(page.text)
    back = browser.post(
        outputs["SignInUrl"] + action,
        data={**fields, "username": name, "password": password},
        allow_redirects=False,
        timeout=SECONDS,
    )
    assert back.status_code == 302, back.text
    assert back.headers["Location"].startswith(f"{callback}?")
    answer = parse_qs(urlsplit(back.headers["Location"]).query)
    assert answer["state"] == [state]
    reply = requests.post(
        f"{outputs['SignInUrl']}/oauth2/token",
        data={
            "grant_type": "authorization_code",
            "client_id": outputs["WebClientId"],
            "code": answer["code"][0],
            "redirect_uri": callback,
            "code_verifier": verifier,
        },
        headers={"Origin": outputs["WebUrl"]},
        timeout=SECONDS,
    )
    assert reply.status_code == 200, reply.text
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    tokens: dict[str, Any] = reply.json()
    return tokens


def versions(outputs: dict[str, str], token: str | None) -> int:
    """The status of a call of the API: 404, for there is no such task, once the authoriser lets it through."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    url = f"{outputs['ApiUrl']}/models/no-such-task/versions"
    return requests.get(url, headers=headers, timeout=SECONDS).status_code


def test_a_person_signs_in_by_the_page_and_calls_the_api(outputs, sign_in, name):
    invited = users.invite(sign_in, name)
    browser = requests.Session()
    tokens = through_the_page(outputs, browser, name, invited.password)
    published = requests.get(
        f"{outputs['SignInUrl']}/{outputs['UserPoolId']}/.well-known/jwks.json", timeout=SECONDS
    ).json()
    claims = jwt.decode(tokens["access_token"], KeySet.import_key_set(published), algorithms=["RS256"]).claims
    assert claims["iss"] == f"https://cognito-idp.us-east-1.amazonaws.com/{outputs['UserPoolId']}"
    assert (claims["username"], claims["scope"]) == (name, "openid edgetrain/detect")
    assert versions(outputs, None) == 401
    assert versions(outputs, tokens["access_token"]) == 404
    who = requests.get(
        f"{outputs['SignInUrl']}/oauth2/userInfo",
        headers={"Authorization": f"Bearer {tokens['access_token']}"},
        timeout=SECONDS,
    )
    assert who.json()["username"] == name
    assert "cognito" in browser.cookies


def test_a_token_of_the_pools_api_has_no_scope_and_is_forbidden(cloud, outputs, sign_in, name):
    invited = users.invite(sign_in, name)
    idp = cloud.connection.client("cognito-idp")
    client = idp.create_user_pool_client(
        UserPoolId=outputs["UserPoolId"], ClientName=name, ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]
    sign_in.admit(client)
    try:
        tokens = idp.initiate_auth(
            ClientId=client,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": invited.password},
        )["AuthenticationResult"]
        assert versions(outputs, tokens["AccessToken"]) == 403
        # No scope is looked for in it, for it is none of ours: an ID token's `aud` is the client.
        assert versions(outputs, tokens["IdToken"]) == 403
    finally:
        sign_in.dismiss(client)
        idp.delete_user_pool_client(UserPoolId=outputs["UserPoolId"], ClientId=client)


def test_a_script_is_added_calls_the_api_and_is_removed(cloud, outputs, sign_in, name):
    shell = Shell(cloud.data_dir)
    shell.run("users", "add", name, "--scopes", "detect")
    shell.run("users", "add", name, "--scopes", "detect", code=2)
    printed = shell.run("token", name)
    assert (printed.stderr, printed.stdout.count("\n")) == ("", 1)
    token = printed.stdout.strip()
    assert versions(outputs, token) == 404
    assert versions(outputs, token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")) == 401
    users.remove(sign_in, name)
    assert versions(outputs, token) == 401, "it is no longer of the audience"
    shell.run("token", name, code=2)


def test_a_script_that_may_only_contribute_may_not_read(cloud, outputs, sign_in, name):
    users.add_machine(sign_in, name, ("contribute",))
    try:
        assert versions(outputs, fetch_token(cloud.connection, name)) == 403
    finally:
        users.remove(sign_in, name)


def test_a_deployment_that_changes_the_authoriser_locks_scripts_out_until_sync(cloud, outputs, sign_in, name):
    users.add_machine(sign_in, name, ("detect",))
    try:
        token = fetch_token(cloud.connection, name)
        machine = users.machine_of(sign_in, name)
        sign_in.gateway.update_authorizer(
            ApiId=outputs["ApiId"],
            AuthorizerId=outputs["AuthorizerId"],
            JwtConfiguration={
                "Issuer": f"https://cognito-idp.us-east-1.amazonaws.com/{outputs['UserPoolId']}",
                "Audience": [each for each in sign_in.audience() if each != machine.client_id],
            },
        )
        assert versions(outputs, token) == 401
        assert name in users.sync(sign_in)
        assert versions(outputs, token) == 404
    finally:
        users.remove(sign_in, name)

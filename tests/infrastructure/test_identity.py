"""IdentityStack: nobody signs up, people are kept, scopes are ours; the web app's client has no secret and one way in."""

import json
from pathlib import Path
from typing import Any

import pytest

from edgetrain.client.sign_in import RESOURCE_SERVER as CLIENTS_WORD
from edgetrain.errors import UsageError
from stacks.identity import RESOURCE_SERVER, SCOPES, IdentityStack, checked_domain
from tests.infrastructure.reading import EDGE, IDENTITY, Assembly, text


def one(assembly: Assembly, stack: str, kind: str) -> dict[str, Any]:
    (resource,) = assembly.resources(stack, kind).values()
    return resource


def test_people_are_invited_and_kept(aws: Assembly) -> None:
    pool = one(aws, IDENTITY, "AWS::Cognito::UserPool")
    properties = pool["Properties"]
    assert properties["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert properties["DeletionProtection"] == "ACTIVE"
    assert pool["DeletionPolicy"] == pool["UpdateReplacePolicy"] == "Retain"
    assert properties["AliasAttributes"] == ["email"]
    assert properties["UsernameConfiguration"] == {"CaseSensitive": False}
    assert properties["AccountRecoverySetting"]["RecoveryMechanisms"] == [{"Name": "verified_email", "Priority": 1}]
    assert properties["UserPoolTier"] == "LITE"
    assert "UserPoolName" not in properties


def test_passwords_are_strong_and_a_second_factor_is_there_for_who_wants_it(aws: Assembly) -> None:
    properties = one(aws, IDENTITY, "AWS::Cognito::UserPool")["Properties"]
    assert properties["Policies"]["PasswordPolicy"] == {
        "MinimumLength": 12,
        "RequireLowercase": True,
        "RequireUppercase": True,
        "RequireNumbers": True,
        "RequireSymbols": True,
        "TemporaryPasswordValidityDays": 3,
    }
    assert (properties["MfaConfiguration"], properties["EnabledMfas"]) == ("OPTIONAL", ["SOFTWARE_TOKEN_MFA"])


def test_scopes(aws: Assembly) -> None:
    properties = one(aws, IDENTITY, "AWS::Cognito::UserPoolResourceServer")["Properties"]
    assert properties["Identifier"] == RESOURCE_SERVER == CLIENTS_WORD == "edgetrain"
    assert [scope["ScopeName"] for scope in properties["Scopes"]] == ["detect", "contribute", "admin"] == list(SCOPES)


def test_the_sign_in_page_has_an_address_that_no_other_deployment_has(aws: Assembly) -> None:
    domain = one(aws, IDENTITY, "AWS::Cognito::UserPoolDomain")["Properties"]["Domain"]
    separator, (name, account, life) = domain["Fn::Join"]
    assert (separator, name, account) == ("-", "edgetrain", {"Ref": "AWS::AccountId"})
    assert "AWS::StackId" in json.dumps(life), "new in the stack's next life, equal in each of its deployments"


def test_outputs(aws: Assembly) -> None:
    outputs = {name: each["Value"] for name, each in aws.template(IDENTITY)["Outputs"].items() if "Export" not in each}
    assert outputs.keys() == {"UserPoolId", "SignInUrl"}
    assert text(outputs["SignInUrl"]).startswith("https://")
    assert ".auth." in text(outputs["SignInUrl"])


def test_the_web_apps_client(aws: Assembly) -> None:
    properties = one(aws, EDGE, "AWS::Cognito::UserPoolClient")["Properties"]
    assert properties["GenerateSecret"] is False
    assert properties["AllowedOAuthFlows"] == ["code"]
    assert properties["AllowedOAuthFlowsUserPoolClient"] is True
    assert [text(scope).rsplit("/", 1)[-1] for scope in properties["AllowedOAuthScopes"]] == [
        "openid",
        "detect",
        "contribute",
    ]
    assert properties["ExplicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"], "no password passes through the pool's API"
    assert properties["PreventUserExistenceErrors"] == "ENABLED"
    assert properties["EnableTokenRevocation"] is True
    assert properties["SupportedIdentityProviders"] == ["COGNITO"]
    assert (properties["AccessTokenValidity"], properties["IdTokenValidity"]) == (60, 60)
    assert properties["RefreshTokenValidity"] == 24 * 60
    assert set(properties["TokenValidityUnits"].values()) == {"minutes"}
    for urls in (properties["CallbackURLs"], properties["LogoutURLs"]):
        assert urls
        assert all(text(url).startswith("https://") and text(url).endswith("/") for url in urls)


def prefix_of(folder: Path, prefix: str) -> Any:
    from stacks.application import make_app

    app = make_app(outdir=str(folder), context={"sign_in_domain": prefix})
    IdentityStack(app, IDENTITY)
    app.synth()
    return one(Assembly(folder), IDENTITY, "AWS::Cognito::UserPoolDomain")["Properties"]["Domain"]


def test_an_address_of_ones_own(tmp_path: Path) -> None:
    assert prefix_of(tmp_path, "my-fleet-7") == "my-fleet-7"


@pytest.mark.parametrize(
    "prefix",
    ["", "Capital", "-first", "last-", "a" * 64, "dot.ted", "my-aws-fleet", "cognito-x", "amazonas", "a_b", "é"],
)
def test_an_address_that_cognito_would_refuse(prefix: str) -> None:
    with pytest.raises(UsageError, match="sign_in_domain"):
        checked_domain(prefix)


@pytest.mark.parametrize("prefix", ["a", "a1", "edgetrain-123456789012-0a1b2c3d", "a" * 63])
def test_an_address_that_can_be(prefix: str) -> None:
    assert checked_domain(prefix) == prefix

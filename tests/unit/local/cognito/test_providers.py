"""User pools as CloudFormation makes, changes and deletes them."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from edgetrain.local.cloudformation.providers.cognito import (
    ResourceServerProvider,
    UserPoolClientProvider,
    UserPoolDomainProvider,
    UserPoolProvider,
)
from edgetrain.local.cloudformation.resources import Declared, Made, Resource
from tests.unit.local.cognito.conftest import CALLBACK

POOL = {
    "AliasAttributes": ["email"],
    "AccountRecoverySetting": {"RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}]},
    "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True},
    "DeletionProtection": "ACTIVE",
    "EnabledMfas": ["SOFTWARE_TOKEN_MFA"],
    "MfaConfiguration": "OPTIONAL",
    "Policies": {"PasswordPolicy": {"MinimumLength": 12}},
    "UserPoolTier": "LITE",
    "UsernameConfiguration": {"CaseSensitive": False},
}


def declared(kind: str, **properties: Any) -> Declared:
    return Declared(
        logical_id="Thing", kind=kind, name="stack-Thing-0123456789ab", stack_id="arn", properties=properties
    )


def standing(provider: Any, made: Made, properties: dict[str, Any]) -> Resource:
    return Resource(
        logical_id="Thing",
        kind=provider.kind,
        physical_id=made.physical_id,
        attributes=made.attributes,
        properties=properties,
    )


@pytest.fixture
def clients(parts):
    return parts[2]


@pytest.fixture
def pool(clients) -> tuple[UserPoolProvider, Resource]:
    provider = UserPoolProvider(clients)
    return provider, standing(provider, provider.create(declared(provider.kind, **POOL)), POOL)


def test_a_pool_has_what_the_template_says(clients, pool):
    _, made = pool
    found = clients.client("cognito-idp").describe_user_pool(UserPoolId=made.physical_id)["UserPool"]
    for name in set(POOL) - {"EnabledMfas", "Policies"}:
        assert found[name] == POOL[name]
    assert found["Policies"]["PasswordPolicy"]["MinimumLength"] == 12
    factors = clients.client("cognito-idp").get_user_pool_mfa_config(UserPoolId=made.physical_id)
    assert factors["SoftwareTokenMfaConfiguration"] == {"Enabled": True}
    assert made.attributes["ProviderName"] == f"cognito-idp.us-east-1.amazonaws.com/{made.physical_id}"
    assert made.attributes["ProviderURL"] == f"https://{made.attributes['ProviderName']}"
    assert made.attributes["Arn"].endswith(f"userpool/{made.physical_id}")


def test_a_changed_pool_keeps_its_people(clients, pool):
    provider, made = pool
    idp = clients.client("cognito-idp")
    idp.admin_create_user(UserPoolId=made.physical_id, Username="ann")
    wanted = {**POOL, "MfaConfiguration": "OFF", "DeletionProtection": "INACTIVE", "EnabledMfas": []}
    again = provider.update(made, declared(provider.kind, **wanted))
    assert again.physical_id == made.physical_id
    assert idp.admin_get_user(UserPoolId=made.physical_id, Username="ann")["Username"] == "ann"
    found = idp.describe_user_pool(UserPoolId=made.physical_id)["UserPool"]
    assert (found["MfaConfiguration"], found["DeletionProtection"]) == ("OFF", "INACTIVE")
    provider.delete(standing(provider, again, wanted))
    provider.delete(standing(provider, again, wanted))


def test_a_protected_pool_is_not_deleted_by_its_stack(pool):
    provider, made = pool
    with pytest.raises(ClientError, match="deletion protection"):
        provider.delete(made)


@pytest.mark.parametrize("change", [{"Schema": [{"Name": "team"}]}, {"UserPoolName": "other"}])
def test_what_cannot_be_changed_is_said(pool, change):
    provider, made = pool
    with pytest.raises(ValueError, match=next(iter(change))):
        provider.update(made, declared(provider.kind, **POOL, **change))


def test_a_second_factor_that_needs_a_telephone(clients):
    provider = UserPoolProvider(clients)
    with pytest.raises(ValueError, match="SMS_MFA"):
        provider.create(declared(provider.kind, MfaConfiguration="OPTIONAL", EnabledMfas=["SMS_MFA"]))


def test_a_changed_client_keeps_its_id(clients, world):
    provider = UserPoolClientProvider(clients)
    properties = {
        "UserPoolId": world.pool,
        "AllowedOAuthFlows": ["code"],
        "AllowedOAuthFlowsUserPoolClient": True,
        "AllowedOAuthScopes": ["openid"],
        "CallbackURLs": [CALLBACK],
        "LogoutURLs": [CALLBACK],
        "GenerateSecret": False,
    }
    made = standing(provider, provider.create(declared(provider.kind, **properties)), properties)
    wanted = {name: value for name, value in properties.items() if name != "LogoutURLs"}
    wanted["CallbackURLs"] = ["https://other.example/"]
    again = provider.update(made, declared(provider.kind, **wanted))
    assert again.physical_id == again.attributes["ClientId"] == made.physical_id
    found = world.idp.describe_user_pool_client(UserPoolId=world.pool, ClientId=made.physical_id)["UserPoolClient"]
    assert found["CallbackURLs"] == ["https://other.example/"]
    assert found["LogoutURLs"] == []
    assert found["AllowedOAuthScopes"] == ["openid"]
    provider.delete(made)
    provider.delete(made)


def test_a_clients_secret_can_be_read_where_it_has_one(clients, world):
    provider = UserPoolClientProvider(clients)
    made = provider.create(declared(provider.kind, UserPoolId=world.pool, GenerateSecret=True))
    assert made.attributes["ClientSecret"]
    assert {"UserPoolId", "GenerateSecret"} == set(provider.immutable)


def test_a_setting_that_cannot_be_taken_back_is_said(clients, world):
    provider = UserPoolClientProvider(clients)
    properties = {"UserPoolId": world.pool, "AccessTokenValidity": 5}
    made = standing(provider, provider.create(declared(provider.kind, **properties)), properties)
    with pytest.raises(ValueError, match="AccessTokenValidity"):
        provider.update(made, declared(provider.kind, UserPoolId=world.pool))


def test_scopes_come_and_go(clients, world):
    provider = ResourceServerProvider(clients)
    properties = {
        "UserPoolId": world.pool,
        "Identifier": "more",
        "Name": "more",
        "Scopes": [{"ScopeName": "read", "ScopeDescription": "read"}],
    }
    made = standing(provider, provider.create(declared(provider.kind, **properties)), properties)
    assert made.physical_id == "more"
    world.machine("more/read")
    scopes = [{"ScopeName": "write", "ScopeDescription": "write"}]
    provider.update(made, declared(provider.kind, **{**properties, "Scopes": scopes}))
    world.machine("more/write")
    with pytest.raises(ClientError, match="Invalid scope"):
        world.machine("more/read")
    provider.delete(made)
    with pytest.raises(ClientError, match="Invalid scope"):
        world.machine("more/write")


def test_a_domain(clients):
    idp = clients.client("cognito-idp")
    pool = idp.create_user_pool(PoolName="p")["UserPool"]["Id"]
    provider = UserPoolDomainProvider(clients)
    properties = {"UserPoolId": pool, "Domain": f"name-{pool[-12:]}", "ManagedLoginVersion": 1}
    made = standing(provider, provider.create(declared(provider.kind, **properties)), properties)
    assert made.physical_id == properties["Domain"]
    assert idp.describe_user_pool(UserPoolId=pool)["UserPool"]["Domain"] == properties["Domain"]
    provider.delete(made)
    provider.delete(made)
    idp.delete_user_pool(UserPoolId=pool)

"""What Cognito's API refuses and moto does not, and what it keeps and moto forgets."""

import pytest
from botocore.exceptions import ClientError

from tests.unit.local.cognito.conftest import CALLBACK, PASSWORD


def refused(call) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def client(world, **settings):
    return lambda: world.idp.create_user_pool_client(UserPoolId=world.pool, ClientName="c", **settings)


@pytest.mark.parametrize(
    ("settings", "code", "said"),
    [
        ({"AllowedOAuthFlows": ["client_credentials"]}, "InvalidOAuthFlowException", "client secret"),
        (
            {"AllowedOAuthFlows": ["code", "client_credentials"], "GenerateSecret": True},
            "InvalidOAuthFlowException",
            "along with",
        ),
        ({"AllowedOAuthFlows": ["implicit"]}, "InvalidOAuthFlowException", "does not support"),
        ({"AllowedOAuthScopes": ["edgetrain/fly"]}, "ScopeDoesNotExistException", "edgetrain/fly"),
        ({"CallbackURLs": [CALLBACK + "#part"]}, "InvalidParameterException", "fragment"),
        ({"CallbackURLs": ["http://a/\r\nx"]}, "InvalidParameterException", "URL"),
    ],
)
def test_a_client_that_cannot_be(world, settings, code, said):
    found, message = refused(client(world, **settings))
    assert found == code
    assert said in message


def test_a_pool_that_is_protected_or_has_a_domain_stays(own_world):
    domain = f"edgetrain-{own_world.pool[-12:]}"
    code, message = refused(lambda: own_world.idp.delete_user_pool(UserPoolId=own_world.pool))
    assert (code, "domain" in message) == ("InvalidParameterException", True)
    own_world.idp.delete_user_pool_domain(UserPoolId=own_world.pool, Domain=domain)
    own_world.idp.update_user_pool(UserPoolId=own_world.pool, DeletionProtection="ACTIVE")
    code, message = refused(lambda: own_world.idp.delete_user_pool(UserPoolId=own_world.pool))
    assert (code, "deletion protection" in message) == ("InvalidParameterException", True)
    own_world.idp.update_user_pool(UserPoolId=own_world.pool, DeletionProtection="INACTIVE")
    own_world.idp.delete_user_pool(UserPoolId=own_world.pool)


def test_a_domain_is_one_pools_and_a_pool_has_one(world):
    other = world.idp.create_user_pool(PoolName="other")["UserPool"]["Id"]
    taken = f"edgetrain-{world.pool[-12:]}"
    create = world.idp.create_user_pool_domain
    assert refused(lambda: create(UserPoolId=other, Domain=taken))[0] == "InvalidParameterException"
    assert refused(lambda: create(UserPoolId=world.pool, Domain="second-name"))[0] == "InvalidParameterException"


def test_an_update_keeps_how_names_are_compared(own_world):
    own_world.person(email="ann@example.org", email_verified="true")
    own_world.idp.update_user_pool(UserPoolId=own_world.pool, AutoVerifiedAttributes=["email"])
    pool = own_world.idp.describe_user_pool(UserPoolId=own_world.pool)["UserPool"]
    assert pool["AliasAttributes"] == ["email"]
    assert pool["UsernameConfiguration"] == {"CaseSensitive": False}
    assert own_world.idp.admin_get_user(UserPoolId=own_world.pool, Username="ANN@example.org")["Username"] == "ann"


def test_a_name_or_address_is_taken_whatever_its_case(world):
    world.person(email="ann@example.org", email_verified="true")

    def create(name: str, **attributes: str):
        given = [{"Name": each, "Value": value} for each, value in attributes.items()]
        return lambda: world.idp.admin_create_user(UserPoolId=world.pool, Username=name, UserAttributes=given)

    assert refused(create("ANN"))[0] == "UsernameExistsException"
    assert refused(create("bob", email="Ann@example.org", email_verified="true"))[0] == "AliasExistsException"
    create("bob", email="ann@example.org")()


def start(world, flow: str = "USER_PASSWORD_AUTH", name: str = "ann", password: str = PASSWORD):
    parameters = {"USERNAME": name, "PASSWORD": password}
    return lambda: world.idp.initiate_auth(ClientId=world.web, AuthFlow=flow, AuthParameters=parameters)


def test_a_flow_that_the_client_does_not_offer(world):
    world.person()
    code, message = refused(start(world))
    assert (code, message) == ("InvalidParameterException", "USER_PASSWORD_AUTH flow not enabled for this client")


def test_at_the_api_too_nobody_learns_who_has_an_account(world):
    world.idp.update_user_pool_client(
        UserPoolId=world.pool, ClientId=world.web, ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )
    world.person()
    expected = ("NotAuthorizedException", "Incorrect username or password.")
    assert refused(start(world, name="nobody")) == expected
    assert refused(start(world, password="wrong")) == expected


def test_the_second_factor_of_a_pool_can_be_changed(own_world):
    factor = {"Enabled": True}
    own_world.idp.set_user_pool_mfa_config(
        UserPoolId=own_world.pool, MfaConfiguration="OPTIONAL", SoftwareTokenMfaConfiguration=factor
    )
    own_world.idp.update_user_pool(UserPoolId=own_world.pool, MfaConfiguration="OFF")
    assert own_world.idp.describe_user_pool(UserPoolId=own_world.pool)["UserPool"]["MfaConfiguration"] == "OFF"


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("Short-1", "not long enough"),
        ("lower-case-1", "uppercase"),
        ("UPPER-CASE-1", "lowercase"),
        ("No-digits-here", "numeric"),
        ("NoSymbolsHere1", "symbol"),
        (" NoSymbolsHere1", "symbol"),
    ],
)
def test_a_password_that_breaks_the_policy(world, password, said):
    world.person()

    def choose(password: str):
        return lambda: world.idp.admin_set_user_password(
            UserPoolId=world.pool, Username="ann", Password=password, Permanent=True
        )

    code, message = refused(choose(password))
    assert code == "InvalidPasswordException"
    assert said in message
    choose("With a space 1")()


def test_an_address_is_no_name_where_it_is_an_alias(world):
    create = world.idp.admin_create_user
    code, _ = refused(lambda: create(UserPoolId=world.pool, Username="ann@example.org"))
    assert code == "InvalidParameterException"

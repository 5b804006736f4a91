"""User pools: the pools, their clients, resource servers and domains."""

from collections.abc import Mapping
from typing import Any, Final

from edgetrain.local.cloudformation.providers.base import ServiceProvider, chosen, unless_gone
from edgetrain.local.cloudformation.resources import Declared, Made, Resource
from edgetrain.local.place import REGION

GONE: Final = ("ResourceNotFoundException",)
#: CloudFormation's word -> what turns it on at the API.
SECOND_FACTORS: Final = {"SOFTWARE_TOKEN_MFA": "SoftwareTokenMfaConfiguration"}


class CognitoProvider(ServiceProvider):
    """What the providers of user pools share."""

    service = "cognito-idp"


class UserPoolProvider(CognitoProvider):
    """`AWS::Cognito::UserPool`."""

    kind = "AWS::Cognito::UserPool"
    named_by = "UserPoolName"
    immutable = frozenset({"AliasAttributes", "UsernameAttributes", "UsernameConfiguration"})
    #: What a pool may be told when it is made, and later; the messages are kept: nothing is sent from here.
    settings = (
        *("AccountRecoverySetting", "AdminCreateUserConfig", "AutoVerifiedAttributes", "DeletionProtection"),
        *("DeviceConfiguration", "EmailConfiguration", "EmailVerificationMessage", "EmailVerificationSubject"),
        *("MfaConfiguration", "Policies", "SmsVerificationMessage", "UserAttributeUpdateSettings", "UserPoolTier"),
        "VerificationMessageTemplate",
    )
    properties = frozenset(
        {*settings, *immutable, "UserPoolName", "Schema", "EnabledMfas", "UserPoolTags"},
    )

    def create(self, declared: Declared) -> Made:
        wanted = declared.properties
        pool = self.client.create_user_pool(
            PoolName=wanted.get("UserPoolName", declared.name),
            **chosen(wanted, *self.settings, *self.immutable, "Schema", "UserPoolTags"),
        )["UserPool"]
        self._second_factors(pool["Id"], wanted)
        return _made_pool(pool)

    def update(self, standing: Resource, declared: Declared) -> Made:
        wanted, before = declared.properties, standing.properties
        for name in ("Schema", "UserPoolName"):
            if wanted.get(name) != before.get(name):
                raise ValueError(f"the embedded cloud cannot change the {name} of a user pool")
        self.client.update_user_pool(UserPoolId=standing.physical_id, **chosen(wanted, *self.settings, "UserPoolTags"))
        self._second_factors(standing.physical_id, wanted)
        return _made_pool(self.client.describe_user_pool(UserPoolId=standing.physical_id)["UserPool"])

    def delete(self, standing: Resource) -> None:
        unless_gone(lambda: self.client.delete_user_pool(UserPoolId=standing.physical_id), GONE)

    def _second_factors(self, pool_id: str, wanted: Mapping[str, Any]) -> None:
        how = wanted.get("MfaConfiguration", "OFF")
        enabled = wanted.get("EnabledMfas", [])
        if unsupported := set(enabled) - set(SECOND_FACTORS):
            raise ValueError(f"the embedded cloud does not support the second factor {', '.join(sorted(unsupported))}")
        if how != "OFF":
            factors: dict[str, Any] = {SECOND_FACTORS[each]: {"Enabled": True} for each in enabled}
            self.client.set_user_pool_mfa_config(UserPoolId=pool_id, MfaConfiguration=how, **factors)


class UserPoolClientProvider(CognitoProvider):
    """`AWS::Cognito::UserPoolClient`. A change keeps the client's id; another pool or secret is another client."""

    kind = "AWS::Cognito::UserPoolClient"
    immutable = frozenset({"UserPoolId", "GenerateSecret"})
    settings = (
        *("AccessTokenValidity", "IdTokenValidity", "RefreshTokenValidity", "TokenValidityUnits"),
        *("AllowedOAuthFlows", "AllowedOAuthFlowsUserPoolClient", "AllowedOAuthScopes", "CallbackURLs"),
        *("DefaultRedirectURI", "LogoutURLs", "EnableTokenRevocation", "ExplicitAuthFlows"),
        *("PreventUserExistenceErrors", "ReadAttributes", "WriteAttributes", "SupportedIdentityProviders"),
    )
    #: What a setting becomes when a template no longer names it.
    defaults: Final = {"AllowedOAuthFlowsUserPoolClient": False, "EnableTokenRevocation": True}
    properties = frozenset({*settings, *immutable, "ClientName"})

    def create(self, declared: Declared) -> Made:
        wanted = declared.properties
        client = self.client.create_user_pool_client(
            UserPoolId=wanted["UserPoolId"],
            ClientName=wanted.get("ClientName", declared.name),
            **chosen(wanted, *self.settings, "GenerateSecret"),
        )["UserPoolClient"]
        return _made_client(client)

    def update(self, standing: Resource, declared: Declared) -> Made:
        wanted, before = declared.properties, standing.properties
        dropped = set(before) - set(wanted) - set(self.defaults)
        if unclear := dropped & set(self.settings) - {
            "CallbackURLs",
            "LogoutURLs",
            "AllowedOAuthFlows",
            "AllowedOAuthScopes",
        }:
            raise ValueError(
                f"the embedded cloud cannot take back {', '.join(sorted(unclear))} of a user pool's client"
            )
        emptied: dict[str, Any] = {name: [] for name in dropped & set(self.settings)}
        client = self.client.update_user_pool_client(
            UserPoolId=wanted["UserPoolId"],
            ClientId=standing.physical_id,
            **{**self.defaults, **emptied, **chosen(wanted, *self.settings, "ClientName")},
        )["UserPoolClient"]
        return _made_client(client)

    def delete(self, standing: Resource) -> None:
        pool = standing.properties["UserPoolId"]
        unless_gone(lambda: self.client.delete_user_pool_client(UserPoolId=pool, ClientId=standing.physical_id), GONE)


class ResourceServerProvider(CognitoProvider):
    """`AWS::Cognito::UserPoolResourceServer`: the scopes of an API."""

    kind = "AWS::Cognito::UserPoolResourceServer"
    immutable = frozenset({"UserPoolId", "Identifier"})
    named_by = "Identifier"
    properties = frozenset({"UserPoolId", "Identifier", "Name", "Scopes"})

    def create(self, declared: Declared) -> Made:
        wanted = declared.properties
        server = self.client.create_resource_server(**chosen(wanted, *self.properties))["ResourceServer"]
        return Made(server["Identifier"])

    def update(self, standing: Resource, declared: Declared) -> Made:
        # moto has no UpdateResourceServer: the record is changed where it lies.
        from edgetrain.local.cognito.pools import find_pool

        server = find_pool(declared.properties["UserPoolId"]).resource_servers[standing.physical_id]
        server.name, server.scopes = declared.properties["Name"], declared.properties.get("Scopes", [])
        return Made(standing.physical_id)

    def delete(self, standing: Resource) -> None:
        # moto has no DeleteResourceServer, either.
        from edgetrain.local.cognito.pools import find_pool

        pool = find_pool(standing.properties["UserPoolId"])
        if pool is not None:
            pool.resource_servers.pop(standing.physical_id, None)


class UserPoolDomainProvider(CognitoProvider):
    """`AWS::Cognito::UserPoolDomain`: the address of the sign-in page. A domain of one's own needs a certificate: AWS's alone."""

    kind = "AWS::Cognito::UserPoolDomain"
    named_by = "Domain"
    immutable = frozenset({"UserPoolId", "Domain"})
    properties = frozenset({"UserPoolId", "Domain", "ManagedLoginVersion"})

    def create(self, declared: Declared) -> Made:
        wanted = declared.properties
        self.client.create_user_pool_domain(**chosen(wanted, "UserPoolId", "Domain", "ManagedLoginVersion"))
        return _made_domain(wanted["Domain"])

    def update(self, _standing: Resource, declared: Declared) -> Made:
        # What is left to change is which of AWS's two designs the page has; here there is one.
        return _made_domain(declared.properties["Domain"])

    def delete(self, standing: Resource) -> None:
        pool = standing.properties["UserPoolId"]
        unless_gone(lambda: self.client.delete_user_pool_domain(UserPoolId=pool, Domain=standing.physical_id), GONE)


def _made_pool(pool: Mapping[str, Any]) -> Made:
    provider = f"cognito-idp.{REGION}.amazonaws.com/{pool['Id']}"
    return Made(
        pool["Id"],
        {"Arn": pool["Arn"], "ProviderName": provider, "ProviderURL": f"https://{provider}", "UserPoolId": pool["Id"]},
    )


def _made_client(client: Mapping[str, Any]) -> Made:
    return Made(
        client["ClientId"],
        {"ClientId": client["ClientId"], "ClientSecret": client.get("ClientSecret", ""), "Name": client["ClientName"]},
    )


def _made_domain(domain: str) -> Made:
    return Made(domain, {"CloudFrontDistribution": f"{domain}.auth.{REGION}.amazoncognito.com"})

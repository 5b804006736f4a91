"""The deployed sign-in: its user pool, and the authoriser that says whose tokens the API takes."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from edgetrain import limits
from edgetrain.client.connection import Connection
from edgetrain.client.outputs import read_outputs, require
from edgetrain.errors import SignInFailed, UsageError

if TYPE_CHECKING:
    from mypy_boto3_apigatewayv2 import ApiGatewayV2Client
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_cognito_idp.type_defs import UserPoolClientTypeTypeDef

#: The pool's resource server (stacks/identity.py): scope `detect` is written `edgetrain/detect`.
RESOURCE_SERVER: Final = "edgetrain"
#: What makes an app client a machine user.
MACHINE_FLOW: Final = "client_credentials"
#: An update of the audience is looked at afterwards, because two at a time overwrite each other.
ATTEMPTS: Final = 5
PAUSE_SECONDS: Final = 0.2


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine user: an app client with a secret. `scopes` without the resource server's name."""

    name: str
    client_id: str
    scopes: tuple[str, ...]
    secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """Where people and machine users are kept, and by which authoriser the API knows them."""

    pool_id: str
    url: str
    api_id: str
    authorizer_id: str
    web_url: str
    idp: "CognitoIdentityProviderClient"
    gateway: "ApiGatewayV2Client"
    pause: Callable[[float], None] = time.sleep

    def machines(self) -> Iterator[Machine]:
        """All machine users, by name."""
        return self._described(self._named())

    def find_machine(self, name: str) -> Machine | None:
        """The machine user of this name, or None."""
        return next(self._described(each for each in self._named() if each[0] == name), None)

    def _named(self) -> list[tuple[str, str]]:
        """Names and ids of the pool's app clients, by name; not all of them are machine users."""
        pages = self.idp.get_paginator("list_user_pool_clients").paginate(UserPoolId=self.pool_id)
        return sorted((each["ClientName"], each["ClientId"]) for page in pages for each in page["UserPoolClients"])

    def _described(self, named: Iterable[tuple[str, str]]) -> Iterator[Machine]:
        """The machine users among these: Cognito tells scopes and secret of one client at a time."""
        for _, client_id in named:
            client = self.idp.describe_user_pool_client(UserPoolId=self.pool_id, ClientId=client_id)["UserPoolClient"]
            if MACHINE_FLOW in client.get("AllowedOAuthFlows", []):
                yield _machine(client)

    def scopes(self) -> tuple[str, ...]:
        """What there is to be allowed: `detect`, ..."""
        server = self.idp.describe_resource_server(UserPoolId=self.pool_id, Identifier=RESOURCE_SERVER)
        return tuple(scope["ScopeName"] for scope in server["ResourceServer"].get("Scopes", []))

    def audience(self) -> tuple[str, ...]:
        """Ids of the app clients whose tokens the API takes."""
        return tuple(self._jwt()[1])

    def admit(self, *client_ids: str) -> None:
        """Let the API take these clients' tokens. Those that it takes already change nothing.

        Raises:
            UsageError: an authoriser has no room for as many.
            SignInFailed: somebody else changed the audience each time.
        """
        self._change(lambda audience: [*audience, *(each for each in client_ids if each not in audience)])

    def dismiss(self, client_id: str) -> None:
        """Let the API refuse this client's tokens.

        Raises:
            SignInFailed: somebody else changed the audience each time.
        """
        self._change(lambda audience: [each for each in audience if each != client_id])

    def _change(self, wanted: Callable[[list[str]], list[str]]) -> None:
        """Bring the audience to a state that `wanted` leaves alone. The authoriser's other settings are not touched."""
        for attempt in range(ATTEMPTS):
            issuer, before = self._jwt()
            after = wanted(before)
            if after == before:
                return
            if len(after) > limits.HTTP_API_AUDIENCES:
                raise UsageError(
                    f"the API takes the tokens of at most {limits.HTTP_API_AUDIENCES} app clients: remove one first "
                    "(`edgetrain users remove NAME`)"
                )
            if attempt:
                self.pause(PAUSE_SECONDS * attempt)
            self.gateway.update_authorizer(
                ApiId=self.api_id,
                AuthorizerId=self.authorizer_id,
                JwtConfiguration={"Issuer": issuer, "Audience": after},
            )
        _, now = self._jwt()
        if wanted(now) != now:
            raise SignInFailed("the API's authoriser is changed by somebody else at the same time: try again")

    def _jwt(self) -> tuple[str, list[str]]:
        authorizer = self.gateway.get_authorizer(ApiId=self.api_id, AuthorizerId=self.authorizer_id)
        settings = authorizer["JwtConfiguration"]
        return settings["Issuer"], list(settings.get("Audience", []))


def connect_sign_in(connection: Connection) -> SignIn:
    """The sign-in that is deployed in a cloud.

    Raises:
        CloudNotRunning: nothing answers at the endpoint.
        NotDeployed: identity or edge are not deployed there.
    """
    flat = read_outputs(connection.client("cloudformation"))
    require(flat, ("UserPoolId", "SignInUrl", "ApiId", "AuthorizerId", "WebUrl"), "the API and its sign-in are")
    return SignIn(
        pool_id=flat["UserPoolId"],
        url=flat["SignInUrl"],
        api_id=flat["ApiId"],
        authorizer_id=flat["AuthorizerId"],
        web_url=flat["WebUrl"],
        idp=connection.client("cognito-idp"),
        gateway=connection.client("apigatewayv2"),
    )


def _machine(client: "UserPoolClientTypeTypeDef") -> Machine:
    prefix = f"{RESOURCE_SERVER}/"
    return Machine(
        name=client["ClientName"],
        client_id=client["ClientId"],
        scopes=tuple(scope.removeprefix(prefix) for scope in client.get("AllowedOAuthScopes", [])),
        secret=client.get("ClientSecret", ""),
    )

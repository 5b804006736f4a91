"""The user pools' API: moto's, with what Cognito checks and moto does not, and without what moto forgets."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from edgetrain.local.cognito.keys import signing_key
from edgetrain.local.cognito.people import NotSignedIn, check_policy
from edgetrain.local.cognito.pools import Client, backend, find_client, find_pool, find_user
from edgetrain.local.cognito.state import SignInState
from edgetrain.local.wsgi import Application, Reply, Request, call

SYSTEM_SCOPES: Final = frozenset({"openid", "email", "phone", "profile", "aws.cognito.signin.user.admin"})
#: Settings of a pool that an update does not name and cannot change; moto's update drops them.
UNCHANGEABLE: Final = ("UsernameAttributes", "AliasAttributes", "UsernameConfiguration")
#: How somebody proves who they are at the API -> what allows a client to offer it.
AUTH_FLOWS: Final = {
    "USER_PASSWORD_AUTH": {"ALLOW_USER_PASSWORD_AUTH", "USER_PASSWORD_AUTH"},
    "ADMIN_USER_PASSWORD_AUTH": {"ALLOW_ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"},
    "ADMIN_NO_SRP_AUTH": {"ALLOW_ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"},
    "USER_SRP_AUTH": {"ALLOW_USER_SRP_AUTH"},
    "CUSTOM_AUTH": {"ALLOW_CUSTOM_AUTH", "CUSTOM_AUTH_FLOW_ONLY"},
    "REFRESH_TOKEN_AUTH": {"ALLOW_REFRESH_TOKEN_AUTH"},
    "REFRESH_TOKEN": {"ALLOW_REFRESH_TOKEN_AUTH"},
}
#: Operations in which moto signs tokens: by then the pool must have a key of its own.
SIGNS: Final = frozenset({"InitiateAuth", "AdminInitiateAuth", "RespondToAuthChallenge", "AdminRespondToAuthChallenge"})
SIGNS_OUT: Final = frozenset({"AdminUserGlobalSignOut", "AdminDeleteUser", "AdminDisableUser"})


class Rejected(Exception):
    """Refused as Cognito does: an error's name and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class UserPools:
    """Answers for service `cognito-idp`."""

    def __init__(self, moto: Application, state: SignInState) -> None:
        self._moto = moto
        self._state = state
        self._before: dict[str, Callable[[dict[str, Any]], None]] = {
            "DeleteUserPool": _check_deletion,
            "CreateUserPoolDomain": _check_domain,
            "CreateUserPoolClient": _check_new_client,
            "UpdateUserPoolClient": _check_client_update,
            "AdminCreateUser": _check_new_user,
            "AdminSetUserPassword": _check_password,
            "InitiateAuth": _check_flow,
            "AdminInitiateAuth": _check_flow,
        }

    def answer(self, request: Request) -> Reply:
        """Check, ask moto, and put right what it leaves behind."""
        operation = request.header("x-amz-target").rpartition(".")[2]
        try:
            body = json.loads(request.body() or b"{}")
        except ValueError:
            body = {}
        if not isinstance(body, dict) or not operation:
            return call(self._moto, request.environ)
        try:
            if operation in SIGNS and (client := find_client(str(body.get("ClientId", "")))) is not None:
                signing_key(client.pool)
            if operation.startswith("Admin") and operation != "AdminCreateUser":
                _name_as_stored(body)
                request.replace_body(json.dumps(body).encode())
            self._before.get(operation, _nothing)(body)
            gone = self._leaving(operation, body)
            return self._ask(request, operation, body, gone)
        except Rejected as rejected:
            return _rejection(rejected)

    def _ask(self, request: Request, operation: str, body: dict[str, Any], gone: tuple[str, str] | None) -> Reply:
        pool = find_pool(str(body.get("UserPoolId", "")))
        kept = (
            {name: pool.extended_config[name] for name in UNCHANGEABLE if name in pool.extended_config} if pool else {}
        )
        reply = call(self._moto, request.environ)
        if not reply.succeeded:
            return _hidden(operation, body, reply)
        if operation == "UpdateUserPool":
            pool.extended_config = {**pool.extended_config, **kept}
            pool.mfa_config = body.get("MfaConfiguration", pool.mfa_config)
        elif operation == "AdminSetUserPassword":
            # A temporary password's days are counted from here; moto leaves the date as it was.
            find_user(pool, str(body["Username"])).last_modified_date = datetime.now(UTC)
        elif gone is not None:
            self._state.sign_out(*gone)
        return reply

    def _leaving(self, operation: str, body: Mapping[str, Any]) -> tuple[str, str] | None:
        """Pool and identity of who is signed out everywhere by this operation."""
        if operation not in SIGNS_OUT:
            return None
        pool = find_pool(str(body.get("UserPoolId", "")))
        user = None if pool is None else find_user(pool, str(body.get("Username", "")))
        return None if user is None else (pool.id, user.id)


def _nothing(_body: dict[str, Any]) -> None:
    """Operations that moto checks well enough."""


def _check_deletion(body: dict[str, Any]) -> None:
    pool = find_pool(str(body.get("UserPoolId", "")))
    if pool is None:
        return
    if pool.extended_config.get("DeletionProtection") == "ACTIVE":
        raise Rejected(
            "InvalidParameterException",
            "The user pool cannot be deleted because deletion protection is activated. Deletion protection must be "
            "inactivated first.",
        )
    if pool.domain is not None:
        raise Rejected(
            "InvalidParameterException",
            "User pool cannot be deleted. It has a domain configured that should be deleted first.",
        )


def _check_domain(body: dict[str, Any]) -> None:
    if body.get("Domain") in backend().user_pool_domains:
        raise Rejected("InvalidParameterException", "Domain already associated with another user pool.")
    pool = find_pool(str(body.get("UserPoolId", "")))
    if pool is not None and pool.domain is not None:
        raise Rejected("InvalidParameterException", "User pool already has a domain configured.")


def _check_new_client(body: dict[str, Any]) -> None:
    _check_oauth(body, has_secret=bool(body.get("GenerateSecret", False)))


def _check_client_update(body: dict[str, Any]) -> None:
    client = find_client(str(body.get("ClientId", "")))
    _check_oauth(body, has_secret=client is not None and client.secret is not None)


def _check_oauth(body: Mapping[str, Any], *, has_secret: bool) -> None:
    """Flows that go together, and scopes that there are."""
    flows = set(body.get("AllowedOAuthFlows") or ())
    if "implicit" in flows:
        raise Rejected("InvalidOAuthFlowException", "the embedded cloud does not support the implicit flow")
    if "client_credentials" in flows and flows - {"client_credentials"}:
        raise Rejected(
            "InvalidOAuthFlowException",
            "client_credentials flow can not be selected along with code flow or implicit flow.",
        )
    if "client_credentials" in flows and not has_secret:
        raise Rejected(
            "InvalidOAuthFlowException",
            "client_credentials flow can not be selected if client does not have a client secret.",
        )
    pool = find_pool(str(body.get("UserPoolId", "")))
    servers = {} if pool is None else pool.resource_servers
    known = {f"{name}/{scope['ScopeName']}" for name, server in servers.items() for scope in server.scopes or ()}
    for scope in body.get("AllowedOAuthScopes") or ():
        if pool is not None and scope not in known | SYSTEM_SCOPES:
            raise Rejected("ScopeDoesNotExistException", f"Invalid scope requested: {scope}")
    for url in [*(body.get("CallbackURLs") or ()), *(body.get("LogoutURLs") or ())]:
        if not str(url).isprintable() or "#" in str(url) or ":" not in str(url):
            raise Rejected("InvalidParameterException", f"{url!r} is not an absolute URL without a fragment.")


def _check_new_user(body: dict[str, Any]) -> None:
    """Names and verified addresses are compared as the pool's settings say; moto compares names alone."""
    pool = find_pool(str(body.get("UserPoolId", "")))
    if pool is None or body.get("MessageAction") == "RESEND":
        return
    if "email" in (pool.extended_config.get("AliasAttributes") or ()) and "@" in str(body.get("Username", "")):
        raise Rejected(
            "InvalidParameterException",
            "Username cannot be of email format, since user pool is configured for email alias.",
        )
    if find_user(pool, str(body.get("Username", ""))) is not None:
        raise Rejected("UsernameExistsException", "User account already exists")
    given = {each["Name"]: str(each.get("Value", "")) for each in body.get("UserAttributes") or ()}
    for alias in pool.extended_config.get("AliasAttributes") or ():
        if given.get(f"{alias}_verified", "").lower() == "true" and find_user(pool, given.get(alias, "")) is not None:
            raise Rejected("AliasExistsException", f"An account with the {alias} already exists.")


def _check_password(body: dict[str, Any]) -> None:
    pool = find_pool(str(body.get("UserPoolId", "")))
    if pool is None:
        return
    try:
        check_policy(pool, str(body.get("Password", "")))
    except NotSignedIn as refused:
        raise Rejected("InvalidPasswordException", str(refused)) from refused


def _check_flow(body: dict[str, Any]) -> None:
    client = find_client(str(body.get("ClientId", "")))
    flow = str(body.get("AuthFlow", ""))
    if client is None or flow not in AUTH_FLOWS:
        return
    if AUTH_FLOWS[flow].isdisjoint(client.flows):
        raise Rejected("InvalidParameterException", f"{flow} flow not enabled for this client")


def _name_as_stored(body: dict[str, Any]) -> None:
    """Let moto, which compares names letter by letter, find who is meant."""
    pool = find_pool(str(body.get("UserPoolId", "")))
    user = find_user(pool, str(body["Username"])) if pool is not None and "Username" in body else None
    if user is not None:
        body["Username"] = user.username


def _hidden(operation: str, body: Mapping[str, Any], reply: Reply) -> Reply:
    """Who asks to sign in must not learn that there is no such person, where the client says so."""
    if not operation.endswith("InitiateAuth") or b"UserNotFoundException" not in b"".join(reply.body):
        return reply
    client: Client | None = find_client(str(body.get("ClientId", "")))
    if client is None or not client.hides_people:
        return reply
    return _rejection(Rejected("NotAuthorizedException", "Incorrect username or password."))


def _rejection(rejected: Rejected) -> Reply:
    body = json.dumps({"__type": rejected.code, "message": str(rejected)}).encode()
    return Reply.of(400, body, "application/x-amz-json-1.1", {"x-amzn-ErrorType": rejected.code})

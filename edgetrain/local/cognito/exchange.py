"""`/oauth2/token`, `/oauth2/revoke` and `/oauth2/userInfo`: what programs ask."""

import binascii
import hashlib
import hmac
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError

from edgetrain.local.cognito.messages import ANY_ORIGIN, NO_STORE, error_reply, form_of, json_reply
from edgetrain.local.cognito.pools import Client, backend, find_client, user_by_sub
from edgetrain.local.cognito.state import SignInState
from edgetrain.local.cognito.tokens import (
    OPENID,
    Grant,
    attributes_of,
    machine_tokens,
    person_tokens,
    read_access_token,
)
from edgetrain.local.wsgi import Reply, Request

REFRESH_ALLOWED: Final = frozenset({"ALLOW_REFRESH_TOKEN_AUTH"})


class OAuthError(Exception):
    """Refused, with OAuth's word for it."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


class Exchange:
    """Gives tokens for what proves that they are due, and takes them back."""

    def __init__(self, state: SignInState) -> None:
        self._state = state

    def token(self, request: Request) -> Reply:
        """`POST /oauth2/token`."""
        form = form_of(request)
        grants = {
            "authorization_code": self._by_code,
            "refresh_token": self._by_refresh_token,
            "client_credentials": self._by_secret,
        }
        try:
            kind = form.get("grant_type")
            if not kind:
                raise OAuthError("invalid_request")
            if kind not in grants:
                raise OAuthError("unsupported_grant_type")
            return json_reply(200, grants[kind](authenticated(request, form), form))
        except OAuthError as refused:
            return error_reply(refused.code, refused.status)

    def _by_code(self, client: Client, form: Mapping[str, str]) -> dict[str, Any]:
        if "code" not in client.grants:
            raise OAuthError("unauthorized_client")
        if not form.get("code") or not form.get("redirect_uri"):
            raise OAuthError("invalid_request")
        code = self._state.codes.take(form["code"])  # whatever comes of it: a code is tried once
        if code is None or code.grant.client_id != client.id or code.redirect_uri != form["redirect_uri"]:
            raise OAuthError("invalid_grant")
        if not proves(form.get("code_verifier"), code.challenge):
            raise OAuthError("invalid_grant")
        answer = self._tokens(client, code.grant)
        refresh = self._state.refreshes.keep(code.grant, client.life_of("RefreshToken"))
        return {**answer, "refresh_token": refresh}

    def _by_refresh_token(self, client: Client, form: Mapping[str, str]) -> dict[str, Any]:
        if REFRESH_ALLOWED.isdisjoint(client.flows) or "code" not in client.grants:
            raise OAuthError("unauthorized_client")
        if not form.get("refresh_token"):
            raise OAuthError("invalid_request")
        grant = self._state.refreshes.look(form["refresh_token"])
        if grant is None or grant.client_id != client.id:
            raise OAuthError("invalid_grant")
        return self._tokens(client, grant)

    def _by_secret(self, client: Client, form: Mapping[str, str]) -> dict[str, Any]:
        if "client_credentials" not in client.grants or client.secret is None:
            raise OAuthError("unauthorized_client")
        wanted = tuple(dict.fromkeys(form.get("scope", "").split())) or client.scopes
        if not wanted or set(wanted) - set(client.scopes):
            raise OAuthError("invalid_scope")
        return machine_tokens(client, wanted, self._state.clock())

    def _tokens(self, client: Client, grant: Grant) -> dict[str, Any]:
        """Tokens for a person who is still there."""
        user = user_by_sub(client.pool, grant.sub)
        if user is None:
            raise OAuthError("invalid_grant")
        return person_tokens(client, user, grant, self._state.clock())

    def revoke(self, request: Request) -> Reply:
        """`POST /oauth2/revoke`: a refresh token and what was made of it. A token that is none is fine."""
        form = form_of(request)
        try:
            if not form.get("token"):
                raise OAuthError("invalid_request")
            client = authenticated(request, form, status=401)
            if not client.revokes:
                raise OAuthError("invalid_request")
            if _is_jwt(form["token"]):
                raise OAuthError("unsupported_token_type")
        except OAuthError as refused:
            return error_reply(refused.code, refused.status)
        grant = self._state.refreshes.look(form["token"])
        if grant is not None and grant.client_id == client.id:
            self._state.revoked.add(grant.origin)
            self._state.refreshes.take(form["token"])
        return Reply(200, {"Content-Length": "0", **NO_STORE, **ANY_ORIGIN})

    def user_info(self, request: Request) -> Reply:
        """`GET /oauth2/userInfo`: who an access token with scope `openid` is of."""
        scheme, _, token = request.header("authorization").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return _not_shown("invalid_request", 400)
        for pool in list(backend().user_pools.values()):
            claims = read_access_token(token.strip(), pool, self._state.clock())
            if claims is not None:
                break
        else:
            return _not_shown("invalid_token", 401)
        client, user = find_client(str(claims["client_id"])), user_by_sub(pool, str(claims["sub"]))
        if client is None or user is None or claims.get("origin_jti") in self._state.revoked:
            return _not_shown("invalid_token", 401)
        if OPENID not in str(claims.get("scope", "")).split():
            return _not_shown("insufficient_scope", 403)
        shown = {
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in attributes_of(client, user).items()
        }
        return json_reply(200, {"sub": claims["sub"], **shown, "username": str(user.username)})


def authenticated(request: Request, form: Mapping[str, str], status: int = 400) -> Client:
    """The client that asks, by `Authorization: Basic` or by the form.

    Raises:
        OAuthError: `invalid_client`, with `status`.
    """
    client_id, secret = form.get("client_id"), form.get("client_secret")
    header = request.header("authorization")
    if header:
        named, secret = _basic(header, status)
        if client_id not in {None, named}:
            raise OAuthError("invalid_client", status)
        client_id = named
    client = find_client(client_id) if client_id else None
    if client is None or client.pool.domain is None or not client.authenticates(secret):
        raise OAuthError("invalid_client", status)
    return client


def _basic(header: str, status: int) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    try:
        client_id, colon, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise OAuthError("invalid_client", status) from error
    if scheme.lower() != "basic" or not colon:
        raise OAuthError("invalid_client", status)
    return client_id, secret


def proves(verifier: str | None, challenge: str | None) -> bool:
    """PKCE, S256 (RFC 7636, section 4.6). Who sent a challenge needs its verifier; who sent none must not show one."""
    if verifier is None or challenge is None:
        return verifier is None and challenge is None
    if not 43 <= len(verifier) <= 128 or not verifier.isascii():
        return False
    digest = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(digest, challenge)


def _is_jwt(token: str) -> bool:
    try:
        jws.extract_compact(token.encode())
    except (JoseError, ValueError):
        return False
    return True


def _not_shown(code: str, status: int) -> Reply:
    return json_reply(status, {"error": code}, {"WWW-Authenticate": f'Bearer error="{code}"'})

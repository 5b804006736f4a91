"""Tokens with the claims that Cognito's have (developer guide: "Understanding the access token", "Understanding the ID token")."""

import hashlib
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError

from edgetrain.local.cognito.keys import ALGORITHM, issuer_of, key_set, signing_key
from edgetrain.local.cognito.pools import Client

OPENID: Final = "openid"
#: Attributes that are true or false; moto keeps what it was given, and that is often text.
BOOLEANS: Final = frozenset({"email_verified", "phone_number_verified"})
#: Version of the tokens that the sign-in page's endpoints make.
VERSION: Final = 2


@dataclass(frozen=True, kw_only=True)
class Grant:
    """That a person lets a client act for them."""

    pool_id: str
    client_id: str
    #: The person's identity: `sub`.
    sub: str
    scopes: tuple[str, ...]
    #: When they signed in, in seconds since 1970.
    auth_time: int
    nonce: str | None = None
    #: In all tokens of one sign-in: what a revocation names.
    origin: str


def new_origin() -> str:
    """A fresh `origin_jti`."""
    return str(uuid.uuid4())


def person_tokens(client: Client, user: Any, grant: Grant, now: float) -> dict[str, Any]:
    """What the token endpoint answers: an access token and, with scope `openid`, an ID token."""
    event = str(uuid.uuid4())
    access = _signed(client, access_claims(client, user, grant, event, int(now)))
    answer = {"access_token": access, "expires_in": client.life_of("AccessToken"), "token_type": "Bearer"}
    if OPENID in grant.scopes:
        answer["id_token"] = _signed(client, id_claims(client, user, grant, event, int(now), access))
    return answer


def access_claims(client: Client, user: Any, grant: Grant, event: str, now: int) -> dict[str, Any]:
    """Who may do what. An access token has no `aud`: API Gateway compares `client_id` in its place."""
    return {
        "sub": grant.sub,
        **_groups(user),
        "iss": issuer_of(client.pool),
        "version": VERSION,
        "client_id": client.id,
        "origin_jti": grant.origin,
        "event_id": event,
        "token_use": "access",
        "scope": " ".join(grant.scopes),
        "auth_time": grant.auth_time,
        "exp": now + client.life_of("AccessToken"),
        "iat": now,
        "jti": str(uuid.uuid4()),
        "username": str(user.username),
    }


def id_claims(client: Client, user: Any, grant: Grant, event: str, now: int, access: str) -> dict[str, Any]:
    """Who somebody is: the attributes that the client may read."""
    half = hashlib.sha256(access.encode()).digest()[:16]
    return {
        **attributes_of(client, user),
        "at_hash": urlsafe_b64encode(half).rstrip(b"=").decode(),
        "sub": grant.sub,
        **_groups(user),
        "iss": issuer_of(client.pool),
        "cognito:username": str(user.username),
        **({"nonce": grant.nonce} if grant.nonce is not None else {}),
        "origin_jti": grant.origin,
        "aud": client.id,
        "event_id": event,
        "token_use": "id",
        "auth_time": grant.auth_time,
        "exp": now + client.life_of("IdToken"),
        "iat": now,
        "jti": str(uuid.uuid4()),
    }


def machine_tokens(client: Client, scopes: tuple[str, ...], now: float) -> dict[str, Any]:
    """What the token endpoint answers to a client that acts for itself."""
    at = int(now)
    claims = {
        "sub": client.id,
        "token_use": "access",
        "scope": " ".join(scopes),
        "auth_time": at,
        "iss": issuer_of(client.pool),
        "exp": at + client.life_of("AccessToken"),
        "iat": at,
        "version": VERSION,
        "jti": str(uuid.uuid4()),
        "client_id": client.id,
    }
    return {
        "access_token": _signed(client, claims),
        "expires_in": client.life_of("AccessToken"),
        "token_type": "Bearer",
    }


def read_access_token(token: str, pool: Any, now: float) -> Mapping[str, Any] | None:
    """The claims of an access token of `pool`; None of anything else."""
    try:
        claims = jwt.decode(token, key_set(pool), algorithms=[ALGORITHM]).claims
    except (JoseError, ValueError):
        return None
    in_time = isinstance(claims.get("exp"), int) and claims["exp"] > now
    ours = claims.get("iss") == issuer_of(pool) and claims.get("token_use") == "access"
    return claims if in_time and ours else None


def attributes_of(client: Client, user: Any) -> dict[str, Any]:
    """The person's attributes that the client may read, `sub` aside."""
    readable = client.record.get_readable_fields()
    return {
        name: str(value).lower() == "true" if name in BOOLEANS else value
        for name, value in user.attribute_lookup.items()
        if name != "sub" and (not readable or name in readable)
    }


def _groups(user: Any) -> dict[str, list[str]]:
    groups = sorted(group.group_name for group in user.groups)
    return {"cognito:groups": groups} if groups else {}


def _signed(client: Client, claims: dict[str, Any]) -> str:
    key = signing_key(client.pool)
    return jwt.encode({"kid": key.kid, "alg": ALGORITHM}, claims, key)

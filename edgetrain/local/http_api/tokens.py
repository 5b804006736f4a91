"""JSON Web Tokens, as a JWT authoriser judges them: signature, issuer, audience, times, scopes."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from edgetrain.local.http_api.definition import Authorizer

#: Finds an issuer's public keys; None of an issuer that is not known.
FindKeys = Callable[[str], KeySet | None]
ALGORITHMS: Final = ["RS256"]
BEARER: Final = re.compile(r"bearer\s+", re.IGNORECASE)
SOURCE: Final = re.compile(r"\$request\.(?P<where>header|querystring)\.(?P<name>.+)")


@dataclass(frozen=True)
class Authorised:
    """A token that is good: its claims, and those of the route's scopes that it has."""

    claims: Mapping[str, Any]
    scopes: tuple[str, ...]

    def texts(self) -> dict[str, str]:
        """The claims as functions get them: everything is text, a list as `[a b]`."""
        return {name: _text(value) for name, value in self.claims.items()}


class Refused(Exception):
    """A request is not let in: `status` is 401 or 403, `challenge` goes into www-authenticate."""

    def __init__(self, status: int, challenge: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.challenge, self.reason = status, challenge, reason


def authorise(
    authorizer: Authorizer,
    scopes: tuple[str, ...],
    *,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    find_keys: FindKeys,
    now: float,
) -> Authorised:
    """Judge the token of a request; `scopes` are the route's, `now` is seconds since the epoch.

    Raises:
        Refused: 401 without a good token, 403 when it has none of the scopes.
    """
    token = _token(authorizer.identity_source, headers, query)
    if not token:
        raise Refused(401, "Bearer", "no token")
    try:
        claims = _verified(token, authorizer.issuer, find_keys)
        _check_claims(claims, authorizer, now)
    except ValueError as error:
        challenge = f'Bearer scope="{" ".join(scopes)}" error="invalid_token" error_description="{error}"'
        raise Refused(401, challenge, str(error)) from error
    granted = _scopes(claims)
    matching = tuple(scope for scope in scopes if scope in granted)
    if scopes and not matching:
        reason = "the token has none of the scopes of the route"
        challenge = f'Bearer scope="{" ".join(scopes)}" error="insufficient_scope" error_description="{reason}"'
        raise Refused(403, challenge, reason)
    return Authorised(claims, matching)


def _token(source: str, headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    """The token where the identity source says that it is, without a `Bearer` before it; empty where there is none."""
    found = SOURCE.fullmatch(source)
    if found is None:
        return ""
    name = found["name"]
    value = headers.get(name.lower(), "") if found["where"] == "header" else query.get(name, "")
    return BEARER.sub("", value.strip(), count=1) if BEARER.match(value.strip()) else value.strip()


def _verified(token: str, issuer: str, find_keys: FindKeys) -> dict[str, Any]:
    """The claims of a token that the issuer has signed.

    Raises:
        ValueError: it is no such token.
    """
    keys = find_keys(issuer)
    if keys is None:
        raise ValueError("the keys of the issuer cannot be found")
    try:
        # The key is chosen by us: a token that names none is not tried with every key.
        decoded = jwt.decode(token, lambda signed: _key(keys, signed.headers()), algorithms=ALGORITHMS)
    except (JoseError, ValueError, TypeError, UnicodeError) as error:
        reason = str(error) if isinstance(error, _KeyNotFound) else "signature is invalid"
        raise ValueError(reason) from error
    claims = decoded.claims
    if not isinstance(claims, dict):
        raise ValueError("the token's claims are not an object")  # noqa: TRY004 (not a type error of ours)
    return claims


class _KeyNotFound(ValueError):
    """No key of the issuer has the token's kid."""


def _key(keys: KeySet, header: Mapping[str, Any]) -> Any:
    found = next((key for key in keys.keys if key.kid == header.get("kid")), None)
    if found is None:
        raise _KeyNotFound("the token's kid is not one of the issuer's keys")
    return found


def _check_claims(claims: Mapping[str, Any], authorizer: Authorizer, now: float) -> None:
    if claims.get("iss") != authorizer.issuer:
        raise ValueError("the token does not have a valid issuer")
    audience = _texts(claims["aud"]) if "aud" in claims else _texts(claims.get("client_id"))
    if authorizer.audience.isdisjoint(audience):
        raise ValueError("the token does not have a valid audience")
    expires = _number(claims, "exp")
    if expires is None or expires <= now:
        raise ValueError("the token has expired")
    for name in ("nbf", "iat"):
        since = _number(claims, name)
        if since is not None and since > now:
            raise ValueError(f"the token is used before its {name}")


def _number(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"the token's {name} is not a number")  # noqa: TRY004 (not a type error of ours)
    return float(value)


def _scopes(claims: Mapping[str, Any]) -> set[str]:
    return {scope for name in ("scope", "scp") for text in _texts(claims.get(name)) for scope in text.split()}


def _texts(value: Any) -> list[str]:
    given = value if isinstance(value, list) else [value]
    return [each for each in given if isinstance(each, str)]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return f"map[{' '.join(f'{name}:{_text(each)}' for name, each in sorted(value.items()))}]"
    if isinstance(value, Iterable) and not isinstance(value, str):
        return f"[{' '.join(map(_text, value))}]"
    return "<nil>" if value is None else str(value)

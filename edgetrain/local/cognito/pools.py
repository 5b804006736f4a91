"""What moto keeps of pools, clients and people, read with the types and the rules that signing in needs."""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from edgetrain.local.place import ACCOUNT, REGION

#: Unit of a token's life -> seconds.
UNITS: Final = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400}
#: Token -> (property of its life, what Cognito takes where a client says nothing, its unit).
LIVES: Final = {
    "AccessToken": ("AccessTokenValidity", 1, "hours"),
    "IdToken": ("IdTokenValidity", 1, "hours"),
    "RefreshToken": ("RefreshTokenValidity", 30, "days"),
}
#: What a client that names no flows may do at the pool's API.
DEFAULT_FLOWS: Final = ("ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH")


def backend() -> Any:
    """The back end of moto's user pools."""
    from moto.cognitoidp.models import cognitoidp_backends

    return cognitoidp_backends[ACCOUNT][REGION]


def find_pool(pool_id: str) -> Any:
    """The pool as moto keeps it, or None."""
    return backend().user_pools.get(pool_id)


@dataclass(frozen=True)
class Client:
    """An app client: moto's records of it and of its pool."""

    pool: Any
    record: Any

    @property
    def id(self) -> str:
        return str(self.record.id)

    @property
    def secret(self) -> str | None:
        """None of a public client."""
        return str(self.record.secret) if self.record.generate_secret else None

    @property
    def grants(self) -> frozenset[str]:
        """`code`, `client_credentials`; none where the sign-in page is not this client's to use."""
        allowed = self.record.extended_config.get("AllowedOAuthFlowsUserPoolClient", False)
        return frozenset(self._listed("AllowedOAuthFlows")) if allowed else frozenset()

    @property
    def scopes(self) -> tuple[str, ...]:
        return self._listed("AllowedOAuthScopes")

    @property
    def callbacks(self) -> tuple[str, ...]:
        return self._listed("CallbackURLs")

    @property
    def logouts(self) -> tuple[str, ...]:
        return self._listed("LogoutURLs")

    @property
    def flows(self) -> tuple[str, ...]:
        """What it may do at the pool's API: `ALLOW_REFRESH_TOKEN_AUTH`, ..."""
        return self._listed("ExplicitAuthFlows") or DEFAULT_FLOWS

    @property
    def hides_people(self) -> bool:
        """Whether nobody may learn who has an account."""
        return bool(self.record.extended_config.get("PreventUserExistenceErrors") == "ENABLED")

    @property
    def revokes(self) -> bool:
        return bool(self.record.extended_config.get("EnableTokenRevocation", True))

    def life_of(self, token: str) -> int:
        """Seconds that a token (`AccessToken`, `IdToken`, `RefreshToken`) lives."""
        settings = self.record.extended_config
        name, value, unit = LIVES[token]
        if settings.get(name):
            value, unit = int(settings[name]), settings.get("TokenValidityUnits", {}).get(token, unit)
        return value * UNITS[unit]

    def authenticates(self, secret: str | None) -> bool:
        """Whether this is its secret; a public client must not show one."""
        if self.secret is None or secret is None:
            return self.secret is None and secret is None
        return hmac.compare_digest(self.secret.encode(), secret.encode())

    def _listed(self, name: str) -> tuple[str, ...]:
        return tuple(self.record.extended_config.get(name) or ())


def find_client(client_id: str) -> Client | None:
    """The client of this id, in whichever pool."""
    for pool in list(backend().user_pools.values()):
        if client_id in pool.clients:
            return Client(pool, pool.clients[client_id])
    return None


def find_user(pool: Any, name: str) -> Any:
    """The person of this name, as the pool's settings compare names: whatever the case, or by an alias. None of nobody.

    An e-mail address is an alias once it is verified.
    """
    settings = pool.extended_config
    sensitive = settings.get("UsernameConfiguration", {}).get("CaseSensitive", True)
    wanted = name if sensitive else name.casefold()
    for user in list(pool.users.values()):
        if any(wanted == (each if sensitive else each.casefold()) for each in _names(settings, user)):
            return user
    return None


def _names(settings: Any, user: Any) -> Iterator[str]:
    yield str(user.username)
    known = user.attribute_lookup
    for attribute in settings.get("UsernameAttributes") or ():
        yield str(known.get(attribute, ""))
    for alias in settings.get("AliasAttributes") or ():
        if str(known.get(f"{alias}_verified", "true" if alias == "preferred_username" else "false")).lower() == "true":
            yield str(known.get(alias, ""))


def user_by_sub(pool: Any, sub: str) -> Any:
    """The person of this identity who may still sign in, or None."""
    return next((user for user in list(pool.users.values()) if user.id == sub and user.enabled), None)

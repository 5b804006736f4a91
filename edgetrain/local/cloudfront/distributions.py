"""The distributions and policies that stand in this cloud."""

import hashlib
import threading
from typing import Final

from edgetrain.local.cloudfront.cache import Cache
from edgetrain.local.cloudfront.configuration import Distribution
from edgetrain.local.cloudfront.policies import HeadersPolicy
from edgetrain.local.place import ACCOUNT, LOOPBACK, PARTITION

#: Hosts that mean this machine: they show the distribution that was made last.
OWN_HOSTS: Final = (LOOPBACK, "localhost", "[::1]")
ID_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ID_LENGTH: Final = 13


class Distributions:
    """Distributions in the order in which they were made, headers policies by id, and the cache of all."""

    def __init__(self, cache: Cache | None = None) -> None:
        self.cache = cache or Cache()
        self._standing: dict[str, Distribution] = {}
        self._policies: dict[str, HeadersPolicy] = {}
        self._lock = threading.Lock()

    def keep(self, distribution: Distribution) -> None:
        """Serve it from now on, or as it is now. Kept answers stay: changing a distribution invalidates nothing."""
        with self._lock:
            self._standing[distribution.id] = distribution

    def remove(self, identity: str) -> None:
        """Serve it no longer."""
        with self._lock:
            self._standing.pop(identity, None)
        self.cache.invalidate(identity, ["/*"])

    @property
    def is_empty(self) -> bool:
        """Whether none stands."""
        return not self._standing

    def find(self, host: str) -> Distribution | None:
        """Whom a request with this `Host` is for.

        This machine's own names mean the distribution that was made last; `d1abc.cloudfront.net`, an alias, or
        `d1abc.localhost` mean theirs; any other host nobody's.
        """
        name = host.lower().rsplit(":", 1)[0] if not host.endswith("]") else host.lower()
        with self._lock:
            standing = [each for each in reversed(self._standing.values()) if each.is_enabled]
        if name in OWN_HOSTS:
            return standing[0] if standing else None
        return next((each for each in standing if name in _names_of(each)), None)

    def keep_policy(self, identity: str, policy: HeadersPolicy) -> None:
        """Distributions that name this id set its headers from now on."""
        with self._lock:
            self._policies[identity] = policy

    def remove_policy(self, identity: str) -> None:
        with self._lock:
            self._policies.pop(identity, None)

    def policy(self, identity: str) -> HeadersPolicy:
        """The policy of this id; one without headers where there is none."""
        return self._policies.get(identity, HeadersPolicy(()))


def _names_of(distribution: Distribution) -> tuple[str, ...]:
    label = distribution.domain.split(".", 1)[0]
    return (distribution.domain, f"{label}.localhost", *(alias.lower() for alias in distribution.aliases))


def identity_of(name: str) -> str:
    """`E0123456789ABC`: CloudFront's kind of id, the same for the same name."""
    return "E" + _letters(name, "id")


def domain_of(name: str) -> str:
    """`d0123456789abc.cloudfront.net`, the same for the same name."""
    return f"d{_letters(name, 'domain').lower()}.cloudfront.net"


def arn_of(identity: str) -> str:
    """What a bucket's policy grants to."""
    return f"arn:{PARTITION}:cloudfront::{ACCOUNT}:distribution/{identity}"


def _letters(name: str, what: str) -> str:
    number = int.from_bytes(hashlib.sha256(f"{what}\0{name}".encode()).digest(), "big")
    letters = []
    for _ in range(ID_LENGTH):
        number, each = divmod(number, len(ID_LETTERS))
        letters.append(ID_LETTERS[each])
    return "".join(letters)

"""What an HTTP API is made of, as plain values: requests are answered by these, wherever they are kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final

DEFAULT: Final = "$default"
ANY: Final = "ANY"


@dataclass(frozen=True)
class Segment:
    """One part of a route's path between slashes: text, `{name}`, or `{name+}` for all that follows."""

    text: str
    name: str = ""
    greedy: bool = False

    @property
    def rank(self) -> int:
        """The more exact of two routes has the smaller ranks, from left to right."""
        return 2 if self.greedy else int(bool(self.name))


@dataclass(frozen=True)
class RouteKey:
    """`GET /models/{task}` in parts; `$default` has neither method nor path."""

    text: str
    method: str
    path: str
    segments: tuple[Segment, ...]


@lru_cache(maxsize=4096)
def route_key(text: str) -> RouteKey:
    """Read a route's key.

    Raises:
        ValueError: it is neither `$default` nor a method and a path.
    """
    if text == DEFAULT:
        return RouteKey(text, "", "", ())
    method, _, path = text.partition(" ")
    if not method or not path.startswith("/"):
        raise ValueError(f"route key {text!r}: expected {DEFAULT} or a method and a path, such as GET /models")
    return RouteKey(text, method, path, tuple(map(_segment, path[1:].split("/"))))


def _segment(text: str) -> Segment:
    if not (text.startswith("{") and text.endswith("}")):
        return Segment(text)
    name = text[1:-1]
    return Segment(text, name.removesuffix("+"), name.endswith("+"))


@dataclass(frozen=True, kw_only=True)
class Integration:
    """The function behind a route (name or ARN), and how long it may take."""

    function: str
    timeout_seconds: float


@dataclass(frozen=True, kw_only=True)
class Authorizer:
    """A JWT authoriser: whose tokens, for whom, and where a request carries one."""

    issuer: str
    audience: frozenset[str]
    identity_source: str


@dataclass(frozen=True, kw_only=True)
class Route:
    """A route: `authorization` is NONE or JWT (anything else is refused), `scopes` are those of which a token needs one."""

    key: RouteKey
    integration_id: str
    authorization: str = "NONE"
    authorizer_id: str | None = None
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Cors:
    """Which pages of other origins may use an API; the fields are those of the API's configuration."""

    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    max_age: int | None = None
    credentials: bool = False


@dataclass(frozen=True, kw_only=True)
class Definition:
    """An API as it was deployed."""

    routes: tuple[Route, ...]
    integrations: Mapping[str, Integration]
    authorizers: Mapping[str, Authorizer]
    cors: Cors | None = None

    @cached_property
    def default_route(self) -> Route | None:
        return next((route for route in self.routes if route.key.text == DEFAULT), None)


@dataclass(frozen=True)
class Throttle:
    """Requests a second in the long run, and how many at once."""

    rate: float | None = None
    burst: int | None = None


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage: an API under a name. `throttles` are by route key, `default_throttle` is each other route's."""

    name: str
    definition: Definition
    variables: Mapping[str, str] = field(default_factory=dict)
    default_throttle: Throttle = Throttle()
    throttles: Mapping[str, Throttle] = field(default_factory=dict)
    log_group: str = ""
    log_format: str = ""

    def throttle_of(self, key: str) -> Throttle:
        """A route's limits: what it does not set itself is the stage's."""
        own, rest = self.throttles.get(key, Throttle()), self.default_throttle
        return Throttle(rest.rate if own.rate is None else own.rate, rest.burst if own.burst is None else own.burst)

"""Which route answers a method and a path."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from edgetrain.local.http_api.definition import ANY, Definition, Route, Segment


@dataclass(frozen=True)
class Match:
    """A route, and what the path has in place of its parameters (decoded)."""

    route: Route
    parameters: Mapping[str, str]


def select(definition: Definition, method: str, path: str) -> Match | None:
    """The most exact route for a request, else `$default`, else None.

    `path` is without the stage, begins with a slash and is percent-encoded: its parts are decoded one by one. A slash at
    its end counts: `/labels/` is not `/labels`. Text comes before `{name}`, that before `{name+}`, each compared from
    left to right; then the method's own route before one of ANY.
    """
    parts = path[1:].split("/")
    found = min(_matches(definition.routes, method, parts), key=lambda each: each[0], default=None)
    if found is not None:
        return found[1]
    return None if definition.default_route is None else Match(definition.default_route, {})


def _matches(
    routes: Iterable[Route], method: str, parts: list[str]
) -> Iterable[tuple[tuple[tuple[int, ...], bool], Match]]:
    for route in routes:
        key = route.key
        if key.method not in {method, ANY}:
            continue
        parameters = _parameters(key.segments, parts)
        if parameters is not None:
            ranks = tuple(segment.rank for segment in key.segments)
            yield (ranks, key.method == ANY), Match(route, parameters)


def _parameters(segments: tuple[Segment, ...], parts: list[str]) -> dict[str, str] | None:
    """The parameters of a path that fits, else None."""
    greedy = segments[-1].greedy
    if len(parts) < len(segments) or (len(parts) > len(segments) and not greedy):
        return None
    found = {}
    for position, segment in enumerate(segments):
        part = "/".join(parts[position:]) if segment.greedy else parts[position]
        if segment.name:
            if not part:
                return None
            found[segment.name] = unquote(part)
        elif segment.text != unquote(part):
            return None
    return found

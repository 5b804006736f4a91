"""A request and its answer as plain values, and what all routes ask of a request."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from edgetrain.errors import RequestRefused

#: More parameters than any route has; the parser counts before it splits.
MAX_PARAMETERS: Final = 20
WHOLE: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
#: Shown of what a caller sent wrong.
SHOWN_CHARACTERS: Final = 60

NO_STORE: Final = "no-store"
REVALIDATE: Final = "no-cache"


@dataclass(frozen=True)
class Request:
    """What came in. Header names are lower-case; `query` is as it was sent, percent-encoded."""

    headers: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    path: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Response:
    """What goes out: `body` is a value to be written as JSON, or JSON already (bytes), or None for no body at all."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


def shown(value: str) -> str:
    """A caller's word for a sentence: quoted, in ASCII, cut."""
    return ascii(value if len(value) <= SHOWN_CHARACTERS else value[:SHOWN_CHARACTERS] + "...")


def parameters(request: Request, *known: str) -> dict[str, str]:
    """The query's parameters.

    Raises:
        RequestRefused: one is not known, is given twice, or the query is not UTF-8.
    """
    try:
        pairs = parse_qsl(request.query, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError as error:
        raise _wrong(f"the query cannot be read: expected {_expected(known)}, percent-encoded UTF-8") from error
    found: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            raise _wrong(f"the query has {shown(name)}: expected {_expected(known)}")
        if name in found:
            raise _wrong(f"the query has {name} twice: expected it once")
        found[name] = value
    return found


def whole(name: str, value: str, most: int) -> int:
    """A parameter that is a whole number from 1 to `most`.

    Raises:
        RequestRefused: it is not.
    """
    if not WHOLE.fullmatch(value) or not 1 <= int(value) <= most:
        raise _wrong(f"{name} is {shown(value)}: expected a whole number from 1 to {most}")
    return int(value)


def _wrong(message: str) -> RequestRefused:
    return RequestRefused(message, code="parameter_invalid")


def _expected(known: tuple[str, ...]) -> str:
    return f"no parameters but {', '.join(known)}" if known else "no parameters"

"""JSON as it travels between states: a value and its text, each made once."""

import json
from typing import Any, Final

from edgetrain.limits import STATE_PAYLOAD_BYTES

# Values come from JSON, so they hold no circle.
_COMPACT: Final = json.JSONEncoder(check_circular=False, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_ASCII: Final = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def to_text(value: Any) -> str:
    """Compact JSON. A lone surrogate, which UTF-8 cannot hold, is escaped.

    Raises:
        ValueError: NaN or an infinity, which JSON cannot hold.
    """
    text = _COMPACT.encode(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return _ASCII.encode(value)
    return text


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def from_text(text: str | bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is no JSON (NaN and Infinity are none), or nested too deeply to read.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def same_value(one: Any, other: Any) -> bool:
    """Equal as JSON: unlike in Python, 1, 1.0 and true are three values."""
    return canonical(one) == canonical(other)


def canonical(value: Any) -> str:
    """A text that two values share exactly when they are equal as JSON."""
    return json.dumps(value, sort_keys=True)


class Document:
    """A value and its JSON text. The value is shared between states and never changed in place."""

    __slots__ = ("_text", "value")

    def __init__(self, value: Any, text: str | None = None) -> None:
        self.value = value
        self._text = text

    @classmethod
    def of_text(cls, text: str) -> "Document":
        """The value of a JSON text, with it. Raises as `from_text`."""
        return cls(from_text(text), text)

    @property
    def text(self) -> str:
        if self._text is None:
            self._text = to_text(self.value)
        return self._text

    @property
    def oversized(self) -> bool:
        """Whether it is larger than a state may hand on (bytes of UTF-8)."""
        return oversized(self.text)


def oversized(text: str) -> bool:
    """Whether `text` is longer than a state's payload may be. A character takes at most four bytes."""
    if len(text) * 4 <= STATE_PAYLOAD_BYTES:
        return False
    return len(text.encode()) > STATE_PAYLOAD_BYTES

"""Timestamps as the States Language has them: RFC 3339 with a capital T and a zone."""

import re
from datetime import UTC, datetime
from typing import Final

_SHAPE: Final = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})", re.ASCII)


def parse_timestamp(text: object) -> float | None:
    """Epoch seconds, or None when it is no such timestamp."""
    found = _SHAPE.fullmatch(text) if isinstance(text, str) else None
    if not found:
        return None
    zone = "+00:00" if found[3] == "Z" else found[3]
    try:
        return datetime.fromisoformat(found[1] + zone).timestamp() + float(found[2] or 0)
    except (ValueError, OverflowError):
        return None


def show_timestamp(seconds: float) -> str:
    """As the context object has it: UTC, milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""What templates' configurations have in common."""

from collections.abc import Mapping, Set
from typing import Any


def refuse_unknown(what: str, declared: Mapping[str, Any], known: Set[str]) -> None:
    """Let nothing be passed over.

    Raises:
        ValueError: something is declared that is not `known`.
    """
    if unknown := sorted(set(declared) - known):
        raise ValueError(f"the embedded cloud's CloudFront does not know a {what}'s {', '.join(unknown)}")


def is_true(value: Any) -> bool:
    """Whether a template says so: by a truth, or by a text."""
    return str(value).lower() == "true"

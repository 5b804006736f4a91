"""The conditions of a JSONPath filter, `[?(...)]`."""

import re
from dataclasses import dataclass
from typing import Any, Final, Protocol

from edgetrain.local.stepfunctions.documents import same_value

_ABSENT: Final = object()


class Condition(Protocol):
    """Holds, or not, for one element; `root` is the state's data."""

    def holds(self, element: Any, root: Any) -> bool: ...


@dataclass(frozen=True)
class Literal:
    """A value in the path's text, or a compiled pattern."""

    value: Any

    def of(self, element: Any, root: Any) -> Any:  # noqa: ARG002 - an operand's signature
        return self.value


@dataclass(frozen=True)
class Relative:
    """A value found from the element (`@`) or from the state's data (`$`)."""

    of_root: bool
    steps: tuple[str | int, ...]

    def of(self, element: Any, root: Any) -> Any:
        node = root if self.of_root else element
        for step in self.steps:
            named = isinstance(node, dict) and isinstance(step, str) and step in node
            indexed = isinstance(node, list) and isinstance(step, int) and -len(node) <= step < len(node)
            if not (named or indexed):
                return _ABSENT
            node = node[step]
        return node


Operand = Literal | Relative


@dataclass(frozen=True)
class Exists:
    """The operand points to something, be it null."""

    operand: Operand

    def holds(self, element: Any, root: Any) -> bool:
        return self.operand.of(element, root) is not _ABSENT


@dataclass(frozen=True)
class Not:
    inner: Condition

    def holds(self, element: Any, root: Any) -> bool:
        return not self.inner.holds(element, root)


@dataclass(frozen=True)
class And:
    terms: tuple[Condition, ...]

    def holds(self, element: Any, root: Any) -> bool:
        return all(term.holds(element, root) for term in self.terms)


@dataclass(frozen=True)
class Or:
    terms: tuple[Condition, ...]

    def holds(self, element: Any, root: Any) -> bool:
        return any(term.holds(element, root) for term in self.terms)


@dataclass(frozen=True)
class Comparison:
    """Two operands and what must hold between them. Values of different kinds are neither equal nor ordered."""

    left: Operand
    operator: str
    right: Operand

    def holds(self, element: Any, root: Any) -> bool:
        left, right = self.left.of(element, root), self.right.of(element, root)
        match self.operator:
            case "==":
                return _equal(left, right)
            case "!=":
                return not _equal(left, right)
            case "=~":
                return isinstance(left, str) and isinstance(right, re.Pattern) and bool(right.fullmatch(left))
            case "in":
                return isinstance(right, list) and any(_equal(left, each) for each in right)
            case "nin":
                return isinstance(right, list) and not any(_equal(left, each) for each in right)
        return _ordered(left, right) and _ORDERS[self.operator](left, right)


_ORDERS: Final = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def is_number(value: Any) -> bool:
    """A JSON number: true and false are none, as Python has it."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal(left: Any, right: Any) -> bool:
    if left is _ABSENT or right is _ABSENT:
        return False
    if is_number(left) and is_number(right):
        return bool(left == right)
    return same_value(left, right)


def _ordered(left: Any, right: Any) -> bool:
    return (is_number(left) and is_number(right)) or (isinstance(left, str) and isinstance(right, str))

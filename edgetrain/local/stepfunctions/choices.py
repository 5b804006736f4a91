"""The rules of a Choice state, compiled into conditions."""

import re
from collections.abc import Callable
from typing import Any, Final

from edgetrain.local.stepfunctions.definition import Condition
from edgetrain.local.stepfunctions.failures import RUNTIME, EvaluationFailed, PathNotFound
from edgetrain.local.stepfunctions.path_filters import is_number
from edgetrain.local.stepfunctions.paths import Path
from edgetrain.local.stepfunctions.reading import Fields
from edgetrain.local.stepfunctions.timestamps import parse_timestamp

#: How a value is compared as this type, or None when it is not of it.
_TYPES: Final[dict[str, Callable[[Any], Any]]] = {
    # Java's order of texts, by UTF-16 units.
    "String": lambda value: value.encode("utf-16-be", "surrogatepass") if isinstance(value, str) else None,
    "Numeric": lambda value: value if is_number(value) else None,
    "Boolean": lambda value: value if isinstance(value, bool) else None,
    "Timestamp": parse_timestamp,
}
_ORDERS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "Equals": lambda one, other: one == other,
    "LessThan": lambda one, other: one < other,
    "LessThanEquals": lambda one, other: one <= other,
    "GreaterThan": lambda one, other: one > other,
    "GreaterThanEquals": lambda one, other: one >= other,
}
_KINDS: Final[dict[str, Callable[[Any], bool]]] = {
    "IsNull": lambda value: value is None,
    "IsNumeric": is_number,
    "IsString": lambda value: isinstance(value, str),
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsTimestamp": lambda value: parse_timestamp(value) is not None,
}
_COMPARISONS: Final = {
    f"{kind}{order}": (kind, order) for kind in _TYPES for order in _ORDERS if kind != "Boolean" or order == "Equals"
}
_OPERATORS: Final = {
    "And", "Or", "Not", "IsPresent", "StringMatches", *_KINDS, *_COMPARISONS, *(f"{name}Path" for name in _COMPARISONS)
}  # fmt: skip


def compile_rule(fields: Fields) -> Condition:
    """Read a rule; what is wrong with it is noted with its place."""
    operators = [name for name in fields.names() if name in _OPERATORS]
    if len(operators) != 1:
        fields.wrong("", "Expected exactly one comparison operator")
        for operator in operators:
            fields.raw(operator)
        fields.raw("Variable")
        return _never
    operator = operators[0]
    if operator in {"And", "Or"}:
        return _several(fields, operator)
    if operator == "Not":
        inner = _nested(fields.inner("Not"))
        return lambda data, context: not inner(data, context)
    fields.required("Variable")
    variable = fields.given_path("Variable")
    return _test(fields, operator, variable) if variable is not None else _never_after(fields, operator)


def _never(data: Any, context: Any) -> bool:  # noqa: ARG001 - a condition's signature
    """Stands in for a rule that was refused."""
    return False


def _never_after(fields: Fields, operator: str) -> Condition:
    fields.raw(operator)
    return _never


def _nested(fields: Fields) -> Condition:
    condition = compile_rule(fields)
    fields.done()
    return condition


def _several(fields: Fields, operator: str) -> Condition:
    inner = [_nested(each) for each in fields.elements(operator)]
    if not inner:
        fields.wrong(operator, "Expected a non-empty array")
    join = all if operator == "And" else any
    return lambda data, context: join(each(data, context) for each in inner)


def _test(fields: Fields, operator: str, variable: Path) -> Condition:
    if operator == "IsPresent" or operator in _KINDS:
        return _kind_test(fields, operator, variable)
    if operator == "StringMatches":
        return _match_test(fields, variable)
    of_path = operator.endswith("Path")
    kind, order = _COMPARISONS[operator.removesuffix("Path")]
    read, compare = _TYPES[kind], _ORDERS[order]
    if of_path:
        other = fields.given_path(operator)
        if other is None:
            return _never

        def paths_compare(data: Any, context: Any) -> bool:
            left = read(_found(variable, data, context))
            right = read(_found(other, data, context))
            return left is not None and right is not None and compare(left, right)

        return paths_compare
    wanted = read(fields.raw(operator))
    if wanted is None:
        fields.wrong(operator, f"Expected a {kind.lower()}")
        return _never

    def compares(data: Any, context: Any) -> bool:
        left = read(_found(variable, data, context))
        return left is not None and compare(left, wanted)

    return compares


def _kind_test(fields: Fields, operator: str, variable: Path) -> Condition:
    wanted = fields.raw(operator)
    if not isinstance(wanted, bool):
        fields.wrong(operator, "Expected true or false")
        return _never
    if operator == "IsPresent":
        return lambda data, context: _present(variable, data, context) is wanted
    is_of_kind = _KINDS[operator]
    return lambda data, context: is_of_kind(_found(variable, data, context)) is wanted


def _match_test(fields: Fields, variable: Path) -> Condition:
    pattern = fields.raw("StringMatches")
    if not isinstance(pattern, str):
        fields.wrong("StringMatches", "Expected a string")
        return _never
    expression = re.compile(_wildcards(pattern), re.DOTALL)

    def matches(data: Any, context: Any) -> bool:
        value = _found(variable, data, context)
        return isinstance(value, str) and expression.fullmatch(value) is not None

    return matches


def _wildcards(pattern: str) -> str:
    """A regular expression for a text in which `*` stands for any characters and a backslash takes that back."""
    pieces = []
    characters = iter(pattern)
    for character in characters:
        if character == "*":
            pieces.append(".*")
        else:
            pieces.append(re.escape(next(characters, "\\") if character == "\\" else character))
    return "".join(pieces)


def _present(path: Path, data: Any, context: Any) -> bool:
    try:
        found = path.find(data, context)
    except PathNotFound:
        return False
    return path.definite or bool(found)


def _found(path: Path, data: Any, context: Any) -> Any:
    try:
        return path.find(data, context)
    except PathNotFound:
        raise EvaluationFailed(
            RUNTIME, f"Invalid path '{path.text}': The choice state's condition path references an invalid value."
        ) from None

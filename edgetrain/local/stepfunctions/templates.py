"""Payload templates (`Parameters`, `ResultSelector`, `ItemSelector`): JSON whose fields named `x.$` are computed."""

from dataclasses import dataclass
from typing import Any

from edgetrain.local.stepfunctions.documents import to_text
from edgetrain.local.stepfunctions.failures import RUNTIME, EvaluationFailed, PathNotFound
from edgetrain.local.stepfunctions.intrinsics import Expression, compile_expression
from edgetrain.local.stepfunctions.paths import Path
from edgetrain.local.stepfunctions.scanning import SyntaxProblem


@dataclass(frozen=True)
class Constant:
    """A part without computed fields."""

    value: Any

    def fill(self, data: Any, context: Any) -> Any:  # noqa: ARG002 - a template's signature
        return self.value


@dataclass(frozen=True)
class Computed:
    """The value of a field `x.$`; `field` is its name as written."""

    field: str
    expression: Expression

    def fill(self, data: Any, context: Any) -> Any:
        try:
            return self.expression.find(data, context)
        except PathNotFound:
            path = self.expression.text if isinstance(self.expression, Path) else str(self.expression)
            shown = context if isinstance(self.expression, Path) and self.expression.of_context else data
            raise EvaluationFailed(RUNTIME, not_found(path, self.field, shown)) from None


@dataclass(frozen=True)
class Fields:
    """An object."""

    parts: "tuple[tuple[str, Template], ...]"

    def fill(self, data: Any, context: Any) -> Any:
        return {name: part.fill(data, context) for name, part in self.parts}


@dataclass(frozen=True)
class Elements:
    """An array."""

    parts: "tuple[Template, ...]"

    def fill(self, data: Any, context: Any) -> Any:
        return [part.fill(data, context) for part in self.parts]


Template = Constant | Computed | Fields | Elements


def not_found(path: str, field: str, data: Any) -> str:
    """AWS's sentence for a path that points to nothing."""
    return f"The JSONPath '{path}' specified for the field '{field}' could not be found in the input '{to_text(data)}'"


def compile_template(value: Any) -> Template:
    """Read a template.

    Raises:
        SyntaxProblem: a computed field is neither a path nor a call, or is there twice.
    """
    if isinstance(value, dict):
        return _compile_fields(value)
    if isinstance(value, list):
        parts = tuple(map(compile_template, value))
        return Constant(value) if _constant(parts) else Elements(parts)
    return Constant(value)


def _compile_fields(value: dict[str, Any]) -> Template:
    parts: list[tuple[str, Template]] = []
    for field, inner in value.items():
        if not field.endswith(".$"):
            parts.append((field, compile_template(inner)))
            continue
        name = field[:-2]
        if name in value:
            raise SyntaxProblem(f"The fields '{name}' and '{field}' are both there")
        try:
            if not isinstance(inner, str):
                raise SyntaxProblem(f"met {to_text(inner)}")
            parts.append((name, Computed(field, compile_expression(inner))))
        except SyntaxProblem as problem:
            raise SyntaxProblem(
                f"The value for the field '{field}' must be a valid JSONPath or a valid intrinsic function call ({problem})"
            ) from None
    return Constant(value) if _constant(tuple(part for _, part in parts)) else Fields(tuple(parts))


def _constant(parts: tuple[Template, ...]) -> bool:
    return all(isinstance(part, Constant) for part in parts)

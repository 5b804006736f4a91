"""Reading a part of a definition: its fields one by one, with every problem and its place collected."""

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from edgetrain import limits
from edgetrain.local.stepfunctions.failures import InvalidDefinition
from edgetrain.local.stepfunctions.intrinsics import Expression, compile_expression
from edgetrain.local.stepfunctions.paths import Path, compile_path
from edgetrain.local.stepfunctions.scanning import SyntaxProblem
from edgetrain.local.stepfunctions.templates import Template, compile_template

Read = TypeVar("Read")
WHOLE: Final = compile_path("$")
_MISSING: Final = object()


class Problems:
    """What is wrong with a definition."""

    def __init__(self) -> None:
        self._found: list[str] = []

    def add(self, code: str, sentence: str, place: str) -> None:
        """Note a problem at `place`, which names the state (`/States/Train/Resource`)."""
        self._found.append(f"{code}: {sentence} at {place or '/'}")

    def raise_any(self) -> None:
        """Refuse the definition if anything is wrong with it."""
        if self._found:
            raise InvalidDefinition(f"Invalid State Machine Definition: '{', '.join(self._found)}'")


class Fields:
    """An object of the definition. What nobody asks for is refused by `done`."""

    def __init__(self, value: Any, place: str, problems: Problems, *, commented: bool = True) -> None:
        """`commented`: a field `Comment` is a comment and no content."""
        self.place, self.problems = place, problems
        if not isinstance(value, dict):
            problems.add("SCHEMA_VALIDATION_FAILED", "Expected an object", place)
            value = {}
        self._value: dict[str, Any] = value
        self._asked: set[str] = {"Comment"} if commented else set()
        if commented and not isinstance(value.get("Comment", ""), str):
            self.wrong("Comment", "Expected a string")

    def __contains__(self, name: str) -> bool:
        return name in self._value

    def names(self) -> Iterable[str]:
        """The fields that are there."""
        return self._value.keys()

    def wrong(self, name: str, sentence: str, code: str = "SCHEMA_VALIDATION_FAILED") -> None:
        """Note that a field is wrong."""
        self.problems.add(code, sentence, f"{self.place}/{name}" if name else self.place)

    def raw(self, name: str, default: Any = None) -> Any:
        """A field's value, unread."""
        self._asked.add(name)
        return self._value.get(name, default)

    def required(self, *names: str) -> None:
        """Note which of these fields are not there."""
        absent = [name for name in names if name not in self._value]
        if absent:
            self.wrong("", f"These fields are required: [{', '.join(absent)}]")

    def at_most_one(self, *names: str) -> None:
        """Note when more than one of these fields is there."""
        there = [name for name in names if name in self._value]
        if len(there) > 1:
            self.wrong("", f"Only one of these fields is allowed: [{', '.join(there)}]")

    def done(self) -> None:
        """Refuse every field that was not asked for: what is not implemented is never passed over."""
        for name in sorted(self._value.keys() - self._asked):
            self.wrong(name, f"Field '{name}' is not supported", "NOT_SUPPORTED")

    # --- typed fields

    def text(self, name: str, default: str | None = None) -> str | None:
        value = self.raw(name, default)
        if value is not default and not isinstance(value, str):
            self.wrong(name, "Expected a string")
            return default
        return value

    def whole(self, name: str, *, least: int = 0, most: int = limits.STATE_SECONDS) -> int | None:
        """An integer, or None where there is none."""
        value = self.raw(name, _MISSING)
        if value is _MISSING:
            return None
        if type(value) is not int or not least <= value <= most:
            self.wrong(name, f"Expected an integer from {least} to {most}")
            return None
        return value

    def number(self, name: str, *, least: float, most: float) -> float | None:
        """A number, or None where there is none."""
        value = self.raw(name, _MISSING)
        if value is _MISSING:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            self.wrong(name, f"Expected a number from {least} to {most}")
            return None
        return value

    def path(self, name: str, default: Path | None = WHOLE) -> Path | None:
        """A path; None where the field is null."""
        value = self.raw(name, _MISSING)
        if value is _MISSING or value is None:
            return default if value is _MISSING else None
        return self._compiled(name, value, compile_path, "a valid JSONPath")

    def given_path(self, name: str) -> Path | None:
        """A path; None where there is no such field. Null is refused."""
        if name not in self._value:
            return None
        return self._compiled(name, self.raw(name), compile_path, "a valid JSONPath")

    def whole_or_path(self, name: str, *, least: int = 0, most: int = limits.STATE_SECONDS) -> int | Path | None:
        """An integer, or the path to it (`NamePath`); None where there is neither."""
        self.at_most_one(name, f"{name}Path")
        value = self.whole(name, least=least, most=most)
        return value if value is not None else self.given_path(f"{name}Path")

    def reference_path(self, name: str) -> Path | None:
        """A path that a result can be put at; None where the field is null."""
        path = self.path(name)
        if path is not None and (not path.is_reference or path.of_context):
            self.wrong(name, "Value is not a Reference Path")
        return path

    def expression(self, name: str) -> Expression | None:
        """A path or a call of an intrinsic function; None where there is no such field."""
        if name not in self._value:
            return None
        return self._compiled(name, self.raw(name), compile_expression, "a valid JSONPath or intrinsic function")

    def template(self, name: str) -> Template | None:
        """A payload template; None where there is no such field."""
        if name not in self._value:
            return None
        value = self.raw(name)
        if not isinstance(value, dict):
            self.wrong(name, "Expected an object")
            return None
        try:
            return compile_template(value)
        except SyntaxProblem as problem:
            self.wrong(name, str(problem))
            return None

    def _compiled(self, name: str, value: Any, compiled: Callable[[str], Read], wanted: str) -> Read | None:
        try:
            if isinstance(value, str):
                return compiled(value)
            self.wrong(name, f"Expected a string that is {wanted}")
        except SyntaxProblem as problem:
            self.wrong(name, f"Value is not {wanted} ({problem})")
        return None

    def elements(self, name: str) -> "list[Fields]":
        """The objects of an array; empty where there is no such field."""
        value = self.raw(name, [])
        if not isinstance(value, list):
            self.wrong(name, "Expected an array")
            return []
        return [Fields(each, f"{self.place}/{name}[{index}]", self.problems) for index, each in enumerate(value)]

    def inner(self, name: str, *, commented: bool = True) -> "Fields":
        """An object."""
        return Fields(self.raw(name, {}), f"{self.place}/{name}", self.problems, commented=commented)

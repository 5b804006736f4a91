"""Expressions: a path, or a call of an intrinsic function with literals, paths and calls as arguments."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from edgetrain.local.stepfunctions.failures import INTRINSIC_FAILURE, EvaluationFailed
from edgetrain.local.stepfunctions.intrinsic_functions import FUNCTIONS, ArgumentsWrong, Function, format_template
from edgetrain.local.stepfunctions.path_syntax import PathParser
from edgetrain.local.stepfunctions.paths import Path, parse_path
from edgetrain.local.stepfunctions.scanning import SyntaxProblem

_FUNCTION: Final = re.compile(r"States\.([A-Za-z0-9]+)\(")
_WORDS: Final = re.compile(r"true|false|null")
_ESCAPABLE: Final = "'{}\\"


@dataclass(frozen=True)
class Literal:
    """A value as the text has it; `template` holds a text's pieces between its unescaped `{}`."""

    value: Any
    template: tuple[str, ...] | None = None

    def find(self, data: Any, context: Any) -> Any:  # noqa: ARG002 - an expression's signature
        return self.value


@dataclass(frozen=True)
class Call:
    """A call of an intrinsic function."""

    name: str
    function: Function
    arguments: "tuple[Expression, ...]"

    def find(self, data: Any, context: Any) -> Any:
        """What the function gives.

        Raises:
            PathNotFound: an argument's path points to nothing.
            EvaluationFailed: States.IntrinsicFailure, the arguments are wrong.
        """
        values = [argument.find(data, context) for argument in self.arguments]
        return _answer(self.name, self.function.call, *values)


@dataclass(frozen=True)
class Format:
    """`States.Format`: a template, literal or found, and what to put into it."""

    template: "Expression"
    arguments: "tuple[Expression, ...]"

    def find(self, data: Any, context: Any) -> Any:
        """The text. Raises as `Call.find`."""
        values = tuple(argument.find(data, context) for argument in self.arguments)
        return _answer("Format", format_template, self._pieces(data, context), values)

    def _pieces(self, data: Any, context: Any) -> tuple[str, ...]:
        if isinstance(self.template, Literal) and self.template.template is not None:
            return self.template.template
        template = self.template.find(data, context)
        if not isinstance(template, str):
            raise EvaluationFailed(INTRINSIC_FAILURE, "States.Format: the template is not a string.")
        return tuple(template.split("{}"))


Expression = Path | Literal | Call | Format


def _answer(name: str, function: Any, *values: Any) -> Any:
    try:
        return function(*values)
    except (ArgumentsWrong, ValueError) as error:
        raise EvaluationFailed(INTRINSIC_FAILURE, f"States.{name}: {error}.") from error


@lru_cache(maxsize=4096)
def compile_expression(text: str) -> Expression:
    """Read a path or a call.

    Raises:
        SyntaxProblem: it is neither, or uses what this engine does not do.
    """
    reader = _Reader(text)
    reader.spaces()
    expression = reader.path_or_call()
    reader.spaces()
    if not reader.at_end:
        raise reader.problem("expected the end")
    return expression


class _Reader(PathParser):
    def path_or_call(self) -> Expression:
        if self.peek("$"):
            return parse_path(self)
        found = self.match(_FUNCTION)
        if not found:
            raise self.problem("expected a path or a call of an intrinsic function")
        return self._called(found[1], self._arguments())

    def _called(self, name: str, arguments: tuple[Expression, ...]) -> Expression:
        if name == "Format":
            if not arguments:
                raise SyntaxProblem("States.Format needs a template")
            return Format(arguments[0], arguments[1:])
        function = FUNCTIONS.get(name)
        if function is None:
            raise SyntaxProblem(f"there is no intrinsic function States.{name}")
        if len(arguments) < function.least or (function.most is not None and len(arguments) > function.most):
            wanted = function.least if function.least == function.most else f"{function.least} to {function.most}"
            raise SyntaxProblem(f"States.{name} takes {wanted} arguments, got {len(arguments)}")
        return Call(name, function, arguments)

    def _arguments(self) -> tuple[Expression, ...]:
        self.spaces()
        if self.take(")"):
            return ()
        arguments = []
        while True:
            self.spaces()
            arguments.append(self._argument())
            self.spaces()
            if self.take(")"):
                return tuple(arguments)
            self.expect(",")

    def _argument(self) -> Expression:
        if self.take("'"):
            return self._text()
        word = self.match(_WORDS)
        if word:
            return Literal({"true": True, "false": False, "null": None}[word[0]])
        number = self.number()
        return self.path_or_call() if number is None else Literal(number)

    def _text(self) -> Literal:
        """A text in single quotes, in which quotes, braces and backslashes are escaped by a backslash."""
        value, pieces = "", [""]
        while not self.take("'"):
            if self.at_end:
                raise self.problem("expected a closing quote")
            if self.take("{}"):
                value += "{}"
                pieces.append("")
                continue
            if self.take("\\") and (self.at_end or self.text[self.position] not in _ESCAPABLE):
                raise self.problem("only ' { } and \\ can be escaped")
            value += self.text[self.position]
            pieces[-1] += self.text[self.position]
            self.position += 1
        return Literal(value, tuple(pieces))

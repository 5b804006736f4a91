"""The parts of a JSONPath, and how they are read."""

import re
from dataclasses import dataclass
from typing import Final

from edgetrain.local.stepfunctions.path_filters import (
    And,
    Comparison,
    Condition,
    Exists,
    Literal,
    Not,
    Operand,
    Or,
    Relative,
)
from edgetrain.local.stepfunctions.scanning import Scanner

#: A name after a dot. Anything with other characters is written in brackets.
_NAME: Final = re.compile(r"[^\s.\[\]()'\"*?@,:=<>!&|$~/+\\{}]+")
_INTEGER: Final = re.compile(r"-?\d+")
_OPERATOR: Final = re.compile(r"==|!=|<=|>=|=~|<|>|(?:in|nin)(?=[\s\[])")
_PATTERN: Final = re.compile(r"/((?:\\.|[^/\\])*)/([a-z]*)")
_WORD: Final = re.compile(r"true|false|null")


@dataclass(frozen=True)
class Name:
    """A field."""

    name: str

    def __str__(self) -> str:
        return f"['{self.name}']"


@dataclass(frozen=True)
class Index:
    """An element; negative counts from the end."""

    index: int

    def __str__(self) -> str:
        return f"[{self.index}]"


@dataclass(frozen=True)
class Indexes:
    """Several elements."""

    indexes: tuple[int, ...]


@dataclass(frozen=True)
class Slice:
    """Elements from `start` up to, not including, `end`."""

    start: int | None
    end: int | None


@dataclass(frozen=True)
class Wildcard:
    """All fields or elements."""


@dataclass(frozen=True)
class Filter:
    """The elements for which a condition holds."""

    condition: Condition


@dataclass(frozen=True)
class Descend:
    """What `inner` finds in a node and everywhere below it."""

    inner: "Name | Index | Indexes | Slice | Wildcard | Filter"


Segment = Name | Index | Indexes | Slice | Wildcard | Filter | Descend


class PathParser(Scanner):
    """Reads a path and stops behind its last part."""

    def path(self) -> tuple[bool, tuple[Segment, ...]]:
        """Whether it starts at the context object, and its parts.

        Raises:
            SyntaxProblem: it cannot be read.
        """
        self.expect("$")
        return self.take("$"), self._segments()

    def _segments(self) -> tuple[Segment, ...]:
        segments: list[Segment] = []
        while True:
            if self.take(".."):
                segments.append(Descend(self._bracket() if self.take("[") else self._dotted()))
            elif self.take("."):
                segments.append(self._bracket() if self.take("[") else self._dotted())
            elif self.take("["):
                segments.append(self._bracket())
            else:
                return tuple(segments)

    def _dotted(self) -> Name | Wildcard:
        if self.take("*"):
            return Wildcard()
        found = self.match(_NAME)
        if not found:
            raise self.problem("expected a field's name")
        if self.peek("("):
            raise self.problem("functions in paths are not supported")
        return Name(found[0])

    def _bracket(self) -> Name | Index | Indexes | Slice | Wildcard | Filter:
        self.spaces()
        inner: Name | Index | Indexes | Slice | Wildcard | Filter
        if self.take("*"):
            inner = Wildcard()
        elif self.take("?"):
            self.spaces()
            self.expect("(")
            inner = Filter(self._any())
            self.expect(")")
        elif self.peek("'") or self.peek('"'):
            inner = Name(self._quoted())
            self.spaces()
            if self.peek(","):
                raise self.problem("several names in one bracket are not supported")
        else:
            inner = self._numbers()
        self.spaces()
        self.expect("]")
        return inner

    def _numbers(self) -> Index | Indexes | Slice:
        first = self._integer()
        self.spaces()
        if self.take(":"):
            self.spaces()
            return Slice(first, self._integer())
        if first is None:
            raise self.problem("expected an index, a name or '*'")
        indexes = [first]
        while self.take(","):
            self.spaces()
            following = self._integer()
            if following is None:
                raise self.problem("expected an index")
            indexes.append(following)
            self.spaces()
        return Index(first) if len(indexes) == 1 else Indexes(tuple(indexes))

    def _integer(self) -> int | None:
        found = self.match(_INTEGER)
        return int(found[0]) if found else None

    def _quoted(self) -> str:
        quote = self.text[self.position]
        self.position += 1
        pieces = []
        while not self.take(quote):
            if self.at_end:
                raise self.problem("expected a closing quote")
            if self.take("\\") and self.at_end:
                raise self.problem("expected a character after the backslash")
            pieces.append(self.text[self.position])
            self.position += 1
        return "".join(pieces)

    # --- filters, from the loosest binding to the tightest

    def _any(self) -> Condition:
        terms = [self._all()]
        while self.take("||"):
            terms.append(self._all())
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def _all(self) -> Condition:
        terms = [self._one()]
        while self.take("&&"):
            terms.append(self._one())
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def _one(self) -> Condition:
        self.spaces()
        condition: Condition
        if self.peek("!") and not self.peek("!="):
            self.take("!")
            condition = Not(self._one())
        elif self.take("("):
            condition = self._any()
            self.expect(")")
        else:
            condition = self._comparison()
        self.spaces()
        return condition

    def _comparison(self) -> Condition:
        left = self._operand()
        self.spaces()
        operator = self.match(_OPERATOR)
        if not operator:
            if isinstance(left, Literal):
                raise self.problem("expected a comparison")
            return Exists(left)
        self.spaces()
        if operator[0] == "=~":
            return Comparison(left, "=~", Literal(self._regular_expression()))
        return Comparison(left, operator[0], self._operand())

    def _operand(self) -> Operand:
        if self.peek("@") or self.peek("$"):
            of_root = self.take("$")
            if not of_root:
                self.take("@")
            elif self.peek("$"):
                raise self.problem("the context object cannot be used in a filter")
            segments = self._segments()
            if not all(isinstance(each, Name | Index) for each in segments):
                raise self.problem("a filter compares single values")
            return Relative(
                of_root,
                tuple(
                    each.name if isinstance(each, Name) else each.index
                    for each in segments
                    if isinstance(each, Name | Index)
                ),
            )
        if self.peek("'") or self.peek('"'):
            return Literal(self._quoted())
        if self.take("["):
            return Literal(self._list())
        word = self.match(_WORD)
        if word:
            return Literal({"true": True, "false": False, "null": None}[word[0]])
        number = self.number()
        if number is None:
            raise self.problem("expected '@', '$' or a value")
        return Literal(number)

    def _list(self) -> list[object]:
        values: list[object] = []
        self.spaces()
        while not self.take("]"):
            if values:
                self.expect(",")
                self.spaces()
            operand = self._operand()
            if not isinstance(operand, Literal):
                raise self.problem("expected a value")
            values.append(operand.value)
            self.spaces()
        return values

    def _regular_expression(self) -> re.Pattern[str]:
        found = self.match(_PATTERN)
        if not found or set(found[2]) - set("i"):
            raise self.problem("expected /a pattern/ or /a pattern/i")
        try:
            return re.compile(found[1].replace("\\/", "/"), re.IGNORECASE if found[2] else 0)
        except re.error as error:
            raise self.problem(f"the pattern is wrong ({error})") from None

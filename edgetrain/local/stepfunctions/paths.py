"""JSONPath, as Step Functions has it: compiled once, then applied to a state's data or to the context object (`$$`).

Written here because the readers at hand differ from Step Functions where it counts: jsonpath-ng wraps a scalar into a
list before it indexes it, so that `$.a[0]` of `{"a": 7}` is 7, and knows neither `=~` nor `in`.

A path of names and single indexes is *definite*: it gives one value or fails. Any other (`*`, `..`, slices, filters,
several indexes) gives the list of what it found, which may be empty.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from edgetrain.local.stepfunctions.documents import to_text
from edgetrain.local.stepfunctions.failures import RESULT_PATH_MATCH_FAILURE, EvaluationFailed, PathNotFound
from edgetrain.local.stepfunctions.path_syntax import (
    Descend,
    Filter,
    Index,
    Indexes,
    Name,
    PathParser,
    Segment,
    Slice,
    Wildcard,
)
from edgetrain.local.stepfunctions.scanning import SyntaxProblem


@dataclass(frozen=True)
class Path:
    """A compiled path. `text` is what the definition has."""

    text: str
    of_context: bool
    segments: tuple[Segment, ...]
    #: Whether it points to at most one value.
    definite: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "definite", all(isinstance(segment, Name | Index) for segment in self.segments))

    @property
    def is_reference(self) -> bool:
        """Whether it is a Reference Path: names and indexes from the front only."""
        return all(
            isinstance(segment, Name) or (isinstance(segment, Index) and segment.index >= 0)
            for segment in self.segments
        )

    def find(self, data: Any, context: Any) -> Any:
        """The value it points to, or the list of values.

        Raises:
            PathNotFound: it is definite and points to nothing.
        """
        node = context if self.of_context else data
        if self.definite:
            return _follow(node, self.segments)
        nodes: Iterator[Any] = iter((node,))
        for segment in self.segments:
            nodes = _each(nodes, segment, data)
        return list(nodes)

    def put(self, document: Any, value: Any) -> Any:
        """`document` with `value` at this Reference Path; fields that are missing are made.

        Raises:
            EvaluationFailed: States.ResultPathMatchFailure, the document has another shape there.
        """
        return _placed(document, self.segments, value, self.text)


def _follow(node: Any, segments: tuple[Segment, ...]) -> Any:
    for segment in segments:
        try:
            if type(segment) is Name:
                node = node[segment.name] if type(node) is dict else _missing(segment)
            else:
                node = node[segment.index] if type(node) is list else _missing(segment)  # type: ignore[union-attr]
        except (KeyError, IndexError):
            _missing(segment)
    return node


def _missing(segment: Segment) -> Any:
    raise PathNotFound(str(segment))


def _each(nodes: Iterator[Any], segment: Segment, root: Any) -> Iterator[Any]:
    """What `segment` finds in every node; where it finds nothing it gives nothing."""
    for node in nodes:
        match segment:
            case Name() | Index():
                try:
                    yield _follow(node, (segment,))
                except PathNotFound:
                    continue
            case Wildcard():
                yield from _children(node)
            case Indexes(indexes):
                if isinstance(node, list):
                    yield from (node[at] for at in indexes if -len(node) <= at < len(node))
            case Slice(start, end):
                if isinstance(node, list):
                    yield from node[start:end]
            case Filter(condition):
                candidates = node if isinstance(node, list) else [node] if isinstance(node, dict) else []
                yield from (each for each in candidates if condition.holds(each, root))
            case Descend(inner):
                for below in _and_below(node):
                    yield from _each(iter((below,)), inner, root)


def _children(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        yield from node.values()
    elif isinstance(node, list):
        yield from node


def _and_below(node: Any) -> Iterator[Any]:
    """The node and everything below it, each before what it holds. A stack, because data may be deep."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(list(_children(current))))


def _placed(document: Any, segments: tuple[Segment, ...], value: Any, text: str) -> Any:
    if not segments:
        return value
    segment, rest = segments[0], segments[1:]
    if isinstance(segment, Name):
        if not isinstance(document, dict):
            raise _mismatch(text, document)
        return {**document, segment.name: _placed(document.get(segment.name, {}), rest, value, text)}
    if not (isinstance(segment, Index) and isinstance(document, list) and 0 <= segment.index < len(document)):
        raise _mismatch(text, document)
    at = segment.index
    return [*document[:at], _placed(document[at], rest, value, text), *document[at + 1 :]]


def _mismatch(text: str, document: Any) -> EvaluationFailed:
    return EvaluationFailed(
        RESULT_PATH_MATCH_FAILURE, f"Unable to apply the ResultPath '{text}' to the input '{to_text(document)}'."
    )


@lru_cache(maxsize=4096)
def compile_path(text: str) -> Path:
    """Read a path.

    Raises:
        SyntaxProblem: it is none, or uses what this engine does not do (functions, several names in one bracket).
    """
    parser = PathParser(text)
    path = parse_path(parser)
    if not parser.at_end:
        raise SyntaxProblem(f"unexpected '{text[parser.position :]}' in path '{text}'")
    return path


def parse_path(parser: PathParser) -> Path:
    """Read the path that begins at the parser's position, and stop behind it.

    Raises:
        SyntaxProblem: as in `compile_path`.
    """
    start = parser.position
    of_context, segments = parser.path()
    return Path(parser.text[start : parser.position], of_context, segments)

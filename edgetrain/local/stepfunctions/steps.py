"""A state being played: its data on the way in and on the way out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from edgetrain.local.stepfunctions.definition import State, Working
from edgetrain.local.stepfunctions.documents import Document, to_text
from edgetrain.local.stepfunctions.failures import (
    DATA_LIMIT_EXCEEDED,
    RUNTIME,
    EvaluationFailed,
    PathNotFound,
    StateFailed,
)
from edgetrain.local.stepfunctions.history import Lane
from edgetrain.local.stepfunctions.path_filters import is_number
from edgetrain.local.stepfunctions.paths import Path
from edgetrain.local.stepfunctions.run import Run

Kind = TypeVar("Kind", bound=State, covariant=True)


@dataclass(kw_only=True)
class Step(Generic[Kind]):
    """A state that was entered at the event `entered` with the data `raw`."""

    run: Run
    state: Kind
    lane: Lane
    raw: Document
    context: dict[str, Any]
    entered: int

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Name this state in what cannot be evaluated."""
        try:
            yield
        except EvaluationFailed as failed:
            place = f"An error occurred while executing the state '{self.state.name}' (entered at the event id #{self.entered})."
            raise StateFailed(failed.error, f"{place} {failed.cause}") from failed

    def found(self, path: Path | None, data: Any) -> Any:
        """What InputPath, OutputPath or another path of the state points to; `null` gives an empty object."""
        if path is None:
            return {}
        try:
            return path.find(data, self.context)
        except PathNotFound:
            shown = "".join(map(str, path.segments))
            raise EvaluationFailed(RUNTIME, f"Invalid path '{path.text}' : No results for path: ${shown}") from None

    def effective_input(self) -> Any:
        """The input after InputPath."""
        return self.found(self.state.input_path, self.raw.value)

    def output(self, result: Any) -> Document:
        """A result after ResultSelector, ResultPath and OutputPath, checked for its size."""
        state: State = self.state
        if isinstance(state, Working):
            if state.selector is not None:
                result = state.selector.fill(result, self.context)
            result = self.raw.value if state.result_path is None else state.result_path.put(self.raw.value, result)
        return self.checked(Document(self.found(state.output_path, result)))

    def checked(self, document: Document, producer: str | None = None) -> Document:
        """The document, when it may be handed on.

        Raises:
            StateFailed: States.DataLimitExceeded.
        """
        if document.oversized:
            raise StateFailed(
                DATA_LIMIT_EXCEEDED,
                f"The state/task '{producer or self.state.name}' returned a result with a size exceeding the maximum "
                "number of bytes service limit.",
            )
        return document

    def whole(self, field: str, value: int | Path | None, data: Any) -> int | None:
        """A number of the definition, or the one that its path points to.

        Raises:
            EvaluationFailed: there is no integer.
        """
        if not isinstance(value, Path):
            return value
        found = self.found(value, data)
        if type(found) is int:
            return found
        raise self._no_number(field, found, value, "integer")

    def number(self, field: str, value: float | Path | None, data: Any) -> float | None:
        """As `whole`, for any number."""
        if not isinstance(value, Path):
            return value
        found = self.found(value, data)
        if is_number(found):
            return float(found)
        raise self._no_number(field, found, value, "float")

    def _no_number(self, field: str, found: Any, path: Path, kind: str) -> EvaluationFailed:
        shown = found if isinstance(found, str) else to_text(found)
        return EvaluationFailed(
            RUNTIME, f'The {field} field refers to value "{shown}" which is not a valid {kind}: {path.text}'
        )

"""One execution's history: numbered events, each pointing back at the one it follows."""

from functools import cache
from typing import Any, Final

from edgetrain.limits import CAUSE_CHARACTERS, ERROR_CHARACTERS, HISTORY_EVENTS
from edgetrain.local.stepfunctions.documents import Document, to_text
from edgetrain.local.stepfunctions.failures import HistoryFull
from edgetrain.local.stepfunctions.journal import Journal

#: The events that end an execution; one of them is always allowed.
_LAST: Final = {"ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"}
_ABORTED: Final = frozenset({"Task", "Wait", "Map", "Parallel"})
WHOLE: Final = {"truncated": False}


def failure_details(error: str | None, cause: str | None) -> dict[str, Any]:
    """What an event of a failure says; what is not known is left out."""
    details = {}
    if error is not None:
        details["error"] = error[:ERROR_CHARACTERS]
    if cause is not None:
        details["cause"] = cause[:CAUSE_CHARACTERS]
    return details


def input_details(document: Document) -> dict[str, Any]:
    """What an event says of an input."""
    return {"input": document.text, "inputDetails": WHOLE}


def output_details(document: Document) -> dict[str, Any]:
    """What an event says of an output."""
    return {"output": document.text, "outputDetails": WHOLE}


@cache
def details_key(kind: str) -> str:
    """Where the API puts the details of an event of this kind."""
    if kind.endswith("StateEntered"):
        return "stateEnteredEventDetails"
    if kind.endswith("StateExited"):
        return "stateExitedEventDetails"
    return kind[0].lower() + kind[1:] + "EventDetails"


class History:
    """Numbers the events of one execution and hands them to the journal. Closed, it takes none."""

    def __init__(self, journal: Journal, execution: int, last: int = 0) -> None:
        self._journal, self._execution = journal, execution
        self._last = last
        self.closed = False

    def add(self, kind: str, previous: int, at: float, details: dict[str, Any] | None = None) -> int:
        """Add an event; its number. `details` None: the kind has none.

        Raises:
            HistoryFull: the next event would be the last that an execution may have, and it does not end it.
        """
        if self.closed:
            return self._last
        if self._last >= HISTORY_EVENTS - 1 and kind not in _LAST:
            raise HistoryFull
        self._last += 1
        text = "{}" if details is None else to_text({details_key(kind): details})
        self._journal.add_event(self._execution, self._last, previous, at, kind, text)
        return self._last


class Lane:
    """A line of events through a history: a flow's own, a branch's, an iteration's."""

    def __init__(self, history: History, clock: Any, last: int = 0) -> None:
        self._history, self._clock = history, clock
        self.last = last
        self._kind = ""

    def enter(self, kind: str, details: dict[str, Any]) -> int:
        """A state of this kind is entered. Raises as `History.add`."""
        self._kind = kind
        return self.add(f"{kind}StateEntered", details)

    def leave(self, details: dict[str, Any]) -> int:
        """The state that was entered last is left. Raises as `History.add`."""
        return self.add(f"{self._kind}StateExited", details)

    def abort(self, kinds: frozenset[str] = _ABORTED) -> None:
        """The state that was entered last is given up, if it is of a kind of which that is told."""
        if self._kind in kinds:
            self.beside(f"{self._kind}StateAborted")

    def add(self, kind: str, details: dict[str, Any] | None = None) -> int:
        """Add an event after the lane's last one. Raises as `History.add`."""
        self.last = self._history.add(kind, self.last, self._clock(), details)
        return self.last

    def beside(self, kind: str, details: dict[str, Any] | None = None) -> int:
        """Add an event after the lane's last one, which stays the last. Raises as `History.add`."""
        return self._history.add(kind, self.last, self._clock(), details)

    def branch(self) -> "Lane":
        """A lane that goes on from here."""
        return Lane(self._history, self._clock, self.last)

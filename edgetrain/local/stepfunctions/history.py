"""One execution's history: numbered events, each pointing back at the one it follows."""

from functools import cache
from typing import Any, Final

from edgetrain.limits import CAUSE_CHARACTERS, ERROR_CHARACTERS, HISTORY_EVENTS
from edgetrain.local.stepfunctions.documents import Document, to_text
from edgetrain.local.stepfunctions.failures import HistoryFull
from edgetrain.local.stepfunctions.journal import Journal
from edgetrain.local.stepfunctions.places import Place

#: The events that end an execution; one of them is always allowed.
_LAST: Final = {"ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"}
#: Kinds of states that have flows within them.
_WITHIN: Final = {"Map", "Parallel"}
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
    """Numbers the events of one execution and hands them to the journal, with where its flows stand.

    Closed, it takes neither.
    """

    def __init__(self, journal: Journal, execution: int, last: int = 0, places: tuple[Place, ...] = ()) -> None:
        """`last` is the last event, and `places` where its flows stood, of an execution that goes on."""
        self._journal, self._execution = journal, execution
        self._last = last
        self._places = {place.path: place for place in places}
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

    def place(self, path: str, last: int) -> Place:
        """Where the flow of this path stood, or, without a state, the place of one that begins after the event `last`."""
        return self._places.get(path) or Place(self._execution, path, "", _NOTHING, last=last)

    def stand(self, places: list[Place]) -> None:
        """Have the flows stand there, and nowhere else."""
        self._places = {place.path: place for place in places}
        for place in places:
            self.keep(place)

    def keep(self, place: Place) -> None:
        """Have the journal know where a flow stands."""
        if not self.closed:
            self._journal.keep_place(place)

    def forget(self, path: str) -> None:
        """Drop where the flows within this one stand: they are over."""
        within = f"{path}/"
        self._places = self._places and {
            known: place for known, place in self._places.items() if not known.startswith(within)
        }
        if not self.closed:
            self._journal.forget_places(self._execution, within)


_NOTHING: Final = Document(None)


class Lane:
    """A line of events through a history, and where it stands: a flow's own, a branch's, an iteration's."""

    def __init__(self, history: History, clock: Any, path: str = "", last: int = 0) -> None:
        self._history, self._clock = history, clock
        self._place = history.place(path, last)
        self._kind = ""

    @property
    def last(self) -> int:
        """The lane's last event."""
        return self._place.last

    @last.setter
    def last(self, event: int) -> None:
        self._place.last = event

    @property
    def stands(self) -> Place:
        """Where it stands; a place whose state is empty is one where nothing has been entered yet."""
        return self._place

    @property
    def notes(self) -> dict[str, Any]:
        """What the state under way has noted. Not to be changed in place: see `note`."""
        return self._place.notes

    def note(self, **notes: Any) -> None:
        """Keep something of the state under way; None: it is forgotten."""
        known = {**self._place.notes, **notes}
        self._place.notes = {name: note for name, note in known.items() if note is not None}
        self._history.keep(self._place)

    def again(self, **notes: Any) -> None:
        """The state's next attempt: nothing is left of the one before, of its branches neither."""
        self._place.notes = {"entered_at": self._place.notes["entered_at"], **notes}
        self._history.keep(self._place)
        self._history.forget(self._place.path)

    def enter(self, kind: str, name: str, data: Document) -> int:
        """A state of this kind and name is entered. Raises as `History.add`."""
        self._kind = kind
        entered = self.add(f"{kind}StateEntered", {"name": name, **input_details(data)})
        place = self._place
        place.state, place.data, place.entered, place.notes = name, data, entered, {"entered_at": self._clock()}
        self._history.keep(place)
        return entered

    def resume(self, kind: str) -> int:
        """The state that was entered last goes on; the event of its entry."""
        self._kind = kind
        return self._place.entered

    def leave(self, details: dict[str, Any]) -> int:
        """The state that was entered last is left. Raises as `History.add`."""
        if self._kind in _WITHIN:
            self._history.forget(self._place.path)
        return self.add(f"{self._kind}StateExited", details)

    def finish(self, output: Document) -> None:
        """The flow has ended."""
        self._place.state, self._place.data, self._place.notes = None, output, {}
        self._history.keep(self._place)

    def abort(self, kinds: frozenset[str] = _ABORTED) -> None:
        """The state that was entered last is given up, if it is of a kind of which that is told."""
        if self._kind in kinds:
            self.beside(f"{self._kind}StateAborted")

    def add(self, kind: str, details: dict[str, Any] | None = None) -> int:
        """Add an event after the lane's last one. Raises as `History.add`."""
        self.last = self._history.add(kind, self.last, self._clock(), details)
        if self._place.state != "":
            self._history.keep(self._place)
        return self.last

    def beside(self, kind: str, details: dict[str, Any] | None = None) -> int:
        """Add an event after the lane's last one, which stays the last. Raises as `History.add`."""
        return self._history.add(kind, self.last, self._clock(), details)

    def branch(self, name: str) -> "Lane":
        """A lane that goes on from here, or from where it stood."""
        return Lane(self._history, self._clock, f"{self._place.path}/{name}", self.last)

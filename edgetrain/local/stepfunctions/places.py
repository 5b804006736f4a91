"""Where a flow stands: what the journal keeps of it, so that it goes on after the process died, or when it is redriven.

The history alone would not do: how often a state was tried, when a wait ends and what was computed at random are in no
event. A place is written with the events that it belongs to, replaces the one before, and goes when its flow is over.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from edgetrain.local.stepfunctions.documents import Document, from_text, to_text

#: What a state keeps when it is entered again by a redrive: all of an attempt that is no call and no wait.
_REDRIVEN_KEEPS: Final = {"entered_at", "given", "map_run", "started"}


@dataclass
class Place:
    """A flow's state under way, and its data; `state` None: the flow has ended, and `data` is its output.

    `path` names the flow within its execution: empty for its own, `/0` for the first branch or iteration of the state
    that it stands at, `/0/2` for one within that. `entered` and
    `last` are events: of the state's entry, and the flow's last one. `notes` (JSON) is what the state knows of its
    attempt: its keys are the players' own, and gone with the state.
    """

    execution: int
    path: str
    state: str | None
    data: Document
    entered: int = 0
    last: int = 0
    notes: dict[str, Any] = field(default_factory=dict)

    def row(self) -> tuple[Any, ...]:
        """As the journal's table has it."""
        text = to_text(self.notes)
        return self.execution, self.path, self.state, self.data.text, self.entered, self.last, text

    @classmethod
    def of_row(cls, row: tuple[Any, ...]) -> "Place":
        """A row of the journal's table."""
        execution, path, state, data, entered, last, notes = row
        return cls(execution, path, state, Document.of_text(data), entered, last, from_text(notes))

    def redriven(self, after: int) -> "Place":
        """The place from which a redrive goes on: a state that had not ended starts its attempts anew.

        `after` is the redrive's event.
        """
        if self.state is None:
            return self
        notes = {name: note for name, note in self.notes.items() if name in _REDRIVEN_KEEPS}
        return Place(self.execution, self.path, self.state, self.data, self.entered, after, notes)

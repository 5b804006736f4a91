"""One execution under way: what its states need, and how it ends."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from edgetrain.local.stepfunctions.calls import Calls
from edgetrain.local.stepfunctions.documents import Document
from edgetrain.local.stepfunctions.history import History, Lane, failure_details, input_details, output_details
from edgetrain.local.stepfunctions.journal import Journal
from edgetrain.local.stepfunctions.places import Place
from edgetrain.local.stepfunctions.ports import Integrations
from edgetrain.local.stepfunctions.tables import ExecutionRow
from edgetrain.local.stepfunctions.timestamps import show_timestamp
from edgetrain.local.stepfunctions.tokens import Tokens

Wait = Callable[["asyncio.Future[Any] | None", float | None], Awaitable[None]]


class Executions(Protocol):
    """Other executions, for the states that wait for one. In the loop's thread."""

    def ended(self, arn: str) -> "asyncio.Future[ExecutionRow]":
        """An execution, once it has ended.

        Raises:
            ApiError: ExecutionDoesNotExist.
        """
        ...

    def find(self, arn: str) -> ExecutionRow | None:
        """An execution, or None when there is none of this ARN."""
        ...

    def abort(self, arn: str) -> None:
        """Stop an execution, if it still runs."""
        ...


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What all executions share. `clock` gives epoch seconds; `wait` is how time passes (`calls.until`)."""

    journal: Journal
    integrations: Integrations
    calls: Calls
    clock: Callable[[], float]
    wait: Wait
    random: random.Random
    executions: Executions
    tokens: Tokens
    #: Executions that were running when the journal was left, by their keys: whoever plays one takes it out.
    left: "dict[int, Run]" = field(default_factory=dict)
    #: What nobody waits for, held so that it is not lost.
    background: "set[asyncio.Task[None]]" = field(default_factory=set)


_EVENTS = {
    "SUCCEEDED": "ExecutionSucceeded",
    "FAILED": "ExecutionFailed",
    "ABORTED": "ExecutionAborted",
    "TIMED_OUT": "ExecutionTimedOut",
}


@dataclass(kw_only=True)
class Run:
    """An execution. Its end is written once: whatever comes after that changes nothing."""

    around: Surroundings
    row: ExecutionRow
    input: Document
    #: Its last event and where its flows stand, when it goes on.
    last: int = 0
    places: tuple[Place, ...] = ()
    history: History = field(init=False)
    ended: bool = field(default=False, init=False)
    #: What it ended with, if it succeeded.
    output: Document | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.history = History(self.around.journal, self.row.key, self.last, self.places)

    def begin(self) -> Lane:
        """Write the execution's row and first event; the lane of its flow.

        The first state's event points to 0 and not at the event of the start, as in AWS's histories.
        """
        self.around.journal.add_execution(self.row)
        details = {**input_details(self.input), "roleArn": self.row.role_arn}
        self.history.add("ExecutionStarted", 0, self.row.started, details)
        return self.lane()

    def lane(self) -> Lane:
        """The lane of its flow."""
        return Lane(self.history, self.around.clock)

    def end(
        self,
        status: str,
        *,
        output: Document | None = None,
        error: str | None = None,
        cause: str | None = None,
        after: int = 0,
    ) -> float:
        """Write how it ended, with the event `after` which it did; when, in epoch seconds."""
        at = self.around.clock()
        if self.ended:
            return at
        self.ended, self.output = True, output
        details = output_details(output) if output is not None else failure_details(error, cause)
        self.history.add(_EVENTS[status], after, at, details)
        self.history.closed = True
        shown = failure_details(error, cause)
        self.around.journal.end_execution(
            self.row.key, status, at, output.text if output else None, shown.get("error"), shown.get("cause")
        )
        if status == "SUCCEEDED":
            self.around.journal.forget_places(self.row.key)
        return at

    def context(self) -> dict[str, Any]:
        """The context object (`$$`), without the state."""
        redriven = {} if self.row.redriven is None else {"RedriveTime": show_timestamp(self.row.redriven)}
        return {
            "Execution": {
                "Id": self.row.arn,
                "Input": self.input.value,
                "StartTime": show_timestamp(self.row.started),
                "Name": self.row.name,
                "RoleArn": self.row.role_arn,
                "RedriveCount": self.row.redrives,
                **redriven,
            },
            "StateMachine": {"Id": self.row.machine_arn, "Name": self.row.machine_arn.rsplit(":", 1)[1]},
        }


def run_of_row(around: Surroundings, row: ExecutionRow) -> Run:
    """An execution that goes on from where the journal has it."""
    journal = around.journal
    return Run(
        around=around,
        row=row,
        input=Document.of_text(row.input),
        last=journal.last_event(row.key),
        places=journal.places(row.key),
    )

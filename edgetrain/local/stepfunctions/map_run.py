"""The Distributed Map: a map run, whose items are executions with histories of their own."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from edgetrain.limits import DISTRIBUTED_MAP_CONCURRENCY
from edgetrain.local.stepfunctions import definition
from edgetrain.local.stepfunctions.documents import Document, from_text, to_text
from edgetrain.local.stepfunctions.execution import execute
from edgetrain.local.stepfunctions.failures import (
    EXCEED_TOLERATED_FAILURES,
    RUNTIME,
    EvaluationFailed,
    StateFailed,
)
from edgetrain.local.stepfunctions.fan_out import concurrency, given_items, item_context, selected, side_by_side
from edgetrain.local.stepfunctions.flow import Outcome, plays
from edgetrain.local.stepfunctions.history import failure_details
from edgetrain.local.stepfunctions.identities import execution_arn, new_id
from edgetrain.local.stepfunctions.item_batches import Batch, batches
from edgetrain.local.stepfunctions.item_reader import read_items
from edgetrain.local.stepfunctions.redriving import redriven
from edgetrain.local.stepfunctions.run import Run
from edgetrain.local.stepfunctions.steps import Step
from edgetrain.local.stepfunctions.tables import ExecutionRow, MapRunRow
from edgetrain.local.stepfunctions.tries import with_tries

_FAILED: Final = object()


@dataclass(frozen=True)
class Tolerance:
    """How many items may fail."""

    count: int
    percentage: float
    #: Whether only one of the two was given, and which: the other one does not count then.
    by_count: bool
    by_percentage: bool

    def exceeded(self, failed: int, total: int) -> bool:
        """Whether a map run with so many failures among its items has failed. Without any tolerance one is enough."""
        if not (self.by_count or self.by_percentage):
            return failed > 0
        return (self.by_count and failed > self.count) or (
            self.by_percentage and failed * 100 > self.percentage * total
        )


@plays(definition.DistributedMap)
async def _distributed_map(step: Step[definition.DistributedMap]) -> Outcome:
    return await with_tries(step, lambda: _attempt(step), failed_event="MapStateFailed")


async def _attempt(step: Step[definition.DistributedMap]) -> Document:
    state = step.state
    data = step.effective_input()
    items = None if state.reader is not None else given_items(step, data)
    most = concurrency(step, data)
    if not step.lane.notes.get("started"):
        step.lane.add("MapStateStarted", {"length": len(items or ())})
        step.lane.note(started=True)
    tolerance = _tolerance(step, data)
    map_run = MapRun(step, data, most, tolerance)
    try:
        results = await map_run.play(items)
    except StateFailed as failed:
        map_run.end("FAILED", failure_details(failed.error, failed.cause))
        raise
    except asyncio.CancelledError:
        map_run.end("ABORTED")
        raise
    map_run.end("SUCCEEDED")
    output = step.output(results)
    step.lane.beside("MapStateSucceeded")
    return output


def _tolerance(step: Step[definition.DistributedMap], data: Any) -> Tolerance:
    state = step.state
    count = step.whole("ToleratedFailureCountPath", state.tolerated_count, data)
    if count is not None and count < 0:
        raise EvaluationFailed(RUNTIME, "ToleratedFailureCount cannot be negative.")
    percentage = step.number("ToleratedFailurePercentagePath", state.tolerated_percentage, data)
    if percentage is not None and not 0 <= percentage <= 100:
        raise EvaluationFailed(RUNTIME, "ToleratedFailurePercentage must be between 0 and 100.")
    return Tolerance(count or 0, percentage or 0.0, count is not None, percentage is not None)


class MapRun:
    """One attempt of a Distributed Map."""

    def __init__(self, step: Step[definition.DistributedMap], data: Any, most: int, tolerance: Tolerance) -> None:
        """Begin it, or go on with the one that the state's notes name."""
        state = step.state
        self._step, self._state, self._data, self._tolerance = step, state, data, tolerance
        self._most = most or DISTRIBUTED_MAP_CONCURRENCY
        self._failed, self._total = 0, 0
        #: What the executions are started with, when an item is not one.
        self._batches: list[Batch] | None = None
        # A map run within a map run's item belongs to the machine itself.
        machine = step.run.row.machine_arn.split("/", 1)[0]
        self._machine_arn = f"{machine}/{state.label}"
        self._known: dict[int, ExecutionRow] = {}
        self._redriven: float | None = None
        if "map_run" in step.lane.notes:
            self.arn: str = step.lane.notes["map_run"]
            self._go_on()
        else:
            self.arn = f"{machine.replace(':stateMachine:', ':mapRun:')}/{state.label}:{new_id()}"
            self._begin(most)

    def _begin(self, most: int) -> None:
        step, around = self._step, self._step.run.around
        around.journal.add_map_run(
            MapRunRow(
                arn=self.arn,
                execution_arn=step.run.row.arn,
                machine_arn=self._machine_arn,
                label=self._state.label,
                state=self._state.name,
                status="RUNNING",
                started=around.clock(),
                items=0,
                executions=0,
                max_concurrency=most,
                tolerated_count=self._tolerance.count,
                tolerated_percentage=self._tolerance.percentage,
            )
        )
        step.lane.add("MapRunStarted", {"mapRunArn": self.arn})
        step.lane.note(map_run=self.arn)

    def _go_on(self) -> None:
        """Find the items that have been played; of a map run that had ended, those that failed are played again."""
        around = self._step.run.around
        row = around.journal.map_runs("arn = ?", self.arn)[0]
        self._redriven = row.redriven
        if row.status != "RUNNING":
            self._redriven = around.clock()
            around.journal.redrive_map_run(self.arn, self._redriven)
            self._step.lane.add("MapRunRedriven", {"mapRunArn": self.arn, "redriveCount": row.redrives + 1})
        children = around.journal.executions("map_run_arn = ? order by key", self.arn)
        self._known = {child.item: child for child in children if child.item is not None}

    def end(self, status: str, details: dict[str, Any] | None = None) -> None:
        """Write how it ended."""
        around = self._step.run.around
        around.journal.end_map_run(self.arn, status, around.clock())
        self._step.lane.add(
            {"SUCCEEDED": "MapRunSucceeded", "FAILED": "MapRunFailed"}.get(status, "MapRunAborted"), details
        )

    async def play(self, items: list[Any] | None) -> list[Any]:
        """The outputs of the items that succeeded, in the items' order; `items` None: they are read first.

        Raises:
            StateFailed: the items cannot be read, or more of them failed than is tolerated.
        """
        if items is None and self._state.reader is not None:
            items = await self._read(self._state.reader)
        items = items or []
        self._total = len(items)
        if self._state.batcher is not None:
            values = [self._selected(index, item) for index, item in enumerate(items)]
            with self._step.explained():
                self._batches = batches(self._step, self._state.batcher, self._data, values)
        executions = self._total if self._batches is None else len(self._batches)
        self._step.run.around.journal.size_map_run(self.arn, self._total, executions)

        async def play(index: int) -> Any:
            return await self._execution(index, items)

        # No more at a time than calls can be made: an item that waits for its turn has not started yet.
        most = min(self._most, self._step.run.around.calls.limit)
        outputs = await side_by_side(executions, most, play)
        return [output for output in outputs if output is not _FAILED]

    async def _read(self, reader: definition.ItemReader) -> list[Any]:
        """The reader's items; what it found once it is not asked for again."""
        journal = self._step.run.around.journal
        kept = journal.items(self.arn)
        if kept is not None:
            items: list[Any] = from_text(kept)
            return items
        items = await read_items(self._step, reader, self._data)
        journal.keep_items(self.arn, to_text(items))
        return items

    async def _execution(self, index: int, items: list[Any]) -> Any:
        """What the execution of an item, or of a batch of them, ends with: its output, or `_FAILED`."""
        around = self._step.run.around
        known = self._known.pop(index, None)
        if known is None:
            child = self._new(index, items)
            lane = child.begin()
        elif known.status == "SUCCEEDED":
            return from_text(known.output or "null")
        elif known.status == "RUNNING":
            child = around.left.pop(known.key)
            lane = child.lane()
        elif self._redriven is not None and max(known.started, known.redriven or 0) < self._redriven:
            child = redriven(around, known)
            lane = child.lane()
        else:
            return self._lost(known.items or 1)
        await execute(child, self._state.processor, lane)
        return self._lost(child.row.items or 1) if child.output is None else child.output.value

    def _lost(self, items: int) -> Any:
        """So many items failed.

        Raises:
            StateFailed: one too many.
        """
        self._failed += items
        if self._tolerance.exceeded(self._failed, self._total):
            raise StateFailed(EXCEED_TOLERATED_FAILURES, "The specified tolerated failure threshold was exceeded")
        return _FAILED

    def _selected(self, index: int, item: Any) -> Any:
        context = item_context(self._step, index, item)
        with self._step.explained():
            return selected(self._state, self._data, item, context)

    def _new(self, index: int, items: list[Any]) -> Run:
        if self._batches is None:
            return self._child(index, Document(self._selected(index, items[index])), 1)
        batch = self._batches[index]
        return self._child(index, batch.given, batch.items)

    def _child(self, index: int, given: Document, items: int) -> Run:
        around, row = self._step.run.around, self._step.run.row
        name = new_id()
        return Run(
            around=around,
            input=given,
            row=ExecutionRow(
                key=around.journal.new_key(),
                arn=execution_arn(self._machine_arn, name),
                machine_arn=self._machine_arn,
                name=name,
                role_arn=row.role_arn,
                definition_id=row.definition_id,
                input=given.text,
                status="RUNNING",
                started=around.clock(),
                map_run_arn=self.arn,
                item=index,
                items=items,
            ),
        )

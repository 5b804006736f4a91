"""RedriveExecution: an execution that did not succeed goes on with what had not succeeded in it."""

from dataclasses import replace
from typing import Final

from edgetrain import limits
from edgetrain.local.stepfunctions.failures import ApiError
from edgetrain.local.stepfunctions.run import Run, Surroundings, run_of_row
from edgetrain.local.stepfunctions.tables import ExecutionRow

#: Statuses that an execution can be redriven from.
_UNSUCCESSFUL: Final = {"FAILED", "ABORTED", "TIMED_OUT"}


def why_not(row: ExecutionRow, events: int, now: float) -> str | None:
    """Why an execution of so many events cannot be redriven, in AWS's words, or None when it can be."""
    if row.status not in _UNSUCCESSFUL:
        return f"Execution is {row.status} and cannot be redriven"
    if events >= limits.REDRIVABLE_EVENTS:
        return "Execution history event limit exceeded"
    if now - (row.stopped or now) > limits.REDRIVABLE_SECONDS:
        return "Execution has exceeded the redrivable period"
    return None


def redriven(around: Surroundings, row: ExecutionRow) -> Run:
    """The execution of this row, which had ended, running again: its event is written, and its flows stand ready."""
    at = around.clock()
    run = run_of_row(around, row)
    run.row = replace(
        row, status="RUNNING", stopped=None, error=None, cause=None, redrives=row.redrives + 1, redriven=at
    )
    around.journal.redrive_execution(row.key, at)
    event = run.history.add("ExecutionRedriven", run.last, at, {"redriveCount": run.row.redrives})
    run.history.stand([place.redriven(event) for place in run.places])
    return run


def check_redrivable(row: ExecutionRow, events: int, now: float) -> None:
    """Refuse what cannot be redriven.

    Raises:
        ApiError: ExecutionNotRedrivable.
    """
    if row.map_run_arn is not None:
        raise ApiError(
            "ExecutionNotRedrivable", f"'{row.arn}' belongs to a map run: redrive the execution that started it"
        )
    reason = why_not(row, events, now)
    if reason is not None:
        raise ApiError("ExecutionNotRedrivable", reason)

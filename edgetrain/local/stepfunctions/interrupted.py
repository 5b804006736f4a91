"""Executions that were running when the process died: they end here, with a cause, and never show RUNNING for ever."""

from edgetrain.local.stepfunctions.history import History
from edgetrain.local.stepfunctions.journal import Journal

_CAUSE = "The process that ran this execution ended before the execution did, and it was not resumed."


def end_interrupted(journal: Journal, at: float, error: str) -> int:
    """End every execution and map run that the journal has as RUNNING, as ABORTED; how many executions there were."""
    left = journal.executions("status = 'RUNNING'")
    for row in left:
        last = journal.select("select coalesce(max(id), 0) from events where execution = ?", row.key)[0][0]
        History(journal, row.key, last).add("ExecutionAborted", 0, at, {"error": error, "cause": _CAUSE})
        journal.end_execution(row.key, "ABORTED", at, None, error, _CAUSE)
    for map_run in journal.map_runs("status = 'RUNNING'"):
        journal.end_map_run(map_run.arn, "ABORTED", at)
    journal.flush()
    return len(left)

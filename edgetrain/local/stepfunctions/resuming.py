"""Executions that were running when the journal was left: they go on, or end when what they belonged to has ended."""

from edgetrain.local.stepfunctions.history import History
from edgetrain.local.stepfunctions.run import Run, Surroundings, run_of_row
from edgetrain.local.stepfunctions.tokens import TOKEN


def take_up(around: Surroundings) -> list[Run]:
    """What the journal has as RUNNING: executions that nobody else plays, in the order of their starts.

    Items of map runs are put into `around.left`, for their map runs. Tokens are known again at once.
    """
    _end_orphans(around)
    roots: list[Run] = []
    for row in around.journal.executions("status = 'RUNNING' order by key"):
        run = run_of_row(around, row)
        for place in run.places:
            if TOKEN in place.notes:
                around.tokens.wait(place, run.history)
        if row.map_run_arn is None:
            roots.append(run)
        else:
            around.left[row.key] = run
    return roots


def _end_orphans(around: Surroundings) -> None:
    """End, as ABORTED, items and map runs whose execution ended a moment before the process did."""
    journal, at = around.journal, around.clock()
    running = {row.arn for row in journal.executions("status = 'RUNNING'")}
    playing = {row.arn: row.execution_arn for row in journal.map_runs("status = 'RUNNING'")}
    # An item's key is larger than its parent's: parents are looked at first.
    for row in journal.executions("status = 'RUNNING' and map_run_arn is not null order by key"):
        if playing.get(row.map_run_arn or "") not in running:
            running.discard(row.arn)
            last = journal.select("select coalesce(max(id), 0) from events where execution = ?", row.key)[0][0]
            History(journal, row.key, last).add("ExecutionAborted", 0, at, {})
            journal.end_execution(row.key, "ABORTED", at, None, None, None)
    for arn, execution in playing.items():
        if execution not in running:
            journal.end_map_run(arn, "ABORTED", at)
    journal.flush()

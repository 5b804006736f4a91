"""Executions that were running when the journal was left: they go on, or end when what they belonged to has ended."""

from edgetrain.local.stepfunctions.run import Run, Surroundings, run_of_row
from edgetrain.local.stepfunctions.tables import ExecutionRow
from edgetrain.local.stepfunctions.tokens import TOKEN


def take_up(around: Surroundings) -> list[Run]:
    """What the journal has as RUNNING: executions that nobody else plays, in the order of their starts.

    Items of map runs are put into `around.left`, for their map runs. Tokens are known again at once.
    """
    roots: list[Run] = []
    for row in _without_orphans(around):
        run = run_of_row(around, row)
        for place in run.places:
            if TOKEN in place.notes:
                around.tokens.wait(place, run.history)
        if row.map_run_arn is None:
            roots.append(run)
        else:
            around.left[row.key] = run
    return roots


def _without_orphans(around: Surroundings) -> list[ExecutionRow]:
    """What goes on, in the order of starts; items and map runs whose execution ended a moment before the process did end
    here, as ABORTED.
    """
    journal = around.journal
    playing = {row.arn: row.execution_arn for row in journal.map_runs("status = 'RUNNING'")}
    running: dict[str, ExecutionRow] = {}
    # An item's key is larger than its parent's: parents are looked at first.
    for row in journal.executions("status = 'RUNNING' order by key"):
        if row.map_run_arn is None or playing.get(row.map_run_arn) in running:
            running[row.arn] = row
        else:
            run_of_row(around, row).end("ABORTED")
    for arn, execution in playing.items():
        if execution not in running:
            journal.end_map_run(arn, "ABORTED", around.clock())
    journal.flush()
    return list(running.values())

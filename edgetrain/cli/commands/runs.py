"""`edgetrain runs`: list, show, follow and stop runs."""

from typing import TYPE_CHECKING

from edgetrain.cli import console
from edgetrain.cli.cloud import federation
from edgetrain.cli.following import COLUMNS, cells_of, follow_to_the_end
from edgetrain.cli.groups import new_group
from edgetrain.cli.options import Cloud, CloudName, DataDir, Json, RunArgument

if TYPE_CHECKING:
    from edgetrain.client.documents import RunDocument

group = new_group("List, show, follow and stop runs.")


@group.command("list")
def list_(*, cloud: Cloud = CloudName.LOCAL, data_dir: DataDir = None, as_json: Json = False) -> None:
    """List all runs, newest first."""
    from edgetrain.client.documents import RunsDocument
    from edgetrain.client.runs import list_runs

    runs = tuple(list_runs(federation(cloud, data_dir)))
    if as_json:
        console.emit(RunsDocument(runs=runs))
        return
    if not runs:
        console.note("There are no runs yet: `edgetrain federate --task digits` starts one.")
        return
    rows = [
        (run.run_id, run.task, run.status, f"{run.rounds_done}/{run.rounds}", run.model_version, run.error)
        for run in runs
    ]
    console.table(("run", "task", "status", "rounds", "version", "error"), rows, right=("rounds", "version"))


@group.command()
def show(run: RunArgument, *, cloud: Cloud = CloudName.LOCAL, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Show a run: its input, each round, what was refused and the model."""
    from edgetrain.client.runs import read_run

    document = read_run(federation(cloud, data_dir), run)
    if as_json:
        console.emit(document)
    else:
        _show(document)


@group.command()
def follow(
    run: RunArgument, *, cloud: Cloud = CloudName.LOCAL, data_dir: DataDir = None, as_json: Json = False
) -> None:
    """Follow a run to its end. Ctrl-C leaves it going."""
    from edgetrain.client.runs import StartedRun, state_of

    deployed = federation(cloud, data_dir)
    row = state_of(deployed, run).row
    follow_to_the_end(deployed, StartedRun(row.run_id, row.execution_arn), as_json=as_json)


@group.command()
def stop(run: RunArgument, *, cloud: Cloud = CloudName.LOCAL, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Stop a run. Its finished rounds stay, and it can be resumed."""
    from edgetrain.client.runs import read_run, stop_run

    deployed = federation(cloud, data_dir)
    stop_run(deployed, run)
    if as_json:
        console.emit(read_run(deployed, run))
        return
    console.result(f"run {run} is stopped")
    console.note(f"`edgetrain federate --run-id {run}` with the same options resumes it.")


def _show(document: "RunDocument") -> None:
    given = document.input
    facts = [
        ("run", document.run_id),
        ("status", document.status),
        ("error", document.error),
        ("cause", document.cause),
        ("task", given.task),
        ("started", document.created_at),
        ("rounds", f"{len(document.rounds)} of {given.rounds}"),
        ("clients per round", f"{given.clients_per_round}, at least {given.quorum}"),
        ("strategy", given.strategy.name),
        ("model", None if document.model.version is None else f"version {document.model.version}"),
        ("execution", document.execution_arn),
    ]
    console.table(("", ""), [fact for fact in facts if fact[1] is not None])
    if document.rounds:
        console.table(COLUMNS, [cells_of(each) for each in document.rounds], right=COLUMNS)
    refused = [(each.round, one.client, one.error, one.message) for each in document.rounds for one in each.refused]
    if refused:
        console.table(("round", "refused", "error", "why"), refused, right=("round",))

"""Following a run on the screen: a live table on a terminal, a plain line for each round elsewhere."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from edgetrain.cli import console
from edgetrain.cli.application import give_up
from edgetrain.cli.cloud import pause_between_looks
from edgetrain.errors import EdgetrainError, Interrupted, RunNotFound

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress, TaskID
    from rich.table import Table

    from edgetrain.client.documents import RoundDocument, RunDocument
    from edgetrain.client.federation import Federation
    from edgetrain.client.following import LiveRound, RunProgress
    from edgetrain.client.runs import StartedRun

COLUMNS = ("round", "trained", "refused", "examples", "loss", "accuracy", "seconds")
#: Lines of a terminal that are not for rounds: heads, the round that is being played, bar, prompt.
LINES_BESIDE = 8


def follow_to_the_end(federation: "Federation", run: "StartedRun", *, as_json: bool) -> None:
    """Follow a run until it ends, then say how.

    Raises:
        Interrupted: Ctrl-C; the run goes on.
        EdgetrainError: the run did not succeed; the class is the run's own typed error.
    """
    try:
        progress = watch(federation, run, console.stderr() if as_json else console.stdout())
    except KeyboardInterrupt as error:
        raise Interrupted(
            f"run {run.run_id} goes on: follow it with `edgetrain runs follow {run.run_id}`, stop it with "
            f"`edgetrain runs stop {run.run_id}`"
        ) from error
    document = _document(federation, run)
    failed = None if progress.status == "SUCCEEDED" else why_it_failed(federation, run)
    if as_json and document is not None:
        console.emit(document)
        if failed is not None:
            raise give_up(failed)
        return
    if failed is not None:
        raise failed
    if document is not None:
        console.result(closing_words(document))
        console.note(f"Fetch the model with `edgetrain models download {document.model.task}`.")


def watch(federation: "Federation", run: "StartedRun", where: "Console") -> "RunProgress":
    """Show the run on `where` until it has ended; the last look."""
    from edgetrain.client.following import RunWatcher, follow_run

    where.print(f"run {run.run_id}", soft_wrap=True)
    looks = follow_run(RunWatcher(federation, run), interval=pause_between_looks(federation.is_local))
    return show_live(looks, where) if where.is_interactive else show_lines(looks, where)


def show_lines(looks: "Iterable[RunProgress]", where: "Console") -> "RunProgress":
    """One line for each round that is done."""
    told, last = 0, None
    for look in looks:
        for each in look.done[told:]:
            where.print(line_of(each, look.rounds), soft_wrap=True)
        told, last = len(look.done), look
    return _known(last)


def show_live(looks: "Iterable[RunProgress]", where: "Console") -> "RunProgress":
    """A table of the rounds with the one that is being played, and a bar."""
    from rich.live import Live

    bar, task = _bar(where)
    last = None
    with Live(console=where, auto_refresh=False, vertical_overflow="visible") as live:
        for look in looks:
            bar.update(task, completed=len(look.done), total=look.rounds)
            live.update(picture(look, bar, lines=None if look.ended else where.height - LINES_BESIDE), refresh=True)
            last = look
    return _known(last)


def picture(look: "RunProgress", bar: "Progress", *, lines: int | None = None) -> "RenderableType":
    """What the terminal shows of a look: at most `lines` finished rounds, the newest."""
    from rich.console import Group

    done = look.done if lines is None else look.done[-max(1, lines) :]
    return Group(rounds_table(done, look.live), bar.get_renderable())


def rounds_table(done: "Iterable[RoundDocument]", live: "LiveRound | None" = None, *, boxed: bool = True) -> "Table":
    """Finished rounds, and below them the one that is being played."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD if boxed else None, pad_edge=False)
    for column in COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    for each in done:
        table.add_row(*cells_of(each))
    if live is not None:
        trained = f"{live.trained}/{live.clients}"
        cells = (str(live.round), trained, str(live.refused), f"{live.examples:,}", "", "", f"{live.seconds:.0f}")
        table.add_row(*cells, style="dim")
    return table


def cells_of(each: "RoundDocument") -> tuple[str, ...]:
    """A finished round in the columns of the table."""
    return (
        str(each.round),
        f"{len(each.updates)}/{len(each.updates) + len(each.refused)}",
        str(len(each.refused)),
        f"{each.examples:,}",
        "" if each.loss is None else f"{each.loss:.4f}",
        "" if each.accuracy is None else f"{100 * each.accuracy:.1f} %",
        f"{each.seconds:.1f}",
    )


def line_of(each: "RoundDocument", rounds: int | None) -> str:
    """A finished round in one line."""
    parts = [
        f"round {each.round}" + ("" if rounds is None else f"/{rounds}") + ":",
        f"{len(each.updates)} trained,",
        f"{len(each.refused)} refused,",
        f"{each.examples:,} examples,",
    ]
    parts += [] if each.loss is None else [f"loss {each.loss:.4f},"]
    parts += [] if each.accuracy is None else [f"accuracy {100 * each.accuracy:.1f} %,"]
    return " ".join([*parts, f"{each.seconds:.1f} s"])


def closing_words(document: "RunDocument") -> str:
    """How a run that succeeded ended, in one sentence."""
    count = len(document.rounds)
    played = f"{count} round{'' if count == 1 else 's'}"
    if count < document.input.rounds:
        played += f" of {document.input.rounds} (the target is reached)"
    scored = ", ".join(f"{name} {value:.4f}" for name, value in (document.model.metrics or {}).items())
    model = f"model {document.model.task} version {document.model.version}"
    return f"run {document.run_id}: {played}, {model}" + (f" ({scored})" if scored else "")


def why_it_failed(federation: "Federation", run: "StartedRun") -> EdgetrainError:
    """Why an execution did not succeed, as an error of ours."""
    from edgetrain.client.runs import failure

    execution = federation.executions.describe(run.execution_arn)
    return failure(None, None) if execution is None else failure(execution.error, execution.cause)


def _bar(where: "Console") -> "tuple[Progress, TaskID]":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(TextColumn("rounds"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=where)
    return bar, bar.add_task("rounds", total=None)


def _known(last: "RunProgress | None") -> "RunProgress":
    if last is None:
        raise RunNotFound("the run was never seen")
    return last


def _document(federation: "Federation", run: "StartedRun") -> "RunDocument | None":
    """Everything about the run, or None when the execution was refused before it had a part in it."""
    from edgetrain.client.runs import read_run

    try:
        document = read_run(federation, run.run_id)
    except RunNotFound:
        return None
    return document if document.execution_arn == run.execution_arn else None

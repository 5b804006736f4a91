"""Where words go: results to standard output, everything else to standard error.

With `--json` a command prints one JSON document to standard output and nothing else. Where a stream is no terminal
there are no colours and nothing is drawn twice.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console

#: A pipe has no width: tables take what they need, up to this.
WIDTH_WITHOUT_TERMINAL = 160


def stdout() -> "Console":
    """For results that people read."""
    return _console(sys.stdout)


def stderr() -> "Console":
    """For progress, hints and errors."""
    return _console(sys.stderr)


def _console(stream: TextIO) -> "Console":
    from rich.console import Console

    width = None if stream.isatty() or "COLUMNS" in os.environ else WIDTH_WITHOUT_TERMINAL
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def emit(document: "BaseModel | dict[str, Any]") -> None:
    """The one JSON document of a command with `--json`."""
    sys.stdout.write(as_json(document))
    sys.stdout.flush()


def as_json(document: "BaseModel | dict[str, Any]") -> str:
    """A document as it is printed and as it lies in a file."""
    plain = document if isinstance(document, dict) else document.model_dump(mode="json")
    return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"


def result(text: str) -> None:
    """A line of a command's result."""
    stdout().print(text, soft_wrap=True)


def note(text: str) -> None:
    """A line beside the result: progress, a hint."""
    stderr().print(text, soft_wrap=True)


def error(text: str) -> None:
    """What went wrong, in one sentence."""
    console = stderr()
    console.print("edgetrain:", style="bold red", end=" ")
    console.print(text, soft_wrap=True)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """A result in columns; those named in `right` hold numbers."""
    from rich import box
    from rich.table import Table

    drawn = Table(box=box.SIMPLE_HEAD if sys.stdout.isatty() else None, pad_edge=False)
    for column in columns:
        drawn.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*("" if cell is None else str(cell) for cell in row))
    stdout().print(drawn)


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal, else one line; the function it gives is told how many of how many are done."""
    console = stderr()
    if not console.is_interactive:
        note(f"{what} ...")
        yield lambda _done, _total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    with Progress(TextColumn(what), BarColumn(), MofNCompleteColumn(), console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)

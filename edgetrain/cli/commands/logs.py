"""`edgetrain logs`: what the functions write."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from edgetrain.cli import console
from edgetrain.cli.cloud import connection, pause_between_looks
from edgetrain.cli.options import Cloud, CloudName, DataDir, Json
from edgetrain.errors import UsageError

if TYPE_CHECKING:
    from edgetrain.client.documents import LogLine

DEFAULT_MINUTES = 60


def logs(
    function: Annotated[
        str | None, typer.Argument(metavar="[FUNCTION]", help="A state, such as TrainClient (default: all).")
    ] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    minutes: Annotated[int, typer.Option(min=1, help="How far to look back.")] = DEFAULT_MINUTES,
    cloud: Cloud = CloudName.LOCAL,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Show what the functions wrote."""
    from edgetrain.client.documents import LogsDocument
    from edgetrain.client.logs import LogReader, choose, follow_logs, log_groups

    if follow and as_json:
        raise UsageError("--follow has no end and --json is one document: choose one of them")
    connected = connection(cloud, data_dir)
    groups = choose(log_groups(connected), function)
    reader = LogReader(connected.client("logs"), groups, since=time.time() - 60 * minutes)
    if as_json:
        console.emit(LogsDocument(lines=tuple(reader.read())))
        return
    try:
        for line in follow_logs(reader, interval=pause_between_looks(connected.is_local)) if follow else reader.read():
            _print(line, named=len(groups) > 1)
    except KeyboardInterrupt:
        if not follow:
            raise


def _print(line: "LogLine", *, named: bool) -> None:
    console.result(" ".join(part for part in (line.timestamp, line.function if named else "", line.message) if part))

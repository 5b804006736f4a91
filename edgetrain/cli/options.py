"""Options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class CloudName(StrEnum):
    """Where the application runs."""

    LOCAL = "local"
    AWS = "aws"


#: Arguments and options that name a task, a run or a version.
TaskOption = Annotated[
    str,
    typer.Option("--task", help="The task (`edgetrain tasks list`), or the file of your own.", show_default=False),
]
TaskOrFileArgument = Annotated[
    str,
    typer.Argument(
        metavar="TASK", help="The task (`edgetrain tasks list`), or the file of your own.", show_default=False
    ),
]
TaskArgument = Annotated[
    str, typer.Argument(metavar="TASK", help="The task (`edgetrain tasks list`).", show_default=False)
]
RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="The run's id (`edgetrain runs list`).", show_default=False)
]
VersionOption = Annotated[
    int | None, typer.Option("--version", min=1, help="This version (default: the newest).", show_default=False)
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document to standard output, everything else to standard error.")
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        envvar="EDGETRAIN_DATA_DIR",
        help="Where the embedded cloud keeps its state (default: .edgetrain in the project).",
        show_default=False,
    ),
]
Cloud = Annotated[
    CloudName,
    typer.Option(
        "--cloud",
        envvar="EDGETRAIN_CLOUD",
        help="`local`: the embedded cloud, or AWS_ENDPOINT_URL when it is set. `aws`: AWS with your own credentials.",
    ),
]

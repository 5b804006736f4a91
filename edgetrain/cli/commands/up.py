"""`edgetrain up`: start the embedded cloud and deploy the application into it."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgetrain.cli import console
from edgetrain.cli.cloud import data_dir_of, deploy_application, start_cloud, stop_cloud
from edgetrain.cli.interrupts import signals_interrupt
from edgetrain.cli.options import DataDir, Json

if TYPE_CHECKING:
    from edgetrain.local.process import RunningCloud

#: How often a cloud in the foreground is looked at, in seconds.
LOOK_SECONDS = 1.0


def up(
    *,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Leave it running in the background.")] = False,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Listen here on 127.0.0.1; 0 takes a free port.", show_default="4566"),
    ] = None,
    data_dir: DataDir = None,
    deploy: Annotated[
        bool, typer.Option("--deploy/--no-deploy", help="Synthesise the CDK application and deploy it.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Start the embedded cloud and deploy into it.

    In the foreground Ctrl-C stops it. With `--detach` it goes on until `edgetrain down`.
    """
    folder = data_dir_of(data_dir)
    try:
        with signals_interrupt(), ExitStack() as stopping:
            running = start_cloud(folder, port)
            stopping.callback(stop_cloud, folder)
            console.note(f"The embedded cloud listens at {running.endpoint} (process {running.pid}).")
            stacks = deploy_application(running.endpoint) if deploy else {}
            _say(running, stacks, as_json=as_json)
            if detach:
                stopping.pop_all()
                console.note("It goes on until `edgetrain down`.")
                return
            console.note("Ctrl-C stops it.")
            _wait(folder)
    except KeyboardInterrupt:
        console.note("The embedded cloud is stopped.")
        if detach:
            raise


def _say(running: "RunningCloud", stacks: dict[str, str], *, as_json: bool) -> None:
    from edgetrain.client.documents import StatusDocument

    if as_json:
        console.emit(
            StatusDocument(
                running=True,
                cloud="embedded",
                pid=running.pid,
                endpoint=running.endpoint,
                data_dir=str(running.data_dir),
                stacks=stacks,
            )
        )
        return
    for name, status in stacks.items():
        console.note(f"{name}: {status}")
    console.note('Other tools talk to it after: eval "$(edgetrain env)"')


def _wait(folder: Path) -> None:
    """Until somebody else stops it."""
    from edgetrain.local import process

    while process.status(folder) is not None:
        time.sleep(LOOK_SECONDS)
    console.note("The embedded cloud has ended.")

"""`edgetrain up`: start the embedded cloud, deploy the application into it and publish the web app."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgetrain.cli import console
from edgetrain.cli.cloud import data_dir_of, deploy_application, load_ahead, start_cloud, stop_cloud
from edgetrain.cli.interrupts import signals_interrupt
from edgetrain.cli.options import DataDir, Json

if TYPE_CHECKING:
    from edgetrain.cli.steps import Say
    from edgetrain.client.connection import Connection
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
    web: Annotated[
        bool, typer.Option("--web/--no-web", help="Bring the first detector, and build and publish the web app.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Start the embedded cloud and deploy into it.

    The first detector is registered where there is none, the web app built where something changed.
    In the foreground Ctrl-C stops it. With `--detach` it goes on until `edgetrain down`.
    """
    from edgetrain.client.connection import Connection

    folder = data_dir_of(data_dir)
    try:
        with signals_interrupt(), ExitStack() as stopping:
            if deploy:
                load_ahead()
            running = start_cloud(folder, port)
            stopping.callback(stop_cloud, folder)
            console.note(f"The embedded cloud listens at {running.endpoint} (process {running.pid}).")
            stacks = deploy_application(running.endpoint) if deploy else {}
            page = furnish(Connection.embedded(running.endpoint)) if deploy and web else None
            _say(running, stacks, page, as_json=as_json)
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


def furnish(cloud: "Connection", say: "Say" = console.note) -> str:
    """Bring the first detector and the web app into a cloud, where they are not there yet; the web app's URL.

    Raises:
        PackageMissing: the npm package with the detector is not installed.
        NodeMissing: the web app has to be built, and there is no Node.js.
        BuildFailed: the web app does not build.
        NotDeployed: the application is not deployed there.
    """
    from edgetrain.cli.commands.web import publish_site
    from edgetrain.client.federation import connect
    from edgetrain.client.models import list_models
    from edgetrain.client.pretrained import import_pretrained
    from edgetrain.tasks.objects import TASK

    federation = connect(cloud)
    if next(list_models(federation, TASK), None) is None:
        detector = import_pretrained(federation)
        say(f"registered {detector.task} version {detector.version} from {detector.source}")
    return publish_site(cloud, say).url


def _say(running: "RunningCloud", stacks: dict[str, str], page: str | None, *, as_json: bool) -> None:
    from edgetrain.client.documents import StatusDocument

    if as_json:
        console.emit(
            StatusDocument(
                running=True,
                cloud="embedded",
                pid=running.pid,
                endpoint=running.endpoint,
                web=page,
                data_dir=str(running.data_dir),
                stacks=stacks,
            )
        )
        return
    for name, status in stacks.items():
        console.note(f"{name}: {status}")
    if page is not None:
        console.note(f"Web app: {page}/ (somebody to sign in as: `edgetrain users invite NAME`)")
    console.note('Other tools talk to it after: eval "$(edgetrain env)"')


def _wait(folder: Path) -> None:
    """Until somebody else stops it."""
    from edgetrain.local import process

    while process.status(folder) is not None:
        time.sleep(LOOK_SECONDS)
    console.note("The embedded cloud has ended.")

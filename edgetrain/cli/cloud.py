"""Which cloud a command talks to."""

import os
import threading
from collections.abc import Callable, Collection
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from edgetrain.cli import console
from edgetrain.cli.checkout import project_dir
from edgetrain.cli.interrupts import uninterrupted
from edgetrain.cli.options import CloudName
from edgetrain.errors import CloudNotRunning, UsageError

if TYPE_CHECKING:
    from edgetrain.client.connection import Connection
    from edgetrain.client.federation import Federation
    from edgetrain.local.process import RunningCloud

DATA_DIR = ".edgetrain"
#: Synthesised applications by the hash of their source, in the checkout.
ASSEMBLIES = Path("build", "assembly")
ENDPOINT = "AWS_ENDPOINT_URL"
#: See `load_ahead`.
LOADED_AHEAD = (
    "boto3.session",
    "edgetrain.client.federation",
    "edgetrain.client.pretrained",
    "edgetrain.client.publishing",
)
LOCAL_PAUSE, AWS_PAUSE = 0.5, 3.0


def data_dir_of(given: Path | None) -> Path:
    """Where the embedded cloud keeps its state."""
    return (given or project_dir() / DATA_DIR).absolute()


def deploy_application(
    endpoint: str, progress: Callable[[str], None] = console.note, only: Collection[str] | None = None
) -> dict[str, str]:
    """Synthesise the CDK application, unless the cached assembly is current, and deploy it; stack -> status.

    `only`: no more than these stacks and those that they depend on.

    Raises:
        NodeMissing: there is no Node.js for the CDK.
        DeploymentFailed: a stack did not deploy.
    """
    from edgetrain.local import deployment

    assembly = deployment.assembly(project_dir() / ASSEMBLIES, progress)
    return deployment.deploy(endpoint, assembly, progress, only)


def load_ahead() -> None:
    """Import, in a thread, what deploying and publishing need: it takes as long as a cloud takes to start."""
    threading.Thread(target=_import_all, name="load-ahead", daemon=True).start()


def _import_all() -> None:
    for module in LOADED_AHEAD:
        import_module(module)


def start_cloud(folder: Path, port: int | None = None) -> "RunningCloud":
    """Start an embedded cloud on this data directory; without a port, on the usual one.

    Raises:
        CloudAlreadyRunning: there is one already; it goes on.
        PortInUse: another program listens there.
    """
    from edgetrain.local import process

    return process.start(folder) if port is None else process.start(folder, port=port)


def stop_cloud(folder: Path) -> None:
    """Stop it to the end, whatever the user presses meanwhile."""
    from edgetrain.local import process

    with uninterrupted():
        process.stop(folder)


def connection(cloud: CloudName, data_dir: Path | None) -> "Connection":
    """AWS, the endpoint that the environment names, or the embedded cloud of a data directory.

    Raises:
        CloudNotRunning: no embedded cloud runs there.
        UsageError: AWS is asked for while the environment names another endpoint.
    """
    from edgetrain.client.connection import EMBEDDED_REGION, Connection

    endpoint = endpoint_of_environment()
    if cloud is CloudName.AWS:
        if endpoint:
            raise UsageError(f"{ENDPOINT} is set to {endpoint}: unset it and the keys beside it to talk to AWS")
        return Connection()
    if endpoint:
        named = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        return Connection(endpoint=endpoint, region=named or EMBEDDED_REGION)
    return Connection.embedded(running_endpoint(data_dir_of(data_dir)))


def endpoint_of_environment() -> str | None:
    """Where the user's environment sends every AWS client, or None."""
    return os.environ.get(ENDPOINT) or None


def pause_between_looks(is_local: bool) -> float:
    """Seconds between two looks at something that goes on: short on this machine, long where requests are paid for."""
    return LOCAL_PAUSE if is_local else AWS_PAUSE


def running_endpoint(data_dir: Path) -> str:
    """Where the embedded cloud of `data_dir` answers, or `CloudNotRunning`."""
    from edgetrain.local import process

    running = process.status(data_dir)
    if running is None:
        raise CloudNotRunning(f"no embedded cloud runs on {data_dir}: start one with `edgetrain up --detach`")
    return running.endpoint


def federation(cloud: CloudName, data_dir: Path | None) -> "Federation":
    """The federation that is deployed there.

    Raises:
        CloudNotRunning: nothing answers.
        NotDeployed: the application is not deployed there.
    """
    from edgetrain.client.federation import connect

    return connect(connection(cloud, data_dir))

"""Which cloud a command talks to."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from edgetrain.cli.options import CloudName
from edgetrain.errors import CloudNotRunning, UsageError

if TYPE_CHECKING:
    from edgetrain.client.connection import Connection
    from edgetrain.client.federation import Federation

DATA_DIR = ".edgetrain"
ENDPOINT = "AWS_ENDPOINT_URL"


def project_dir() -> Path:
    """The checkout: the nearest folder above here with a cdk.json, else the one that this package lies in."""
    here = Path.cwd()
    for folder in (here, *here.parents, Path(__file__).parents[2]):
        if (folder / "cdk.json").is_file() and (folder / "stacks").is_dir():
            return folder
    return here


def data_dir_of(given: Path | None) -> Path:
    """Where the embedded cloud keeps its state."""
    return (given or project_dir() / DATA_DIR).absolute()


def connection(cloud: CloudName, data_dir: Path | None) -> "Connection":
    """AWS, the endpoint that the environment names, or the embedded cloud of a data directory.

    Raises:
        CloudNotRunning: no embedded cloud runs there.
        UsageError: AWS is asked for while the environment names another endpoint.
    """
    from edgetrain.client.connection import EMBEDDED_REGION, Connection

    endpoint = os.environ.get(ENDPOINT)
    if cloud is CloudName.AWS:
        if endpoint:
            raise UsageError(f"{ENDPOINT} is set to {endpoint}: unset it and the keys beside it to talk to AWS")
        return Connection()
    if endpoint:
        named = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        return Connection(endpoint=endpoint, region=named or EMBEDDED_REGION)
    return Connection.embedded(running_endpoint(data_dir_of(data_dir)))


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

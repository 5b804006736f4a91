"""`edgetrain env`: let other tools talk to the embedded cloud."""

import shlex

from edgetrain.cli import console
from edgetrain.cli.cloud import data_dir_of, running_endpoint
from edgetrain.cli.options import DataDir, Json

#: stacks/application.py reads it: the plain CDK command line then synthesises for this machine.
TARGET = {"EDGETRAIN_TARGET": "host"}


def env(*, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Print the embedded cloud's settings for a shell.

    After `eval "$(edgetrain env)"` every AWS client talks to it: boto3, `aws`, `cdk`.
    """
    from edgetrain.client.connection import Connection

    variables = {**Connection.embedded(running_endpoint(data_dir_of(data_dir))).environment(), **TARGET}
    if as_json:
        console.emit(variables)
        return
    for name, value in variables.items():
        console.result(f"export {name}={shlex.quote(value)}")

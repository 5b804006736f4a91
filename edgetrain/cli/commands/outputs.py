"""`edgetrain outputs`: what the deployed application is called in its cloud."""

from edgetrain.cli import console
from edgetrain.cli.cloud import connection
from edgetrain.cli.options import Cloud, CloudName, DataDir, Json


def outputs(*, cloud: Cloud = CloudName.LOCAL, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Print the names of buckets, table and state machine."""
    from edgetrain.client.outputs import Outputs, read_outputs

    flat = read_outputs(connection(cloud, data_dir).client("cloudformation"))
    Outputs.of(flat)
    if as_json:
        console.emit(flat)
        return
    console.table(("output", "value"), sorted(flat.items()))

"""`edgetrain status`: which cloud commands talk to, and what is deployed there."""

from typing import TYPE_CHECKING

from edgetrain.cli import console
from edgetrain.cli.cloud import connection, data_dir_of, endpoint_of_environment
from edgetrain.cli.options import Cloud, CloudName, DataDir, Json

if TYPE_CHECKING:
    from pathlib import Path

    from edgetrain.client.documents import StatusDocument


def status(*, cloud: Cloud = CloudName.LOCAL, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Show which cloud runs, and what is deployed there."""
    document = look(cloud, data_dir)
    if as_json:
        console.emit(document)
        return
    if not document.running:
        console.result(f"No embedded cloud runs on {document.data_dir}. Start one with `edgetrain up --detach`.")
        return
    where = {"embedded": "The embedded cloud runs at", "endpoint": "Commands talk to", "aws": "Commands talk to AWS"}
    console.result(" ".join(part for part in (where[document.cloud], document.endpoint) if part))
    if document.web is not None:
        console.result(f"web app: {document.web}/")
    if document.pid is not None:
        console.result(f"process {document.pid}, state in {document.data_dir}")
    if document.stacks:
        console.table(("stack", "status"), list(document.stacks.items()))
    else:
        console.result("The application is not deployed there.")


def look(cloud: CloudName, data_dir: "Path | None") -> "StatusDocument":
    """How things stand; stacks are asked for where a cloud answers."""
    from edgetrain.client.documents import StatusDocument
    from edgetrain.local import process

    if cloud is CloudName.AWS:
        stacks, web = _deployed(cloud, data_dir)
        return StatusDocument(running=True, cloud="aws", stacks=stacks, web=web)
    folder, endpoint = data_dir_of(data_dir), endpoint_of_environment()
    running = process.status(folder)
    if running is None and endpoint is None:
        return StatusDocument(running=False, cloud="embedded", data_dir=str(folder))
    stacks, web = _deployed(cloud, data_dir)
    if running is None or endpoint not in {None, running.endpoint}:
        return StatusDocument(running=True, cloud="endpoint", endpoint=endpoint, stacks=stacks, web=web)
    return StatusDocument(
        running=True,
        cloud="embedded",
        pid=running.pid,
        endpoint=running.endpoint,
        web=web,
        data_dir=str(running.data_dir),
        stacks=stacks,
    )


def _deployed(cloud: CloudName, data_dir: "Path | None") -> tuple[dict[str, str], str | None]:
    """The stacks with their status, and where the web app is served, if it is."""
    from edgetrain.client.outputs import read_stacks

    stacks, outputs = read_stacks(connection(cloud, data_dir).client("cloudformation"))
    return stacks, outputs.get("WebUrl")

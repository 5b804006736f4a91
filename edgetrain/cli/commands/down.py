"""`edgetrain down`: stop the embedded cloud."""

from edgetrain.cli import console
from edgetrain.cli.cloud import data_dir_of
from edgetrain.cli.options import DataDir, Json


def down(*, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Stop the embedded cloud."""
    from edgetrain.client.documents import StatusDocument
    from edgetrain.local import process

    folder = data_dir_of(data_dir)
    stopped = process.stop(folder)
    if stopped is None:
        console.note(f"No embedded cloud runs on {folder}.")
    else:
        console.note(f"The embedded cloud at {stopped.endpoint} (process {stopped.pid}) is stopped.")
    if as_json:
        console.emit(StatusDocument(running=False, cloud="embedded", data_dir=str(folder)))

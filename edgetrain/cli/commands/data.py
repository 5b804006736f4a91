"""`edgetrain data`: import what clients train on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgetrain.cli import console
from edgetrain.cli.cloud import federation
from edgetrain.cli.groups import new_group
from edgetrain.cli.options import Cloud, CloudName, DataDir, Json, TaskOption

if TYPE_CHECKING:
    from edgetrain.client.documents import ImportDocument

group = new_group("Import a task's data.")

FOLDERS = "Data that come with their owners"
Folder = Path | None


@group.command("import")
def import_(
    *,
    task: TaskOption,
    clients: Annotated[
        int | None,
        typer.Option(
            min=1, help="How many clients hold a part of the task's own data (default: 20).", show_default=False
        ),
    ] = None,
    alpha: Annotated[
        float | None,
        typer.Option(
            help="Dirichlet's alpha: small, and each client knows few labels; large, and all are alike (default: 0.3).",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another split, hold-out or set of writers.")] = 0,
    leaf: Annotated[
        Folder,
        typer.Option(
            metavar="DIR",
            help="LEAF's layout: train/*.json and test/*.json.",
            show_default=False,
            rich_help_panel=FOLDERS,
        ),
    ] = None,
    npz: Annotated[
        Folder,
        typer.Option(
            metavar="DIR", help="One .npz for each client, with x and y.", show_default=False, rich_help_panel=FOLDERS
        ),
    ] = None,
    csv: Annotated[
        Folder,
        typer.Option(metavar="DIR", help="One .csv for each client.", show_default=False, rich_help_panel=FOLDERS),
    ] = None,
    generate_writers: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="For femnist without LEAF's files: so many generated writers.",
            show_default=False,
            rich_help_panel=FOLDERS,
        ),
    ] = None,
    label_column: Annotated[
        str | None,
        typer.Option(help="--csv: the column of labels (default: label).", show_default=False, rich_help_panel=FOLDERS),
    ] = None,
    test_share: Annotated[
        float | None,
        typer.Option(
            help="--npz, --csv, --generate-writers: the share that each client holds out (default: 0.1).",
            show_default=False,
            rich_help_panel=FOLDERS,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Train this of the task's models (default: the one in use, else the first).", show_default=False
        ),
    ] = None,
    cloud: Cloud = CloudName.LOCAL,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Give clients their data, and upload the task's training program unless it is there.

    The task's own data are spread over clients; data in a folder come with their owners. After this a run can be started by
    any AWS client.
    """
    from edgetrain.cli.data_options import DataOptions
    from edgetrain.client.importing import import_task
    from edgetrain.tasks.registry import get_task

    chosen = get_task(task)
    options = DataOptions(
        clients=clients,
        alpha=alpha,
        leaf=leaf,
        npz=npz,
        csv=csv,
        generate_writers=generate_writers,
        label_column=label_column,
        test_share=test_share,
    )
    data = options.data(chosen, seed)
    deployed = federation(cloud, data_dir)
    with console.counting("Storing the clients' data") as stored:
        document = import_task(deployed, chosen, data, seed=seed, model=model, progress=console.note, stored=stored)
    if as_json:
        console.emit(document)
    else:
        _show(document)


def _show(document: "ImportDocument") -> None:
    sizes = document.examples_per_client.values()
    console.result(
        f"{document.examples:,} examples of task {document.task} over {document.clients} clients "
        f"({min(sizes)} to {max(sizes)} each), {document.test_examples:,} held out"
    )
    if document.source != "split":
        console.result(f"source: {document.source}")
    console.result(f"data set {document.dataset_id}, program {document.program_id}")
    console.note(f"Next: edgetrain federate --task {document.task}")

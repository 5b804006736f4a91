"""`edgetrain data`: spread a task's data over clients."""

from typing import TYPE_CHECKING, Annotated

import typer

from edgetrain.cli import console
from edgetrain.cli.cloud import federation
from edgetrain.cli.groups import new_group
from edgetrain.cli.options import Cloud, CloudName, DataDir, Json, TaskOption

if TYPE_CHECKING:
    from edgetrain.client.documents import ImportDocument

group = new_group("Import a task's data.")


@group.command("import")
def import_(
    *,
    task: TaskOption,
    clients: Annotated[int, typer.Option(min=1, help="How many clients hold a part.")] = 20,
    alpha: Annotated[
        float,
        typer.Option(help="Dirichlet's alpha: small, and each client knows few labels; large, and all are alike."),
    ] = 0.3,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another split.")] = 0,
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
    """Spread a task's data over clients, and upload its training program unless it is there.

    After this a run can be started by any AWS client.
    """
    from edgetrain.client.data import Split
    from edgetrain.client.importing import import_task
    from edgetrain.tasks.registry import get_task

    chosen = get_task(task)
    deployed = federation(cloud, data_dir)
    split = Split(clients=clients, alpha=alpha, seed=seed)
    with console.counting("Storing the clients' data") as stored:
        document = import_task(deployed, chosen, split, model=model, progress=console.note, stored=stored)
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
    console.result(f"data set {document.dataset_id}, program {document.program_id}")
    console.note(f"Next: edgetrain federate --task {document.task}")

"""`edgetrain data hold-out`: let clients keep examples to be tested on."""

from typing import Annotated

import typer

from edgetrain.cli import console
from edgetrain.cli.cloud import federation
from edgetrain.cli.options import Cloud, CloudName, DataDir, Json, TaskOption


def hold_out(
    *,
    task: TaskOption,
    share: Annotated[float, typer.Option(help="Of each client's examples, rounded down.")] = 0.2,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other examples.")] = 0,
    cloud: Cloud = CloudName.LOCAL,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Let each client keep a share of its imported examples to be tested on.

    It never trains on them; `federate --evaluation-clients` measures each round's model on them.
    """
    from edgetrain.client import hold_out as dividing
    from edgetrain.client.documents import HoldOutDocument
    from edgetrain.tasks.registry import name_of

    task = name_of(task)
    deployed = federation(cloud, data_dir)
    with console.counting("Dividing the clients' data") as stored:
        index = dividing.hold_out(deployed, task, share, seed, stored)
    document = HoldOutDocument(
        task=task,
        dataset_id=index.dataset_id,
        clients=len(index.clients),
        examples=sum(each.num_examples for each in index.clients),
        tested_clients=len(index.client_tests),
        tested_examples=sum(each.num_examples for each in index.client_tests),
    )
    if as_json:
        console.emit(document)
        return
    console.result(
        f"{document.tested_clients} of {document.clients} clients are tested on {document.tested_examples:,} examples of their own, "
        f"and train on {document.examples:,}"
    )
    console.result(f"data set {document.dataset_id}")
    console.note(f"Next: edgetrain federate --task {task} --evaluation-clients {min(10, document.tested_clients)}")

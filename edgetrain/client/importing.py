"""All that a run of a task needs, put into a cloud: data and training program."""

from collections.abc import Callable

from edgetrain import keys
from edgetrain.client.client_data import import_clients
from edgetrain.client.data import Split, import_data
from edgetrain.client.documents import ImportDocument
from edgetrain.client.federation import Federation
from edgetrain.client.programs import current_program, upload_program
from edgetrain.contracts import TaskSpec
from edgetrain.datasets.sources import ClientSource
from edgetrain.errors import UsageError
from edgetrain.stores.base import read_record
from edgetrain.tasks.base import Task

Progress = Callable[[str], None]


def import_task(
    federation: Federation,
    task: Task,
    split: Split | ClientSource,
    *,
    seed: int = 0,
    model: str | None = None,
    progress: Progress,
    stored: Callable[[int, int], None] | None = None,
) -> ImportDocument:
    """Store the data and make it current, then upload the program unless ModelsBucket has it.

    The data are the task's own, split, or those of a source, whose held-out sample `seed` draws.
    Without `model` the one that is in use stays in use; where none is, it is the task's first. `stored` is told how many
    of how many objects are stored.

    Raises:
        UsageError: so many clients, this alpha or this model cannot be.
        DataFileInvalid: what the source reads is not what its layout says.
        LayerNotSupported: the model has a layer that cannot be lowered.
        DataInvalid: another object lies under a key of this data set or program.
    """
    from edgetrain.tasks.building import load_or_build

    if model is not None and model not in task.models():
        raise UsageError(f"task {task.name!r} has no model {model!r}: expected one of {', '.join(task.models())}")
    if isinstance(split, Split):
        index = import_data(federation, task, split, stored)
    else:
        index = import_clients(federation, task, split, seed=seed, progress=stored)
    built = load_or_build(task, model or model_in_use(federation, task.name), progress=progress)
    uploaded = upload_program(federation.models, task.name, built.program_id, built.files)
    progress(f"Program {built.program_id} " + ("is uploaded." if uploaded else "was there already."))
    sizes = {client.client: client.num_examples for client in index.clients}
    return ImportDocument(
        task=task.name,
        dataset_id=index.dataset_id,
        data_bucket=federation.outputs.data_bucket,
        index_key=keys.dataset_index(task.name, index.dataset_id),
        source=split.kind if isinstance(split, ClientSource) else "split",
        clients=len(index.clients),
        examples=sum(sizes.values()),
        test_examples=index.test_examples,
        examples_per_client=sizes,
        program_id=built.program_id,
        program_uploaded=uploaded,
    )


def model_in_use(federation: Federation, task: str) -> str | None:
    """Which of the task's models its current program trains, or None when there is no program."""
    pointer = current_program(federation.models, task)
    if pointer is None:
        return None
    return read_record(federation.models, keys.program_file(task, pointer.program_id, keys.SPEC_FILE), TaskSpec).model

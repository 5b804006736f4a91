"""`edgetrain tasks`: what can be trained, and building its training program."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgetrain.cli import console
from edgetrain.cli.checkout import project_dir
from edgetrain.cli.cloud import federation
from edgetrain.cli.groups import new_group
from edgetrain.cli.options import Cloud, CloudName, DataDir, Json, TaskOrFileArgument
from edgetrain.errors import CloudNotRunning, NotDeployed, TaskInvalid

if TYPE_CHECKING:
    from edgetrain.client.documents import TaskDocument
    from edgetrain.client.federation import Federation
    from edgetrain.tasks.base import Task

group = new_group("List, show, begin and build tasks.")


@group.command("list")
def list_(*, as_json: Json = False) -> None:
    """List the tasks: ours, and those of installed packages."""
    from edgetrain.client.documents import TasksDocument
    from edgetrain.tasks.registry import get_task, task_names

    found = []
    for name in task_names():
        try:
            found.append(describe(get_task(name)))
        except TaskInvalid as error:  # somebody else's package: the others are there all the same
            console.note(f"Left out: {error}.")
    documents = tuple(found)
    if as_json:
        console.emit(TasksDocument(tasks=documents))
        return
    rows = [(task.name, task.title, ", ".join(task.models), len(task.labels)) for task in documents]
    console.table(("task", "title", "models", "labels"), rows, right=("labels",))


@group.command()
def show(task: TaskOrFileArgument, *, as_json: Json = False) -> None:
    """Show a task: its examples, labels, models and how clients train."""
    from edgetrain.tasks.registry import get_task

    document = describe(get_task(task))
    if as_json:
        console.emit(document)
        return
    client = document.client
    rows = [
        ("task", document.name),
        ("title", document.title),
        ("an example", " x ".join(map(str, document.example_shape))),
        ("labels", ", ".join(document.labels)),
        ("models", ", ".join(document.models) + " (the first is the default)"),
        ("epochs", client.epochs),
        ("batch size", client.batch_size),
        ("learning rate", client.learning_rate),
    ]
    console.table(("", "value"), rows)


@group.command()
def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The task's name: letters, digits, - and _.", show_default=False)
    ],
    *,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write here (default: NAME.py).", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the file of a task of your own.

    A small classifier of rows of numbers, which works as it is. No file is overwritten.
    """
    from edgetrain.client.documents import NewTaskDocument
    from edgetrain.tasks.beginning import write_task

    file = write_task(name, out)
    document = NewTaskDocument(task=name, file=str(file))
    if as_json:
        console.emit(document)
        return
    console.result(str(file))
    console.note(f"It works as it is. Next: edgetrain data import --task {file}, or with --csv DIR.")


@group.command()
def build(
    task: TaskOrFileArgument,
    *,
    model: Annotated[
        str | None, typer.Option(help="One of the task's models (default: its first).", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write here (default: build/tasks/TASK/MODEL).", show_default=False)
    ] = None,
    cloud: Cloud = CloudName.LOCAL,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Build a task's training program with TensorFlow, and upload it when a cloud runs.

    Writes `program.tflite`, the initial `weights.safetensors` and `task.json`.
    """
    from edgetrain.client.documents import BuildDocument
    from edgetrain.client.programs import upload_program
    from edgetrain.tasks.building import build_program
    from edgetrain.tasks.registry import get_task

    chosen = get_task(task)
    deployed = _deployed(cloud, data_dir)
    built = build_program(chosen, model, progress=console.note)
    folder = out or project_dir() / "build" / "tasks" / built.task / built.model
    folder.mkdir(parents=True, exist_ok=True)
    for name, body in built.files.items():
        (folder / name).write_bytes(body)
    if deployed is not None:
        upload_program(deployed.models, built.task, built.program_id, built.files)
    document = BuildDocument(
        task=built.task,
        model=built.model,
        program_id=built.program_id,
        parameters=built.spec.parameters,
        folder=str(folder),
        files=tuple(sorted(built.files)),
        uploaded_to=None if deployed is None else deployed.outputs.models_bucket,
    )
    if as_json:
        console.emit(document)
        return
    console.result(
        f"program {document.program_id} of task {built.task} ({document.parameters:,} parameters) in {folder}"
    )
    if document.uploaded_to is not None:
        console.result(f"uploaded to {document.uploaded_to}: runs that start from now on use it")
    else:
        console.note("No cloud runs, so nothing was uploaded (`edgetrain up`, then build again).")


def describe(task: "Task") -> "TaskDocument":
    """What there is to say of a task without TensorFlow."""
    from edgetrain.client.documents import TaskDocument

    return TaskDocument(
        name=task.name,
        title=task.title,
        models=tuple(task.models()),
        labels=task.labels,
        example_shape=task.x.shape,
        client=task.client,
    )


def _deployed(cloud: CloudName, data_dir: Path | None) -> "Federation | None":
    """The federation to upload to. Without one a build still has its files; on AWS it must be there."""
    try:
        return federation(cloud, data_dir)
    except (CloudNotRunning, NotDeployed):
        if cloud is CloudName.AWS:
            raise
        return None

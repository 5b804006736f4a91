"""`edgetrain train`: the centralised way, the reference that a federation is held against."""

from pathlib import Path
from typing import Annotated

import typer

from edgetrain.cli import console
from edgetrain.cli.checkout import make_importable, project_dir
from edgetrain.cli.options import Json, TaskOption
from edgetrain.errors import UsageError


def train(
    *,
    task: TaskOption,
    local: Annotated[
        bool, typer.Option("--local", help="Train in a process on this machine, with SageMaker's folders.")
    ] = False,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the data.", show_default="the trainer's own")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The job's folder (default: build/train/TASK).", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a task centrally, to compare.

    On everybody's data in one place, a tenth of it kept aside to know when to stop: what a federation can hope for.
    """
    from edgetrain.client.documents import TrainDocument
    from edgetrain.tasks.registry import get_task

    name = get_task(task).name  # `task` may be a file
    if not local:
        raise UsageError("training on SageMaker is not built yet: add --local to train on this machine")
    make_importable()
    from training_jobs.local import train_locally

    folder = out or project_dir() / "build" / "train" / name
    result = train_locally(task, folder, epochs=epochs, progress=console.note)
    document = TrainDocument(task=name, metrics=result.metrics, seconds=result.seconds, folder=str(result.folder))
    if as_json:
        console.emit(document)
        return
    scores = ", ".join(f"{metric} {value:.4f}" for metric, value in document.metrics.items())
    console.result(f"{name}, trained centrally: {scores} after {document.seconds:.0f} s, in {document.folder}")

"""The central trainer as a process of this machine, in folders laid out as SageMaker lays them out."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from edgetrain.errors import TrainingJobFailed
from edgetrain.federated import weights
from edgetrain.tasks.base import Task
from edgetrain.tasks.building import chosen_model
from edgetrain.tasks.own import is_file
from edgetrain.tasks.registry import get_task
from training_jobs.folders import BASE_VARIABLE, METRICS_FILE, TEST, TRAIN, JobFolders
from training_jobs.hyperparameters import as_strings

COMMAND: Final = (sys.executable, "-m", "training_jobs.train")
#: How much of what a crashed job wrote to standard error goes into our error.
TAIL_CHARACTERS: Final = 1000


@dataclass(frozen=True)
class CentralResult:
    """`metrics` on the task's held-out part (`accuracy`, `loss`, ...); the model lies in `folder`."""

    metrics: dict[str, float]
    folder: Path
    seconds: float


def train_locally(
    task: str,
    folder: Path,
    *,
    model: str | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    progress: Callable[[str], None],
) -> CentralResult:
    """Train a task's model on all its data, in a process of its own; `progress` gets each line that it prints.

    `task` is its name, or the path of its file.

    `folder` becomes the job's base folder; a model and a failure of an earlier job in it are removed first.

    Raises:
        TaskNotFound, TaskInvalid, UsageError: the task, or its model, is unknown, or its file is wrong.
        TrainingJobFailed: the job failed; the sentence is its own reason.
    """
    chosen = get_task(task)
    folders = JobFolders(folder.resolve())
    named = str(Path(task).resolve()) if is_file(task) else task
    settings = {"task": named, "model": chosen_model(chosen, model), "epochs": epochs, "seed": seed}
    _lay_out(folders, chosen, as_strings(settings))
    started = time.monotonic()
    _run(folders, progress)
    metrics = json.loads((folders.model / METRICS_FILE).read_text())
    return CentralResult(metrics, folders.model, time.monotonic() - started)


def _lay_out(folders: JobFolders, task: Task, hyperparameters: dict[str, str]) -> None:
    """Write the job's input."""
    shutil.rmtree(folders.model, ignore_errors=True)
    folders.failure.unlink(missing_ok=True)
    data = task.load()
    for name, x, y in ((TRAIN, data.x, data.y), (TEST, data.test_x, data.test_y)):
        shutil.rmtree(folders.channel(name), ignore_errors=True)
        folders.channel(name).mkdir(parents=True)
        (folders.channel(name) / f"{task.name}.safetensors").write_bytes(weights.encode({"x": x, "y": y}))
    channel = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}
    folders.channels.parent.mkdir(parents=True, exist_ok=True)
    folders.channels.write_text(json.dumps({TRAIN: channel, TEST: channel}, indent=2))
    folders.hyperparameters.write_text(json.dumps(hyperparameters, indent=2))


def _run(folders: JobFolders, progress: Callable[[str], None]) -> None:
    project = str(Path(__file__).parents[1])
    paths = [project, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, BASE_VARIABLE: str(folders.base), "PYTHONPATH": os.pathsep.join(paths)}
    with tempfile.TemporaryFile() as errors:
        job = subprocess.Popen(COMMAND, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            assert job.stdout is not None  # noqa: S101 (for the type checker)
            for line in job.stdout:
                progress(line.rstrip("\n"))
            code = job.wait()
        finally:
            if job.poll() is None:  # we are leaving early: the job must not stay behind
                job.kill()
                job.wait()
        if code != 0:
            raise TrainingJobFailed(f"the training job ended with {code}: {_reason(folders, errors)}")


def _reason(folders: JobFolders, errors: IO[bytes]) -> str:
    """What the job wrote into `output/failure`, or the end of what it wrote to standard error."""
    if folders.failure.is_file():
        return folders.failure.read_text()
    errors.seek(0)
    return errors.read().decode(errors="replace")[-TAIL_CHARACTERS:].strip() or "it gave no reason"

"""Train a task's Keras model on everybody's data at once: `python -m training_jobs.train`, as SageMaker runs it.

It reads and writes the folders of `training_jobs.folders`, prints one line of metrics for each epoch, and ends with 0, or with 1 and
the reason in `output/failure`. Channels: `train` and `test`; a part of `train`, chosen by the seed, decides when to stop, and
`test` is only ever measured.
"""

import json
import os
import sys
import traceback
from collections.abc import Mapping
from typing import Any, Final

from edgetrain import keys
from edgetrain.errors import EdgetrainError
from edgetrain.federated import weights
from edgetrain.tasks.base import Examples, Task
from edgetrain.tasks.building import chosen_model, task_spec
from edgetrain.tasks.registry import get_task
from training_jobs.channels import read_channel
from training_jobs.fitting import METRICS, fit
from training_jobs.folders import FAILURE_CHARACTERS, KERAS_FILE, METRICS_FILE, TEST, TRAIN, JobFolders
from training_jobs.hyperparameters import read_hyperparameters

#: How SageMaker finds the metrics in what this program prints (`MetricDefinitions` of CreateTrainingJob).
METRIC_DEFINITIONS: Final = tuple({"Name": name, "Regex": rf"\b{name}=([0-9.eE+-]+)"} for name in METRICS)


def main() -> int:
    """Run the job of this container. Returns its exit code."""
    folders = JobFolders.from_environment()
    try:
        run(folders)
    except Exception as error:
        reason = str(error) if isinstance(error, EdgetrainError) else f"{type(error).__name__}: {error}"
        folders.failure.parent.mkdir(parents=True, exist_ok=True)
        folders.failure.write_text(reason[:FAILURE_CHARACTERS])
        sys.stderr.write(f"{reason}\n" if isinstance(error, EdgetrainError) else traceback.format_exc())
        return 1
    return 0


def run(folders: JobFolders) -> dict[str, float]:
    """Train, measure and save. Returns what `metrics.json` holds: `accuracy` and `loss` on the test channel, and more.

    Raises:
        TrainingJobInvalid: a hyperparameter or a channel is wrong.
        ModelDiverged: the loss stopped being a number.
        TaskNotFound, TaskInvalid, UsageError: the task, or its model, is unknown, or its file is wrong.
    """
    wanted = read_hyperparameters(folders.hyperparameters)
    task = get_task(wanted.task)
    name = chosen_model(task, wanted.model)
    data = Examples(*read_channel(folders, TRAIN, task), *read_channel(folders, TEST, task))
    _say(f"{len(data.y)} examples to train on, {len(data.test_y)} to test, model {task.name}/{name}")
    model, metrics = fit(task, name, data, wanted, _say)
    _save(folders, task, name, model, metrics)
    return metrics


def _say(line: str) -> None:
    """A line for the job's log."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _save(folders: JobFolders, task: Task, name: str, model: Any, metrics: Mapping[str, float]) -> None:
    """The model as Keras and as the federation keep it, with its task.json and its metrics."""
    from edgetrain.tasks import exporting

    folders.model.mkdir(parents=True, exist_ok=True)
    spec = task_spec(task, name, exporting.weight_specs(model))
    (folders.model / keys.WEIGHTS_FILE).write_bytes(weights.encode(exporting.trainable_weights(model)))
    (folders.model / keys.SPEC_FILE).write_text(spec.model_dump_json(indent=2) + "\n")
    (folders.model / METRICS_FILE).write_text(json.dumps(dict(metrics), indent=2) + "\n")
    model.save(folders.model / KERAS_FILE)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(main())

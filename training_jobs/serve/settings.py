"""What the container is told by its environment and its command line."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgetrain import keys, limits
from edgetrain.errors import UsageError
from training_jobs.folders import JobFolders

#: SageMaker's, where a container must not take 8080.
PORT_VARIABLE: Final = "SAGEMAKER_BIND_TO_PORT"
HOST_VARIABLE: Final = "SERVE_HOST"
TASK_VARIABLE: Final = "EDGETRAIN_TASK"
BUCKET_VARIABLE: Final = "MODELS_BUCKET"
DEFAULT_PORT: Final = 8080
#: SageMaker asks from outside of the container.
DEFAULT_HOST: Final = "0.0.0.0"  # noqa: S104


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to serve. Without a bucket there is no registry, and the model folder's own model is served."""

    task: str
    models_bucket: str | None
    model_dir: Path
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    workers: int = 1
    seconds: float = limits.SERVING_SECONDS


def read_settings(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this container.

    Raises:
        UsageError: a variable is missing or wrong; the sentence names it.
    """
    parser = argparse.ArgumentParser("python -m training_jobs.serve", description="Serve a task's detector over HTTP.")
    parser.add_argument("--model-dir", type=Path, default=JobFolders.from_environment().model)
    given = parser.parse_args(arguments)
    task = environment.get(TASK_VARIABLE, "")
    try:
        keys.checked_id(task, TASK_VARIABLE)
    except ValueError as error:
        raise UsageError(str(error)) from error
    port = environment.get(PORT_VARIABLE, str(DEFAULT_PORT))
    if not port.isdigit() or not 0 < int(port) < 2**16:
        raise UsageError(f"{PORT_VARIABLE} is {port!r}: expected a port number")
    return Settings(
        task=task,
        models_bucket=environment.get(BUCKET_VARIABLE) or None,
        model_dir=given.model_dir,
        host=environment.get(HOST_VARIABLE, DEFAULT_HOST),
        port=int(port),
        workers=usable_cpus(),
    )


def usable_cpus() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

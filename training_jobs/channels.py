"""Reading a channel: examples as safetensors, in as many files as there are."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

from edgetrain.errors import TrainingJobInvalid
from edgetrain.tasks.base import Task
from training_jobs.folders import JobFolders

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]
#: Modes in which a channel's objects are files; `Pipe` gives a stream.
FILE_MODES = ("File", "FastFile")


def read_channel(folders: JobFolders, name: str, task: Task) -> tuple[Float32, Int32]:
    """All examples of a channel: x float32 [n, ...] and y int32 [n], files in the order of their names.

    Raises:
        TrainingJobInvalid: the channel is missing, or a file of it does not hold examples of this task.
    """
    _check_mode(folders.channels, name)
    folder = folders.channel(name)
    files = sorted(path for path in folder.rglob("*.safetensors") if path.is_file()) if folder.is_dir() else []
    if not files:
        raise TrainingJobInvalid(f"channel {name!r} has no .safetensors file in {folder}")
    parts = [_read(path, task) for path in files]
    x, y = np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])
    if not len(x):
        raise TrainingJobInvalid(f"channel {name!r} has no examples")
    return x, y


def _check_mode(config: Path, name: str) -> None:
    try:
        channels = json.loads(config.read_text())
    except (OSError, ValueError) as error:
        raise TrainingJobInvalid(f"{config} cannot be read as JSON: {error}") from error
    if not isinstance(channels, dict) or not isinstance(channels.get(name), dict):
        raise TrainingJobInvalid(f"{config} has no channel {name!r}: expected train and test")
    mode = channels[name].get("TrainingInputMode", "File")
    if mode not in FILE_MODES:
        raise TrainingJobInvalid(f"channel {name!r} comes in mode {mode}: expected {' or '.join(FILE_MODES)}")


def _read(path: Path, task: Task) -> tuple[Float32, Int32]:
    try:
        tensors: dict[str, npt.NDArray[Any]] = safetensors.numpy.load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise TrainingJobInvalid(f"{path.name} is no safetensors file: {error}") from error
    x, y = tensors.get("x"), tensors.get("y")
    if x is None or y is None or x.dtype != np.float32 or x.shape != (len(x), *task.x.shape) or y.shape != x.shape[:1]:
        shapes = {name: f"{array.dtype} {list(array.shape)}" for name, array in tensors.items()}
        raise TrainingJobInvalid(f"{path.name} holds {shapes}: expected x float32 {['n', *task.x.shape]} and y ['n']")
    if not np.isfinite(x).all() or y.dtype.kind not in "iu" or ((y < 0) | (y >= len(task.labels))).any():
        raise TrainingJobInvalid(
            f"{path.name}: expected finite x, and y whole numbers from 0 to {len(task.labels) - 1}"
        )
    return x, y.astype(np.int32)

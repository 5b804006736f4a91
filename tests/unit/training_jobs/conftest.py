"""A job's folders, as SageMaker would lay them out."""

import json

import numpy as np
import pytest

from edgetrain.federated import weights
from edgetrain.tasks.registry import get_task
from training_jobs.folders import BASE_VARIABLE, JobFolders


class Job:
    """Lays out input; `run` is the container's entry."""

    def __init__(self, folders: JobFolders) -> None:
        self.folders = folders
        self.folders.hyperparameters.parent.mkdir(parents=True)
        data = get_task("digits").load()
        self.write("train", "part-0", data.x[:60], data.y[:60])
        self.write("train", "part-1", data.x[60:120], data.y[60:120])
        self.write("test", "all", data.test_x[:50], data.test_y[:50])
        self.configure(task="digits", model="mlp", epochs="3")
        self.channels({"train": {"TrainingInputMode": "File"}, "test": {"TrainingInputMode": "FastFile"}})

    def configure(self, **hyperparameters):
        self.folders.hyperparameters.write_text(json.dumps(hyperparameters))

    def channels(self, document):
        self.folders.channels.write_text(json.dumps(document))

    def write(self, channel, name, x, y, **more):
        folder = self.folders.channel(channel)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.safetensors").write_bytes(weights.encode({"x": np.asarray(x), "y": np.asarray(y), **more}))

    def run(self) -> int:
        from training_jobs.train import main

        return main()

    @property
    def failure(self) -> str | None:
        return self.folders.failure.read_text() if self.folders.failure.exists() else None

    @property
    def metrics(self) -> dict:
        return json.loads((self.folders.model / "metrics.json").read_text())


@pytest.fixture
def job(tmp_path, monkeypatch) -> Job:
    monkeypatch.setenv(BASE_VARIABLE, str(tmp_path))
    return Job(JobFolders.from_environment())

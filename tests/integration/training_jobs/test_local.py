"""train_locally: the same trainer as a child process, with SageMaker's folders."""

import json
import sys

import pytest

from edgetrain.errors import TaskNotFound, TrainingJobFailed, UsageError
from edgetrain.tasks.beginning import write_task
from training_jobs import local
from training_jobs.folders import JobFolders
from training_jobs.local import train_locally


def test_a_short_training_on_the_tasks_own_data(tmp_path):
    lines = []
    result = train_locally("digits", tmp_path, model="mlp", epochs=2, seed=3, progress=lines.append)
    folders = JobFolders(tmp_path)
    assert json.loads(folders.hyperparameters.read_text()) == {
        "task": "digits",
        "model": "mlp",
        "epochs": "2",
        "seed": "3",
    }
    assert lines[0] == "1437 examples to train on, 360 to test, model digits/mlp"
    assert [line.split()[0] for line in lines[1:3]] == ["epoch=1", "epoch=2"]
    assert result.folder == tmp_path / "model"
    assert result.metrics == json.loads((result.folder / "metrics.json").read_text())
    assert result.metrics["accuracy"] > 0.5
    assert {path.name for path in result.folder.iterdir()} == {
        "metrics.json",
        "model.keras",
        "task.json",
        "weights.safetensors",
    }
    assert result.seconds > 0


def test_a_task_of_ones_own_is_trained_from_its_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_task("flowers")
    lines = []
    result = train_locally("flowers.py", tmp_path / "job", epochs=3, progress=lines.append)
    assert lines[0] == "1000 examples to train on, 200 to test, model flowers/dense"
    assert result.metrics["accuracy"] > 0.5
    assert json.loads((result.folder / "task.json").read_text())["task"] == "flowers"


def test_a_job_that_fails_gives_its_own_reason_and_leaves_no_old_model(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "metrics.json").write_text("{}")
    with pytest.raises(TrainingJobFailed, match=r"ended with 1: hyperparameter 'epochs' is '0': input should be"):
        train_locally("digits", tmp_path, epochs=0, progress=lambda line: None)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import os; os.write(2, b'killed by something'); os._exit(137)", "ended with 137: killed by something"),
        ("import os; os._exit(3)", "ended with 3: it gave no reason"),
    ],
)
def test_a_job_that_dies_without_a_reason(tmp_path, monkeypatch, program, reason):
    (tmp_path / "job.py").write_text(program)
    monkeypatch.setattr(local, "COMMAND", (sys.executable, str(tmp_path / "job.py")))
    with pytest.raises(TrainingJobFailed, match=reason):
        train_locally("digits", tmp_path / "job", progress=lambda line: None)


def test_no_job_stays_behind_when_its_reader_leaves(tmp_path, monkeypatch):
    (tmp_path / "job.py").write_text("import os, time; print(os.getpid(), flush=True); time.sleep(600)")
    monkeypatch.setattr(local, "COMMAND", (sys.executable, str(tmp_path / "job.py")))
    started = []

    def leave(line):
        started.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_locally("digits", tmp_path / "job", progress=leave)
    with pytest.raises(ProcessLookupError):
        local.os.kill(started[0], 0)


def test_what_cannot_be_trained_is_said_before_a_process_starts(tmp_path):
    with pytest.raises(TaskNotFound):
        train_locally("letters", tmp_path, progress=print)
    with pytest.raises(UsageError, match="no model 'resnet'"):
        train_locally("digits", tmp_path, model="resnet", progress=print)
    assert list(tmp_path.iterdir()) == []

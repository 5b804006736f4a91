"""The central trainer in SageMaker's folders, run in this process."""

import re
from pathlib import Path

import numpy as np
import pytest

from edgetrain import keys
from edgetrain.contracts import TaskSpec
from edgetrain.federated import weights
from edgetrain.tasks.registry import get_task
from training_jobs import train
from training_jobs.fitting import METRICS, split
from training_jobs.folders import DEFAULT_BASE, KERAS_FILE, JobFolders
from training_jobs.hyperparameters import Hyperparameters


def test_a_job_leaves_a_model_with_its_metrics(job, capsys):
    import keras

    assert job.run() == 0
    assert job.failure is None
    model = keras.saving.load_model(job.folders.model / KERAS_FILE)
    stored = weights.decode((job.folders.model / keys.WEIGHTS_FILE).read_bytes())
    spec = TaskSpec.model_validate_json((job.folders.model / keys.SPEC_FILE).read_text())
    assert (spec.task, spec.model, [w.name for w in spec.weights]) == ("digits", "mlp", list(stored))
    for array, variable in zip(stored.values(), model.trainable_variables, strict=True):
        np.testing.assert_array_equal(array, variable.numpy())
    data = get_task("digits").load()
    logits = model.predict(data.test_x[:50], verbose=0)
    accuracy = float(np.mean(logits.argmax(1) == data.test_y[:50]))
    assert job.metrics["accuracy"] == pytest.approx(accuracy)
    assert job.metrics["epochs"] == 3


def test_sagemaker_finds_the_metrics_in_what_is_printed(job, capsys):
    assert job.run() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "120 examples to train on, 50 to test, model digits/mlp"
    assert [line.split()[0] for line in lines[1:-1]] == ["epoch=1", "epoch=2", "epoch=3"]
    found = {
        each["Name"]: [float(hit) for hit in re.findall(each["Regex"], "\n".join(lines))]
        for each in train.METRIC_DEFINITIONS
    }
    assert set(found) == set(METRICS)
    assert {name: len(values) for name, values in found.items()} == {
        name: 4 if name.startswith("test") else 3 for name in METRICS
    }
    assert found["test_accuracy"][-1] == pytest.approx(job.metrics["accuracy"], rel=1e-5)
    assert found["train_loss"][0] > found["train_loss"][-1]


def test_the_same_seed_gives_the_same_model_and_another_one_another(job):
    def trained(seed):
        job.configure(task="digits", model="mlp", epochs="1", seed=seed)
        assert job.run() == 0
        return (job.folders.model / keys.WEIGHTS_FILE).read_bytes()

    assert trained("1") == trained("1") != trained("2")


def test_training_stops_early_and_the_best_epoch_is_kept(job, capsys):
    job.configure(task="digits", model="mlp", epochs="200", patience="2", learning_rate="0.05")
    assert job.run() == 0
    lines = capsys.readouterr().out.splitlines()[1:-1]
    losses = [float(re.search(r"validation_loss=(\S+)", line)[1]) for line in lines]
    assert len(losses) == job.metrics["epochs"] < 200
    assert int(np.argmin(losses)) == len(losses) - 3
    assert job.metrics["validation_loss"] == pytest.approx(min(losses), rel=1e-4)
    measured_then = float(re.search(r"test_loss=(\S+)", lines[int(np.argmin(losses))])[1])
    assert job.metrics["loss"] == pytest.approx(measured_then, rel=1e-4), "the best epoch's weights are those that stay"


# --- refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hyperparameters", "sentence"),
    [
        ({}, "hyperparameter 'task' is missing"),
        ({"task": "letters"}, "there is no task 'letters': expected one of digits"),
        ({"task": "digits", "model": "resnet"}, "task digits has no model 'resnet': expected one of cnn, mlp"),
        ({"task": "digits", "epochs": "many"}, "hyperparameter 'epochs' is 'many': input should be a valid integer"),
        (
            {"task": "digits", "epochs": "0"},
            "hyperparameter 'epochs' is '0': input should be greater than or equal to 1",
        ),
        (
            {"task": "digits", "learning_rate": "nan"},
            "hyperparameter 'learning_rate' is 'nan': input should be a finite number",
        ),
        ({"task": "digits", "momentum": "0.9"}, "hyperparameter 'momentum' is unknown: expected task, model, epochs"),
        ({"task": '"digits'}, "hyperparameter 'task' is"),
        ([], "holds list: expected a map of strings"),
    ],
)
def test_a_wrong_hyperparameter_fails_the_job_with_one_sentence(job, capsys, hyperparameters, sentence):
    job.folders.hyperparameters.write_text(train.json.dumps(hyperparameters))
    assert job.run() == 1
    assert sentence in job.failure
    assert "\n" not in job.failure
    assert capsys.readouterr().err == f"{job.failure}\n"
    assert not job.folders.model.exists()


def examples(count=3, shape=(8, 8, 1)):
    return np.zeros((count, *shape), np.float32), np.zeros(count, np.int32)


def written(x, y, **more):
    return lambda job: job.write("train", "part-1", x, y, **more)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda job: job.folders.hyperparameters.unlink(), "cannot be read as JSON"),
        (lambda job: job.folders.hyperparameters.write_text("{"), "cannot be read as JSON"),
        (lambda job: job.folders.channels.unlink(), "inputdataconfig.json cannot be read as JSON"),
        (lambda job: job.channels({"train": {}}), "has no channel 'test': expected train and test"),
        (
            lambda job: job.channels({"train": {"TrainingInputMode": "Pipe"}}),
            "channel 'train' comes in mode Pipe: expected File or FastFile",
        ),
        (
            lambda job: (
                job.channels({"train": {}, "test": {}, "more": {}})
                or job.folders.channel("test").rename(job.folders.base / "gone")
            ),
            "channel 'test' has no .safetensors file",
        ),
        (
            lambda job: (job.folders.channel("test") / "all.safetensors").write_bytes(b"no tensors"),
            "all.safetensors is no safetensors file",
        ),
        (written(*examples(shape=(8, 8))), "part-1.safetensors holds {'x': 'float32 [3, 8, 8]'"),
        (written(examples()[0].astype(np.int32), examples()[1]), "expected x float32 ['n', 8, 8, 1] and y ['n']"),
        (written(examples()[0], examples(4)[1]), "part-1.safetensors holds"),
        (written(examples()[0] + np.inf, examples()[1]), "part-1.safetensors: expected finite x"),
        (written(examples()[0], examples()[1] + 10), "whole numbers from 0 to 9"),
        (written(examples()[0], examples()[1].astype(np.float32)), "whole numbers from 0 to 9"),
    ],
)
def test_wrong_input_fails_the_job_with_one_sentence(job, change, sentence):
    change(job)
    assert job.run() == 1
    assert sentence in job.failure
    assert not job.folders.model.exists()


def test_channels_without_examples_fail_the_job(job):
    for name in ("part-0", "part-1"):
        job.write("train", name, *examples(0))
    assert job.run() == 1
    assert job.failure == "channel 'train' has no examples"


def test_a_model_that_diverges_fails_the_job(job):
    job.configure(task="digits", model="mlp", epochs="5")
    x, y = examples(20)
    x[:] = np.where(np.random.default_rng(1).random(x.shape) < 0.5, -3e38, 3e38)
    job.write("train", "part-1", x, y)
    assert job.run() == 1
    assert re.match(r"the loss is no number after \d epochs: a smaller learning rate may help", job.failure)
    assert not job.folders.model.exists()


def test_an_error_of_ours_that_nobody_foresaw_is_told_with_its_traceback(job, capsys, monkeypatch):
    def fail(*arguments):
        raise ZeroDivisionError("x" * 2000)

    monkeypatch.setattr(train, "fit", fail)
    assert job.run() == 1
    assert job.failure.startswith("ZeroDivisionError: xxx")
    assert len(job.failure) == 1024
    assert "Traceback" in capsys.readouterr().err


# --- small parts ---------------------------------------------------------------------------------------------


def test_what_sagemaker_adds_to_the_hyperparameters_is_left_out(job):
    job.configure(
        task='"digits"', model='"mlp"', epochs="1", sagemaker_region="eu-west-1", _tuning_objective_metric="test_loss"
    )
    assert job.run() == 0


@pytest.mark.parametrize(("examples", "share", "held_out"), [(100, 0.1, 10), (2, 0.1, 1), (3, 0.99, 2), (1, 0.5, 1)])
def test_training_and_validation_share_no_example(examples, share, held_out):
    train_rows, validation = split(examples, Hyperparameters(task="digits", validation_share=share))
    assert len(validation) == held_out
    assert len(train_rows) >= 1
    if examples > 1:
        assert sorted([*train_rows, *validation]) == list(range(examples))


def test_the_base_folder_is_sagemakers(monkeypatch):
    monkeypatch.delenv("SAGEMAKER_BASE_DIR", raising=False)
    folders = JobFolders.from_environment()
    assert folders.base == Path(DEFAULT_BASE)
    assert str(folders.hyperparameters) == "/opt/ml/input/config/hyperparameters.json"
    assert str(folders.channel("train")) == "/opt/ml/input/data/train"
    assert str(folders.failure) == "/opt/ml/output/failure"

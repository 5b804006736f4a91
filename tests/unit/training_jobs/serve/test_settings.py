"""What the container is told."""

from pathlib import Path

import pytest

from edgetrain.errors import UsageError
from training_jobs.__main__ import main
from training_jobs.serve.settings import DEFAULT_HOST, read_settings


def test_as_sagemaker_runs_it():
    settings = read_settings([], {"EDGETRAIN_TASK": "objects", "MODELS_BUCKET": "bucket"})
    assert (settings.task, settings.models_bucket) == ("objects", "bucket")
    assert (settings.model_dir, settings.host, settings.port) == (Path("/opt/ml/model"), DEFAULT_HOST, 8080)
    assert settings.workers >= 1


def test_everything_can_be_said(tmp_path):
    environment = {"EDGETRAIN_TASK": "objects", "SAGEMAKER_BIND_TO_PORT": "9000", "SERVE_HOST": "127.0.0.1"}
    settings = read_settings(["--model-dir", str(tmp_path)], environment)
    assert (settings.models_bucket, settings.model_dir) == (None, tmp_path)
    assert (settings.host, settings.port) == ("127.0.0.1", 9000)


@pytest.mark.parametrize(
    ("environment", "word"),
    [
        ({}, "EDGETRAIN_TASK"),
        ({"EDGETRAIN_TASK": "../objects"}, "EDGETRAIN_TASK"),
        ({"EDGETRAIN_TASK": "objects", "SAGEMAKER_BIND_TO_PORT": "http"}, "SAGEMAKER_BIND_TO_PORT"),
        ({"EDGETRAIN_TASK": "objects", "SAGEMAKER_BIND_TO_PORT": "99999"}, "SAGEMAKER_BIND_TO_PORT"),
    ],
)
def test_a_wrong_setting_is_named(environment, word):
    with pytest.raises(UsageError, match=word):
        read_settings([], environment)


@pytest.mark.parametrize("arguments", [[], ["fly"]])
def test_the_image_knows_two_programs(arguments, capsys):
    assert main(arguments) == 2
    assert "serve|train" in capsys.readouterr().err

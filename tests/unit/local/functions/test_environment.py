"""Whose value of a variable stands, and how many threads a function's memory buys."""

import os
from pathlib import Path

import pytest

from edgetrain.local.functions.environment import environment
from edgetrain.local.functions.interface import Credentials, FunctionConfiguration
from edgetrain.local.functions.runtime import Runtime
from tests.unit.fakes.functions import configuration


def of(function: FunctionConfiguration) -> dict[str, str]:
    return environment(
        function,
        credentials=Credentials(access_key_id="k", secret_access_key="s", session_token="t"),
        runtime=Runtime(Path("runtime")),
        task=Path("task"),
        opt=Path("opt"),
        scratch=Path("tmp"),
        runtime_api="127.0.0.1:1",
        log_stream="stream",
        region="eu-central-1",
        endpoint_url="http://127.0.0.1:2",
    )


def test_a_functions_own_values_stand_where_lambda_lets_them() -> None:
    own = {"TZ": "Europe/Vienna", "LANG": "C", "OPENBLAS_NUM_THREADS": "4", "AWS_ENDPOINT_URL": "http://elsewhere"}
    seen = of(configuration(environment=own))
    assert {name: seen[name] for name in own} == own


@pytest.mark.parametrize(
    "name",
    [
        *("_HANDLER", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"),
        *("AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION"),
        *("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME"),
        *("AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"),
    ],
)
def test_what_lambda_reserves_a_function_cannot_set(name: str) -> None:
    assert of(configuration(environment={name: "mine"}))[name] != "mine"


@pytest.mark.parametrize(("memory_mb", "vcpus"), [(128, 1), (2048, 1), (3537, 1), (3538, 2), (10_240, 5)])
def test_threads_are_the_share_of_vcpus(memory_mb: int, vcpus: int) -> None:
    seen = of(configuration(memory_mb=memory_mb))
    expected = str(min(vcpus, os.cpu_count() or 1))
    assert {seen[name] for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")} == {expected}


def test_nothing_is_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("HOME", "elsewhere")
    assert not {"AWS_PROFILE", "HOME"} & of(configuration()).keys()

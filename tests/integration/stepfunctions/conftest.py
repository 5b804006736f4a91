"""moto's interpreter of state machines, in this process, to hold ours against."""

import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import boto3
import pytest
from moto import mock_aws

from tests.integration.stepfunctions.interpreter import Moto
from tests.unit.fakes.stepfunctions import Bench

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_SESSION_TOKEN": "test",
    "AWS_DEFAULT_REGION": "eu-west-1",
}


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    """For one module only: while it lives, boto3 in this process talks to nothing but moto."""
    without_endpoint = {name: value for name, value in os.environ.items() if not name.startswith("AWS_ENDPOINT")}
    with (
        mock.patch.dict(os.environ, {**without_endpoint, **CREDENTIALS}, clear=True),
        mock_aws(config={"stepfunctions": {"execute_state_machine": True}, "lambda": {"use_docker": False}}),
    ):
        yield Moto(boto3.client("stepfunctions"))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Ours."""
    bench = Bench(Path(tmp_path_factory.mktemp("ours")) / "journal.sqlite")
    yield bench
    bench.engine.close()

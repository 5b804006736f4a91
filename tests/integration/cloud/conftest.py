"""An embedded cloud with nothing deployed in it, in a process of its own."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from edgetrain.local import process
from edgetrain.local.process import RunningCloud

Client = Callable[[str], Any]


def make_client(endpoint: str, service: str, *, attempts: int = 1) -> Any:
    """As any AWS client does; without second tries, so that nothing is hidden."""
    config = Config(max_pool_connections=64, retries={"total_max_attempts": attempts}, parameter_validation=False)
    keys = {"aws_access_key_id": "anybody", "aws_secret_access_key": "anything"}
    return boto3.client(service, endpoint_url=endpoint, region_name="us-east-1", config=config, **keys)


@pytest.fixture(scope="session")
def empty_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    data_dir = tmp_path_factory.mktemp("empty-cloud")
    running = process.start(data_dir, port=0)
    try:
        yield running
    finally:
        process.stop(data_dir)


@pytest.fixture
def client(empty_cloud: RunningCloud) -> Client:
    return lambda service: make_client(empty_cloud.endpoint, service)


@pytest.fixture
def name() -> str:
    return f"name-{uuid.uuid4().hex[:8]}"

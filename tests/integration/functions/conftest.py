"""One executor for the session; each test deploys functions of its own names."""

from collections.abc import Iterator

import pytest

from edgetrain.local.functions import Executor
from tests.integration.functions.deployed import REGION, Deployment, SmallCloud

ENDPOINT = "http://127.0.0.1:9"


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    cloud = SmallCloud()
    executor = Executor(
        cloud,
        scratch=tmp_path_factory.mktemp("functions"),
        endpoint_url=ENDPOINT,
        region=REGION,
        running_at_once=2,
        event_retry_seconds=(0.0, 0.0),
    )
    yield Deployment(cloud, executor)
    executor.close()

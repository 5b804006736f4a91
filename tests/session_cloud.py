"""One embedded cloud for a session, with the application deployed in it as `edgetrain up` does."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgetrain.client.connection import Connection
from edgetrain.client.federation import Federation, connect
from edgetrain.local import deployment, process

PROJECT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Cloud:
    """A running embedded cloud; `data_dir` is where the command line finds it."""

    connection: Connection
    data_dir: Path
    federation: Federation

    def function_name(self, state: str) -> str:
        """The physical name of a state's function."""
        pages = self.connection.client("lambda").get_paginator("list_functions").paginate()
        (name,) = [
            each["FunctionName"]
            for page in pages
            for each in page["Functions"]
            if f"{state}Function" in each["FunctionName"]
        ]
        return name


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    data_dir = tmp_path_factory.mktemp("cloud")
    running = process.start(data_dir, port=0)
    try:
        built = deployment.assembly(PROJECT / "build" / "assembly", say)
        deployment.deploy(running.endpoint, built, say)
        connection = Connection.embedded(running.endpoint)
        yield Cloud(connection, data_dir, connect(connection))
    finally:
        process.stop(data_dir)


def say(text: str) -> None:
    """Progress, where pytest shows it of a test that fails."""
    sys.stderr.write(text + "\n")

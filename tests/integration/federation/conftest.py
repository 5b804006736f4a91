"""Data and programs in the cloud, and runs played to their end by the deployed state machine."""

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edgetrain.client.data import Split, import_data
from edgetrain.client.documents import RunDocument
from edgetrain.client.federation import Federation
from edgetrain.client.programs import upload_program
from edgetrain.client.runs import read_run
from edgetrain.contracts import DataIndex
from edgetrain.tasks.building import load_or_build
from edgetrain.tasks.registry import get_task
from tests.session_cloud import PROJECT, Cloud

TASK = "digits"
#: The smaller of the task's models: these tests are about rounds.
MODEL = "mlp"
#: Far more than any of these runs takes; the cloud is stuck when it passes.
PATIENCE_SECONDS = 180


@dataclass(frozen=True)
class Ended:
    """An execution that has ended."""

    arn: str
    status: str
    error: str | None
    cause: str | None
    output: dict[str, Any] | None


@dataclass(frozen=True)
class Player:
    """Starts runs as a user of boto3 does, and waits for their end."""

    cloud: Cloud

    @property
    def federation(self) -> Federation:
        return self.cloud.federation

    @property
    def steps(self) -> Any:
        return self.cloud.connection.client("stepfunctions")

    def data(self, clients: int, seed: int) -> DataIndex:
        """Make a split of `clients` clients the task's current data."""
        return import_data(self.federation, get_task(TASK), Split(clients=clients, alpha=0.5, seed=seed))

    def start(self, name: str | None = None, /, **run_input: Any) -> str:
        document = json.dumps({"task": TASK, **run_input})
        given = {} if name is None else {"name": name}
        machine = self.federation.outputs.state_machine_arn
        return self.steps.start_execution(stateMachineArn=machine, input=document, **given)["executionArn"]

    def wait(self, arn: str) -> Ended:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (reply := self.steps.describe_execution(executionArn=arn))["status"] == "RUNNING":
            assert time.monotonic() < deadline, f"{arn} is still running"
            time.sleep(0.05)
        output = reply.get("output")
        return Ended(
            arn, reply["status"], reply.get("error"), reply.get("cause"), None if output is None else json.loads(output)
        )

    def play(self, name: str | None = None, /, **run_input: Any) -> Ended:
        return self.wait(self.start(name, **run_input))

    def document(self, run_id: str) -> RunDocument:
        return read_run(self.federation, run_id)

    def invoke(self, state: str, event: Mapping[str, Any]) -> dict[str, Any]:
        """A state's function by hand; it must not fail."""
        reply = self.cloud.connection.client("lambda").invoke(
            FunctionName=self.cloud.function_name(state), Payload=json.dumps(event)
        )
        answer = json.loads(reply["Payload"].read())
        assert "FunctionError" not in reply, answer
        return answer

    @contextmanager
    def faulty(self, state: str, fault: str) -> Iterator[None]:
        """The deployed handler behind a fault: `fault` defines `before(event)`, which may raise, sleep or exit."""
        folder = PROJECT / "lambdas" / _folder(state)
        real = (folder / "handler.py").read_text()
        wrapped = (
            f"import real_handler\n\n{fault}\n\n"
            "def handler(event, context):\n    before(event)\n    return real_handler.handler(event, context)\n"
        )
        client, name = self.cloud.connection.client("lambda"), self.cloud.function_name(state)
        client.update_function_code(
            FunctionName=name, ZipFile=_zipped({"handler.py": wrapped, "real_handler.py": real})
        )
        try:
            yield
        finally:
            client.update_function_code(FunctionName=name, ZipFile=_zipped({"handler.py": real}))


def _folder(state: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in state).removeprefix("_")


def _zipped(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def player(cloud: Cloud) -> Player:
    built = load_or_build(get_task(TASK), MODEL)
    upload_program(cloud.federation.models, TASK, built.program_id, built.files)
    return Player(cloud)


@pytest.fixture
def once(tmp_path: Path) -> Callable[[str], str]:
    """A fault that happens the first time only: functions and tests share this machine's files."""

    def fault(statement: str) -> str:
        mark = tmp_path / "happened"
        return (
            "import os, pathlib\n"
            f"def before(event):\n    mark = pathlib.Path({str(mark)!r})\n"
            f"    if not mark.exists():\n        mark.touch()\n        {statement}\n"
        )

    return fault

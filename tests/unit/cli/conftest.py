"""The program `edgetrain` against a federation in memory."""

import json
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

import edgetrain.client.federation
import edgetrain.local
from edgetrain.cli.app import app
from edgetrain.client.federation import Federation
from edgetrain.errors import CloudAlreadyRunning
from tests.unit.fakes.federation import memory_federation

ENDPOINT = "http://127.0.0.1:4566"


@dataclass(frozen=True)
class Outcome:
    """How a command line ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output: anything beside it fails here."""
        return json.loads(self.stdout)

    @property
    def sentence(self) -> str:
        """What the user is told went wrong."""
        lines = [line for line in self.stderr.splitlines() if line.startswith("edgetrain: ")]
        assert len(lines) == 1, self.stderr
        return lines[0].removeprefix("edgetrain: ")


@dataclass
class FakeProcess:
    """`edgetrain.local.process` without a process: which data directories a cloud runs on."""

    running: dict[Path, Any] = field(default_factory=dict)
    #: What happened, in order.
    events: list[str] = field(default_factory=list)

    def status(self, data_dir: Path) -> Any:
        return self.running.get(data_dir)

    def start(self, data_dir: Path, *, port: int = 4566) -> Any:
        if data_dir in self.running:
            raise CloudAlreadyRunning(f"an embedded cloud already runs on {data_dir}")
        self.events.append(f"start {port}")
        cloud = SimpleNamespace(pid=42, endpoint=f"http://127.0.0.1:{port}", data_dir=data_dir, started_at=0.0)
        self.running[data_dir] = cloud
        return cloud

    def stop(self, data_dir: Path) -> Any:
        self.events.append("stop")
        return self.running.pop(data_dir, None)


@dataclass
class FakeDeployment:
    """`edgetrain.local.deployment` without a synth."""

    events: list[str]
    failure: BaseException | None = None

    def assembly(self, cache_dir: Path, progress: Callable[[str], None]) -> Path:
        progress("synthesising")
        return cache_dir

    def deploy(
        self, endpoint: str, assembly: Path, progress: Callable[[str], None], only: Collection[str] | None
    ) -> dict[str, str]:
        if self.failure is not None:
            raise self.failure
        progress(f"deploying {assembly}")
        self.events.append(" ".join(["deploy", endpoint, *(only or ())]))
        return {"EdgetrainStorage": "CREATE_COMPLETE", "EdgetrainFederated": "CREATE_COMPLETE"}


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        "AWS_ENDPOINT_URL",
        "EDGETRAIN_CLOUD",
        "EDGETRAIN_DATA_DIR",
        "FORCE_COLOR",
        "GITHUB_ACTIONS",
        "COLUMNS",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EDGETRAIN_DATA_DIR", str(tmp_path / "cloud"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> FakeProcess:
    """No cloud runs, until one is started."""
    return _replace(monkeypatch, "process", FakeProcess())


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch, process: FakeProcess) -> FakeDeployment:
    return _replace(monkeypatch, "deployment", FakeDeployment(process.events))


def _replace(monkeypatch: pytest.MonkeyPatch, name: str, fake: Any) -> Any:
    """A module of `edgetrain.local`, wherever it is imported."""
    monkeypatch.setitem(sys.modules, f"edgetrain.local.{name}", fake)
    monkeypatch.setattr(edgetrain.local, name, fake, raising=False)
    return fake


@pytest.fixture
def federation(monkeypatch: pytest.MonkeyPatch, process: FakeProcess, tmp_path: Path) -> Federation:
    """What is deployed in the cloud that runs on the data directory."""
    process.start(tmp_path / "cloud")
    made = memory_federation()
    monkeypatch.setattr(edgetrain.client.federation, "connect", lambda _connection: made)
    return made


@pytest.fixture
def edgetrain_(process: FakeProcess) -> Callable[..., Outcome]:
    """Run a command line."""

    def run(*words: str, stdin: str | None = None) -> Outcome:
        result = CliRunner().invoke(app, list(words), input=stdin, prog_name="edgetrain")
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return run

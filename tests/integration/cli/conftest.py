"""The program `edgetrain` as a user runs it: processes, and a cloud of its own that `edgetrain up` has started.

Importing data changes what is current in a cloud, so this one is shared with nobody.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

PROJECT = Path(__file__).parents[3]
#: Far more than any command takes; something is stuck when it passes.
PATIENCE_SECONDS = 240
OTHERS = ("AWS_ENDPOINT_URL", "AWS_PROFILE", "EDGETRAIN_CLOUD", "FORCE_COLOR", "GITHUB_ACTIONS")


@dataclass(frozen=True)
class Shell:
    """Runs command lines against the cloud of one data directory."""

    data_dir: Path

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in OTHERS}
        return {**kept, "EDGETRAIN_DATA_DIR": str(self.data_dir), "PYTHONUNBUFFERED": "1"}

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "edgetrain.cli", *words]

    def run(self, *words: str, code: int = 0) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            self.command(*words),
            env=self.environment(),
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )
        assert done.returncode == code, f"{words}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        assert "\x1b" not in done.stdout + done.stderr
        return done

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", code=code).stdout)

    def start(self, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.command(*words),
            env=self.environment(),
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def aws(self) -> dict[str, str]:
        """The environment of another AWS client, as `edgetrain env` prints it."""
        return {**self.environment(), **self.json("env")}


def wait_for(process: "subprocess.Popen[str]", words: str) -> list[str]:
    """What a process prints, until a line has these words."""
    seen = []
    for line in process.stdout:
        seen.append(line)
        if words in line:
            return seen
    raise AssertionError(f"it ended without {words!r}:\n{''.join(seen)}")


def family(pid: int) -> list[psutil.Process]:
    """A process and everything that it has started so far."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def left_over(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that have not ended a moment after they should have."""
    _gone, alive = psutil.wait_procs(processes, timeout=20)
    return [each for each in alive if each.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture(scope="session")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A cloud with the application, and 20 clients' data in it."""
    made = Shell(tmp_path_factory.mktemp("cli") / "cloud")
    try:
        made.run("up", "--detach", "--port", "0")
        made.run("data", "import", "--task", "digits", "--clients", "20", "--alpha", "0.3", "--model", "mlp")
        yield made
    finally:
        # Functions that idle are ended after minutes: this one more round makes sure that there are processes to go with the cloud.
        made.run("federate", "--task", "digits", "--rounds", "1", "--clients-per-round", "2")
        started = family(made.json("status")["pid"])
        made.run("down")
    assert len(started) > 1
    assert left_over(started) == []

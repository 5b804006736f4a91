"""The tutorial's own blocks, in their order, in an empty folder, against the session's cloud."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgetrain.client.runs import read_run
from tests.integration.cli.conftest import Shell
from tests.session_cloud import PROJECT, Cloud

TUTORIAL = PROJECT / "docs" / "tutorials" / "your_own_task.md"
BLOCK = re.compile(
    r"(?:^Save as `(?P<file>[\w.]+)`:\n\n)?^```(?P<kind>python|console)\n(?P<text>.*?)^```$", re.M | re.S
)
#: The session's cloud runs already, and goes on for other tests.
LEFT_OUT = ("edgetrain up ", "edgetrain down")
#: Far more than any command takes.
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Reader:
    """Somebody who does what the tutorial says."""

    folder: Path
    environment: dict[str, str]

    def follow(self) -> dict[str, str]:
        """Command -> what it printed to standard output."""
        printed = {}
        for block in BLOCK.finditer(TUTORIAL.read_text()):
            if block["kind"] == "python":
                (self.folder / block["file"]).write_text(block["text"])
                continue
            for command in commands(block["text"]):
                printed[command] = self.run(command)
        return printed

    def run(self, command: str) -> str:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )
        assert done.returncode == 0, f"{command}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def commands(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.startswith("$ ") and not f"{line[2:]} ".startswith(LEFT_OUT):
            yield line[2:]


@pytest.fixture(scope="module")
def reader(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    programs = tmp_path_factory.mktemp("bin")
    for name, words in {"python": [], "edgetrain": ["-m", "edgetrain.cli"]}.items():
        (programs / name).write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, *words])} "$@"\n')
        (programs / name).chmod(0o755)
    more = {
        "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
        "PYTHONPATH": str(PROJECT),
    }
    return Reader(tmp_path_factory.mktemp("tutorial"), {**Shell(cloud.data_dir).environment(), **more})


def test_a_reader_gets_from_readings_to_a_federated_model(reader: Reader, cloud: Cloud) -> None:
    printed = reader.follow()
    assert [command.split()[1:3] for command in printed if command.startswith("edgetrain")] == [
        ["tasks", "new"],
        ["tasks", "show"],
        ["data", "import"],
        ["federate", "--task"],
        ["models", "list"],
        ["models", "download"],
    ]
    assert len(list((reader.folder / "windows").glob("*.npz"))) == 20
    (told,) = [text for command, text in printed.items() if command.startswith("edgetrain data import")]
    assert told.splitlines()[0] in TUTORIAL.read_text(), "what is printed is what is shown"
    run = read_run(cloud.federation, "activity-1")
    assert (run.status, run.input.task) == ("SUCCEEDED", "activity")
    first, last = run.rounds[0].metrics, run.rounds[-1].metrics
    assert last["accuracy"] >= 0.9, (first, last)
    manifest = json.loads((reader.folder / "model" / "manifest.json").read_text())
    assert (manifest["task"], manifest["version"]) == ("activity", run.model.version)

"""What `pip install .` alone gives: the command line answers, and asks for an extra only where one is needed."""

import os
import subprocess
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
#: Runs the command line in a Python that has some packages only.
RUN = """
import sys
absent = set(sys.argv.pop(1).split(","))
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from edgetrain.cli import main
sys.exit(main())
"""


def closure(name: str) -> set[str]:
    """The distributions that an install of `name` without extras brings."""
    found, waiting = set(), [name]
    while waiting:
        current = canonicalize_name(waiting.pop())
        if current in found:
            continue
        found.add(current)
        needed = map(Requirement, requires(current) or [])
        waiting += [each.name for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})]
    return found


def absent() -> str:
    """Import names that only the extras bring."""
    core = closure("edgetrain")
    brought = packages_distributions()
    return ",".join(top for top, names in brought.items() if not core & {canonicalize_name(name) for name in names})


def edgetrain(*arguments: str, home: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", RUN, absent(), *arguments]
    environment = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_the_extras_are_away() -> None:
    names = set(absent().split(","))
    assert {"tensorflow", "aws_cdk", "moto", "matplotlib", "sklearn", "aws_lambda_powertools", "psutil"} <= names
    assert not {"numpy", "boto3", "typer", "ai_edge_litert", "edgetrain"} & names


@pytest.mark.parametrize(
    "arguments", [("--help",), ("runs", "--help"), ("models", "download", "--help"), ("--version",)]
)
def test_the_command_line_answers(arguments: tuple[str, ...]) -> None:
    done = edgetrain(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_what_an_extra_brings_is_asked_for(tmp_path: Path) -> None:
    done = edgetrain("tasks", "build", "digits", "--out", str(tmp_path), home=tmp_path)
    assert done.returncode == 2
    assert "edgetrain[tasks]" in done.stderr.splitlines()[-1]


def test_a_cloud_that_cannot_start_says_what_it_lacks(tmp_path: Path) -> None:
    done = edgetrain("up", "--detach", "--data-dir", str(tmp_path / "cloud"), home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("pip install 'edgetrain[local]'\n")
    assert not (tmp_path / "cloud").exists()

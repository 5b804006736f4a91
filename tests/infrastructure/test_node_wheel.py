"""A machine without Node.js: node, npm and the CDK's command line run on PyPI's wheel."""

import os
import re
import subprocess
import sys

import pytest

from stacks.packaging.layers import PROJECT


@pytest.mark.parametrize(
    "command", [("node",), ("npm",), ("npx",), ("node_modules/.bin/cdk",)], ids=lambda each: each[0]
)
def test_it_runs_on_the_wheel(command: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stacks.node", *command, "--version"],
        cwd=PROJECT,
        env={name: value for name, value in os.environ.items() if name != "PATH"} | {"PATH": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.match(r"v?\d+\.\d+\.\d+", done.stdout)

"""app.py as its users run it: in a process of its own, with the layers that are deployed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stacks.packaging.layers import PROJECT, build_layers
from stacks.targets import make_target
from tests.infrastructure.reading import STACKS, Assembly
from tests.infrastructure.test_snapshots import snapshot

#: No account, no region; and for who asks all the same, no package index.
OFFLINE = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "PIP_NO_INDEX": "1",
    "PIP_FIND_LINKS": "",
    "PIP_CONFIG_FILE": os.devnull,
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
}


def start_app(folder: Path, **context: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PIP_", "CDK_"))}
    environment |= {"CDK_OUTDIR": str(folder), "CDK_CONTEXT_JSON": json.dumps(context)} | OFFLINE
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "app.py"], cwd=PROJECT, env=environment, text=True, **pipes)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("target", ["aws", "host"])
def test_synth_is_offline_and_gives_the_same_bytes_twice(target: str, tmp_path: Path, aws: Assembly) -> None:
    archives = build_layers(make_target(target))  # this may fetch; from here on they are cached
    folders = [tmp_path / "one", tmp_path / "two"]
    for process in [start_app(folder, target=target) for folder in folders]:  # side by side: they share the cache
        output, words = process.communicate()
        assert (process.returncode, output, words) == (0, "", "")
    one, two = map(contents, folders)
    assert one == two
    deployed = {path.read_bytes() for path in vars(archives).values()}
    assert deployed <= set(one.values())
    if target == "aws":  # what the other tests here look at is what is deployed
        for stack in STACKS:
            assert snapshot(Assembly(folders[0]), stack) == snapshot(aws, stack)


@pytest.mark.parametrize(
    ("context", "sentence"),
    [
        ({"target": "azure"}, "target is 'azure': expected one of aws, host"),
        ({"architecture": "riscv"}, "architecture is 'riscv': expected one of x86_64, arm64"),
        ({"keep_images": "week"}, "keep_images is 'week': expected one of day, never"),
    ],
)
def test_a_wrong_word_is_one_sentence(context: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    process = start_app(tmp_path, **context)
    output, words = process.communicate()
    assert (process.returncode, output, words) == (2, "", f"edgetrain: {sentence}\n")

"""What may stand in no file of the project: machine paths, registry hosts, formats that run code when read."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
THIS = Path(__file__).relative_to(ROOT)

FORBIDDEN = {
    "the address of a package registry": re.compile(
        r"(?:files\.)?py(?:pi\.org|thonhosted\.org)|registry\.(?:npmjs|yarnpkg)\.|npmjs\.(?:org|com)"
        r"|(?:docker|ghcr|quay)\.io/|anaconda\.(?:org|com)|crates\.io|proxy\.golang\.org"
        r"|deb\.debian\.org|archive\.ubuntu\.com|^\s*--(?:extra-)?index-url|^\s*--find-links|\"resolved\":",
        re.IGNORECASE | re.MULTILINE,
    ),
    "a path of one machine": re.compile(r"(?<![\w.$}])/(?:home|Users|root|work)/[\w.-]+"),
    "a format that runs code when it is read": re.compile(
        r"\b(?:import|from)\s+(?:c?pickle|dill|cloudpickle|shelve|marshal)\b|\bpickle\.\w|allow_pickle\s*=\s*True"
        r"|\b(?:import|from)\s+joblib\b|\bjoblib\.load|\byaml\.(?:unsafe|full)_load"
    ),
}


def tracked_files() -> list[Path]:
    """Files of the checkout that git tracks or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.decode().split("\0")
    return [Path(name) for name in sorted(set(names)) if name and (ROOT / name).is_file()]


def test_there_is_a_tree_to_look_at() -> None:
    assert Path("pyproject.toml") in tracked_files()


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_forbidden_in_the_tree(what: str) -> None:
    found = []
    for path in tracked_files():
        if path == THIS:
            continue
        text = (ROOT / path).read_bytes().decode("utf-8", errors="replace")
        found += [f"{path}: {match.group()}" for match in FORBIDDEN[what].finditer(text)]
    assert found == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("the address of a package registry", 'url = "https://{}.org/simple"'.format("py" + "pi")),
        ("the address of a package registry", '      "resolved": "https://example.org/cdk.tgz",'),
        ("the address of a package registry", "--extra-index-url https://example.org/simple"),
        ("the address of a package registry", "FROM docker" + ".io/library/python:3.13"),
        ("a path of one machine", "open('/home/somebody/data.csv')"),
        ("a path of one machine", "see /root/notes.txt"),
        ("a format that runs code when it is read", "import pickle"),
        ("a format that runs code when it is read", "    from pickle import loads"),
        ("a format that runs code when it is read", "numpy.load(file, allow_pickle=True)"),
        ("a format that runs code when it is read", "yaml.unsafe_load(text)"),
    ],
)
def test_the_patterns_see(what: str, text: str) -> None:
    assert FORBIDDEN[what].search(text)


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("the address of a package registry", "Node comes from PyPI's wheel"),
        ("a path of one machine", "https://example.org/home/page and ${root}/work/a and /opt/ml/input"),
        ("a format that runs code when it is read", "safetensors, never pickle; allow_pickle=False"),
        ("a format that runs code when it is read", "yaml.safe_load(text)"),
    ],
)
def test_the_patterns_let_pass(what: str, text: str) -> None:
    assert not FORBIDDEN[what].search(text)

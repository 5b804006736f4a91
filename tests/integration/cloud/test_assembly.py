"""The assembly is made when its sources change, and not otherwise."""

import os
from pathlib import Path

import pytest

from edgetrain.errors import DeploymentFailed, UsageError
from edgetrain.local import assembly as module
from edgetrain.local.assembly import assembly

APP = """
import json, os, pathlib, sys
folder = pathlib.Path(os.environ["CDK_OUTDIR"])
folder.mkdir()
assert json.loads(os.environ["CDK_CONTEXT_JSON"]) == {"target": "host"}
print("edgetrain: building a layer", file=sys.stderr)
(folder / "manifest.json").write_text("{}")
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose application only says that it ran."""
    for name, text in {"app.py": APP, "cdk.json": "{}", "stacks/storage.py": "", "edgetrain/keys.py": ""}.items():
        path = tmp_path / "checkout" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(module, "_node_environment", lambda _: dict(os.environ))
    return tmp_path / "checkout"


def test_it_is_made_once(project, tmp_path):
    said: list[str] = []
    first = assembly(tmp_path / "cache", said.append, project)
    assert "building a layer" in said
    said.clear()
    assert assembly(tmp_path / "cache", said.append, project) == first
    assert said == []


def test_it_is_made_again_when_a_source_changes(project, tmp_path):
    first = assembly(tmp_path / "cache", print, project)
    (project / "edgetrain" / "keys.py").write_text("NEW = 1\n")
    assert assembly(tmp_path / "cache", print, project) != first
    (project / "README.md").write_text("not a source")
    (project / "edgetrain" / "keys.py").write_text("")
    assert assembly(tmp_path / "cache", print, project) == first


def test_one_that_fails_leaves_nothing_behind(project, tmp_path):
    (project / "app.py").write_text("import sys; print('edgetrain: no wheels'); sys.exit(1)")
    with pytest.raises(DeploymentFailed, match="no wheels"):
        assembly(tmp_path / "cache", print, project)
    (project / "app.py").write_text("import sys; sys.exit(2)")
    with pytest.raises(UsageError, match="exit code 2"):
        assembly(tmp_path / "cache", print, project)
    assert list((tmp_path / "cache").iterdir()) == []


def test_old_ones_go(project, tmp_path):
    made = []
    for number in range(6):
        (project / "cdk.json").write_text(str(number))
        made.append(assembly(tmp_path / "cache", print, project))
        os.utime(made[-1], (number, number))
    assert made[-1].exists()
    assert sum(path.exists() for path in made) == module.KEPT


def test_without_a_checkout(tmp_path):
    with pytest.raises(UsageError, match="checkout"):
        assembly(tmp_path / "cache", print, tmp_path)

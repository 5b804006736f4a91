"""Layers of wheels and of code, in a cache that is keyed by what they are made from; pip is a fake here."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from stacks.packaging import layers, wheels
from stacks.packaging.archive import digest, unpacked_bytes, write_zip
from stacks.packaging.layers import RUNTIME_PARTS, build_layers, slim
from stacks.packaging.wheels import LayerBuildFailed, install_command
from stacks.targets import Target, aws_target, host_target

AWS = aws_target("x86_64")


class Installs:
    """What pip would unpack, and how often it was asked."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.asked: list[tuple[str, Target]] = []

    def __call__(self, lock: Path, target: Target, folder: Path) -> None:
        self.asked.append((lock.name, target))
        for name, content in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)


@pytest.fixture
def installs(monkeypatch: pytest.MonkeyPatch) -> Installs:
    parts = [part.replace("*", "ai_edge_litert-1") for part in RUNTIME_PARTS if not part.endswith("/*")]
    fake = Installs(
        {
            **dict.fromkeys(parts, b"part"),
            "ai_edge_litert-1.dist-info/WHEEL": b"Tag: here",
            "ai_edge_litert/libLiteRtGpu.so": b"not on a CPU",
            "numpy/core.py": b"code",
            "numpy/tests/test_core.py": b"test",
            "bin/f2py": b"program",
            "PIL/_imaging.cpython-313-x86_64-linux-gnu.so": b"JPEG and PNG",
            "PIL/_avif.cpython-313-x86_64-linux-gnu.so": b"another format",
            "pillow.libs/libjpeg-1.so": b"JPEG",
            "pillow.libs/libavif-1.so": b"another format",
        }
    )
    monkeypatch.setattr(layers, "install", fake)
    return fake


def names(archive: Path) -> set[str]:
    with zipfile.ZipFile(archive) as file:
        return set(file.namelist())


# --- zip files


def test_a_zip_depends_on_its_entries_alone(tmp_path: Path) -> None:
    write_zip({"b.py": b"2", "a.py": b"1"}, tmp_path / "one.zip")
    write_zip({"a.py": b"1", "b.py": b"2"}, tmp_path / "deep" / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "deep" / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as file:
        assert file.namelist() == ["a.py", "b.py"]
        assert {info.external_attr >> 16 & 0o777 for info in file.infolist()} == {0o644}, "Lambda's user can read them"
    assert unpacked_bytes(tmp_path / "one.zip") == 2


def test_a_zip_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_zip({"a.py": b"1", "b.py": 2}, tmp_path / "one.zip")  # type: ignore[dict-item]
    assert list(tmp_path.iterdir()) == []


def test_a_digest_tells_entries_apart() -> None:
    assert digest({"a": b"1", "b": b""}) == digest({"b": b"", "a": b"1"})
    assert len({digest(each) for each in ({"a": b"1"}, {"a": b"2"}, {"a1": b""}, {"a": b"", "1": b""})}) == 4


# --- wheels


def test_pip_is_asked_for_locked_wheels_of_the_target(tmp_path: Path) -> None:
    command = install_command(Path("some.lock"), AWS, tmp_path)
    assert {"--require-hashes", "--no-deps", "--no-compile"} <= set(command)
    assert command[command.index("--only-binary") + 1] == ":all:"
    assert command[command.index("--python-version") + 1] == "3.13"
    asked = [command[index + 1] for index, word in enumerate(command) if word == "--platform"]
    assert asked == list(AWS.platforms)


def test_for_this_machine_pip_decides(tmp_path: Path) -> None:
    command = install_command(Path("some.lock"), host_target(), tmp_path)
    assert not {"--platform", "--python-version", "--implementation"} & set(command)


def test_pips_last_words_are_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel that is in no index; pip itself is asked, and it may use none."""
    lock = tmp_path / "some.lock"
    lock.write_text("a-package-of-nobody==1.0 --hash=sha256:" + "0" * 64 + "\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with pytest.raises(
        LayerBuildFailed, match=r"^some\.lock for target aws \(x86_64, Python 3\.13\): ERROR: .*a-package"
    ):
        wheels.install(lock, AWS, tmp_path / "site")


# --- layers


def test_a_layer_holds_what_imports_need(installs: Installs, tmp_path: Path) -> None:
    archives = build_layers(AWS, tmp_path)
    assert "python/numpy/core.py" in names(archives.dependencies)
    assert not {"python/bin/f2py", "python/numpy/tests/test_core.py"} & names(archives.dependencies)
    assert "python/ai_edge_litert/interpreter.py" in names(archives.runtime)
    assert "python/ai_edge_litert/libLiteRtGpu.so" not in names(archives.runtime)
    pictures = {name for name in names(archives.pictures) if "PIL" in name or "pillow" in name}
    assert pictures == {"python/PIL/_imaging.cpython-313-x86_64-linux-gnu.so", "python/pillow.libs/libjpeg-1.so"}
    locks = ["layer-dependencies.lock", "layer-runtime.lock", "layer-pictures.lock"]
    assert [lock for lock, _ in installs.asked] == locks


def test_licences_and_tags_stay() -> None:
    kept = ["x-1.dist-info/WHEEL", "x-1.dist-info/licenses/LICENSE", "x-1.dist-info/METADATA"]
    dropped = ["x-1.dist-info/RECORD", "x/__pycache__/a.pyc", "x/a.pyi", "x/lib.a", "x/test/a.py"]
    assert list(slim([*kept, *dropped], keep=("*",))) == kept


def test_a_cached_layer_is_not_built_again(installs: Installs, tmp_path: Path) -> None:
    first = build_layers(AWS, tmp_path)
    assert build_layers(AWS, tmp_path) == first
    assert len(installs.asked) == 3


@pytest.mark.parametrize("changed", ["target", "lock", "machine"])
def test_what_a_layer_is_made_from_is_its_key(
    installs: Installs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    host = host_target()
    before = {build_layers(AWS, tmp_path).dependencies, build_layers(host, tmp_path).dependencies}
    assert len(before) == 2
    if changed == "target":
        after = build_layers(aws_target("arm64"), tmp_path)
    elif changed == "lock":
        lock = tmp_path / "layer-dependencies.lock"
        lock.write_text("numpy==3\n")
        monkeypatch.setattr(layers, "lock_file", lambda _layer: lock)
        after = build_layers(AWS, tmp_path)
    else:
        monkeypatch.setattr(layers.sysconfig, "get_platform", lambda: "linux-other")
        after = build_layers(host, tmp_path)
    assert after.dependencies not in before


def test_a_wheel_without_its_parts_is_refused(installs: Installs, tmp_path: Path) -> None:
    del installs.files["ai_edge_litert/interpreter.py"]
    with pytest.raises(
        LayerBuildFailed, match=r"layer-runtime\.lock: its wheels hold no ai_edge_litert/interpreter\.py"
    ):
        build_layers(AWS, tmp_path)
    assert not list(tmp_path.glob("runtime-*")), "nothing half done is cached"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """A checkout with an `edgetrain` of a few lines; call it to write a file into that."""
    root = tmp_path / "project"

    def write(name: str, text: str) -> None:
        path = root / "edgetrain" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    for module in layers.CODE_MODULES:
        write(f"{module}.py", "")
    for package in layers.CODE_PACKAGES:
        write(f"{package}/__init__.py", "")
    monkeypatch.setattr(layers, "PROJECT", root)
    monkeypatch.setattr(layers, "lock_file", lambda _layer: Path(__file__))
    return write


def test_the_code_layer_is_named_by_its_content(
    installs: Installs, project: Callable[[str, str], None], tmp_path: Path
) -> None:
    first = build_layers(AWS, tmp_path).code
    project("tasks/digits.py", "import tensorflow")
    project("rounds/notes.txt", "no code")
    assert build_layers(host_target(), tmp_path).code == first, (
        "the same for every target; what stays behind is no part"
    )
    project("rounds/start_run.py", "")
    second = build_layers(AWS, tmp_path).code
    assert second != first
    assert names(second) - names(first) == {"python/edgetrain/rounds/start_run.py"}


def test_a_part_of_ours_that_is_missing_is_named(
    installs: Installs, project: Callable[[str, str], None], tmp_path: Path
) -> None:
    (tmp_path / "project" / "edgetrain" / "limits.py").unlink()
    (tmp_path / "project" / "edgetrain" / "stores" / "__init__.py").unlink()
    with pytest.raises(LayerBuildFailed, match="edgetrain lacks limits, stores: the functions import them"):
        build_layers(AWS, tmp_path)

"""Zip files unpacked: what is written, what is shared, what is refused."""

import hashlib
import io
import os
import stat
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from edgetrain import limits
from edgetrain.local.functions.content import ContentStore, overlay, unpack
from edgetrain.local.functions.interface import InvocationError, LayerContent

Entry = tuple[str, bytes, int]  # name, content, Unix mode
FILE = stat.S_IFREG | 0o644
LINK = stat.S_IFLNK | 0o777


def zip_of(*entries: Entry) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return buffer.getvalue()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def layer(*entries: Entry) -> LayerContent:
    content = zip_of(*entries)
    return LayerContent(sha256=sha256(content), read=lambda: content)


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_files_folders_and_links(tmp_path: Path) -> None:
    content = zip_of(
        ("handler.py", b"x = 1", FILE),
        ("bin/", b"", stat.S_IFDIR | 0o755),
        ("bin/tool", b"#!", stat.S_IFREG | 0o755),
        ("made/elsewhere.txt", b"by a tool without modes", 0),
        ("lib/libx.so", b"libx.so.1", LINK),
        ("lib/libx.so.1", b"elf", FILE),
        ("up", b"lib/../bin/tool", LINK),
    )

    unpack(content, tmp_path)

    assert tree(tmp_path) == {
        "handler.py": b"x = 1",
        "bin/tool": b"#!",
        "made/elsewhere.txt": b"by a tool without modes",
        "lib/libx.so": b"elf",
        "lib/libx.so.1": b"elf",
        "up": b"#!",
    }
    assert (tmp_path / "lib/libx.so").is_symlink()
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("handler.py", "bin/tool")}
    assert modes == {"handler.py": 0o444, "bin/tool": 0o555}


@pytest.mark.parametrize(
    "entries",
    [
        [("../evil", b"", FILE)],
        [("/tmp/evil", b"", FILE)],
        [("a/../../evil", b"", FILE)],
        [("a\\..\\evil", b"", FILE)],
        [("link", b"/etc/passwd", LINK)],
        [("link", b"../outside", LINK)],
        [("a/link", b"../../outside", LINK)],
        [("here", b".", LINK), ("here/link", b"../outside", LINK)],
        [("door", b"..", LINK), ("door/evil", b"", FILE)],
    ],
)
def test_an_entry_that_leads_outside(tmp_path: Path, entries: list[Entry]) -> None:
    folder = tmp_path / "in" / "package"
    folder.mkdir(parents=True)

    with pytest.raises(InvocationError, match=r"leads outside|cannot be unpacked") as refused:
        unpack(zip_of(*entries), folder)

    assert (refused.value.code, refused.value.status) == ("InvalidZipFileException", 502)
    assert [path for path in tmp_path.rglob("*") if not path.is_relative_to(folder) and path.is_file()] == []


def test_no_file_is_written_through_a_link(tmp_path: Path) -> None:
    folder, outside = tmp_path / "package", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    first = zip_of(("door", os.fsencode(outside), LINK), ("door/evil", b"", FILE))

    with pytest.raises(InvocationError):
        unpack(first, folder)

    assert list(outside.iterdir()) == []


def test_more_bytes_than_lambda_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LAMBDA_UNPACKED_BYTES", 1000)
    unpack(zip_of(("a", bytes(500), FILE), ("b", bytes(500), FILE)), tmp_path)

    with pytest.raises(InvocationError, match="more than 1000 bytes"):
        unpack(zip_of(("a", bytes(500), FILE), ("b", bytes(501), FILE)), tmp_path)


@pytest.mark.parametrize(
    "damage", [lambda good: good[:40], lambda good: good[:0], lambda good: good.replace(b"x", b"y")]
)
def test_a_damaged_file(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", "xxxx")

    with pytest.raises(InvocationError, match="cannot be unpacked"):
        unpack(damage(buffer.getvalue()), tmp_path)


def test_the_same_bytes_are_unpacked_once(tmp_path: Path) -> None:
    content = zip_of(("a.py", b"1", FILE))
    reads: list[int] = []

    def read() -> bytes:
        reads.append(1)
        return content

    store = ContentStore(tmp_path)
    folders: set[Path] = set()
    threads = [threading.Thread(target=lambda: folders.add(store.unpacked(sha256(content), read))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    folders.add(ContentStore(tmp_path).unpacked(sha256(content), read))

    assert len(folders) == len(reads) == 1


def test_what_is_refused_leaves_nothing(tmp_path: Path) -> None:
    content = zip_of(("good", b"", FILE), ("../evil", b"", FILE))
    store = ContentStore(tmp_path)

    with pytest.raises(InvocationError):
        store.unpacked(sha256(content), lambda: content)
    with pytest.raises(InvocationError, match=f"have SHA-256 {sha256(b'other')}, expected"):
        store.unpacked(sha256(content), lambda: b"other")
    with pytest.raises(InvocationError, match="cannot be read"):
        store.unpacked("../../etc", lambda: content)

    assert list((tmp_path / "code").iterdir()) == []


def test_what_was_left_half_done_is_swept(tmp_path: Path) -> None:
    (tmp_path / "code" / ".half").mkdir(parents=True)
    (tmp_path / "code" / "whole").mkdir()

    ContentStore(tmp_path)

    assert [path.name for path in (tmp_path / "code").iterdir()] == ["whole"]


def test_layers_lie_on_each_other_in_order(tmp_path: Path) -> None:
    first = layer(
        ("python/a.py", b"first", FILE),
        ("python/b.py", b"first", FILE),
        ("real/f", b"f", FILE),
        ("alias", b"real", LINK),
    )
    second = layer(("python/b.py", b"second", FILE), ("python/c/d.py", b"second", FILE))
    store = ContentStore(tmp_path)

    merged = store.opt([first, second])

    expected = {"python/a.py": b"first", "python/b.py": b"second", "python/c/d.py": b"second", "real/f": b"f"}
    assert {name: (merged / name).read_bytes() for name in expected} == expected
    assert (merged / "alias").readlink() == Path("real")
    assert (store.opt([second, first]) / "python/b.py").read_bytes() == b"first"
    assert store.opt([first, second]) == merged
    original = store.unpacked(first.sha256, first.read)
    assert (original / "python/b.py").read_bytes() == b"first"
    assert (original / "python/a.py").samefile(merged / "python/a.py")


def test_a_function_without_layers_has_an_empty_opt(tmp_path: Path) -> None:
    assert list(ContentStore(tmp_path).opt([]).iterdir()) == []


def test_layers_that_do_not_fit(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b" / "name").mkdir(parents=True)
    (tmp_path / "a" / "name").write_text("a file")
    (tmp_path / "b" / "name" / "file").write_text("in a folder")

    for source, target in (("a", "b"), ("b", "a")):
        with pytest.raises(InvocationError, match="do not fit"):
            overlay(tmp_path / source, tmp_path / target)

"""Deployment packages on disk: each zip file unpacked once, found by its SHA-256, shared by all who use the same bytes."""

import hashlib
import io
import os
import shutil
import stat
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Final

from edgetrain import limits
from edgetrain.local.functions.interface import InvocationError, LayerContent, hex_digest

CHUNK: Final = 1024 * 1024
LINK_TARGET_BYTES: Final = 4096
READABLE: Final = 0o444


class ContentStore:
    """Unpacked zip files (`code/<sha256>`) and the merged views of layers (`opt/<sha256 over the layers>`).

    A folder appears whole or not at all, and is never changed afterwards. Threads share one store; another process may
    take it over, and finds what is there.
    """

    def __init__(self, root: Path) -> None:
        self._code = root / "code"
        self._opt = root / "opt"
        for folder in (self._code, self._opt):
            folder.mkdir(parents=True, exist_ok=True)
            for left_half_done in folder.glob(".*"):
                shutil.rmtree(left_half_done, ignore_errors=True)
        self._locks: dict[Path, threading.Lock] = {}
        self._guard = threading.Lock()

    def unpacked(self, sha256: str, read: Callable[[], bytes]) -> Path:
        """The folder of the zip file of this SHA-256; `read` is called when it is not there yet.

        Raises:
            InvocationError: InvalidZipFileException: not such a zip file, other bytes, or an entry that leads outside.
        """
        digest = _digest(sha256)
        return self._once(self._code / digest, lambda new: unpack(_verified(digest, read()), new))

    def opt(self, layers: Sequence[LayerContent]) -> Path:
        """The folder that is /opt to a function with these layers, in order; its files are links to unpacked ones.

        Raises:
            InvocationError: InvalidZipFileException, see `unpacked`; or two layers that do not fit on each other.
        """
        key = hashlib.sha256("\n".join(_digest(layer.sha256) for layer in layers).encode()).hexdigest()

        def merge(new: Path) -> None:
            for layer in layers:
                overlay(self.unpacked(layer.sha256, layer.read), new)

        return self._once(self._opt / key, merge)

    def _once(self, folder: Path, fill: Callable[[Path], None]) -> Path:
        with self._guard:
            lock = self._locks.setdefault(folder, threading.Lock())
        with lock:
            if not folder.exists():
                with appearing_whole(folder) as new:
                    fill(new)
        return folder


@contextmanager
def appearing_whole(destination: Path) -> Iterator[Path]:
    """An empty folder to fill; at the end of the block it takes its place at `destination`.

    Who comes second finds the same content there already, and drops its own.
    """
    scratch = Path(tempfile.mkdtemp(dir=destination.parent, prefix=f".{destination.name[:16]}."))
    try:
        scratch.chmod(0o755)
        yield scratch
        try:
            scratch.rename(destination)
        except OSError:
            if not destination.is_dir():
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def unpack(archive: bytes, folder: Path) -> None:
    """Write a zip file's entries into the empty `folder`.

    Raises:
        InvocationError: InvalidZipFileException: damaged, too large, or an entry that leads outside of the folder.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            _extract(opened, folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, UnicodeDecodeError) as error:
        raise _invalid(f"it cannot be unpacked: {error}") from error


def overlay(source: Path, target: Path) -> None:
    """Put `source`'s files into `target`, over what is there: links to the same bytes, not copies.

    Raises:
        InvocationError: InvalidZipFileException: a file of one is a folder of the other.
    """
    try:
        for name, folders, files in os.walk(source):
            here = Path(name)
            there = target / here.relative_to(source)
            there.mkdir(parents=True, exist_ok=True)
            for file in (*files, *(folder for folder in folders if (here / folder).is_symlink())):
                (there / file).unlink(missing_ok=True)
                os.link(here / file, there / file, follow_symlinks=False)
    except (FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise _invalid(f"two layers do not fit on each other: {error}") from error


def _extract(archive: zipfile.ZipFile, folder: Path) -> None:
    """All entries: files and folders first, symbolic links last, so that nothing is written through a link."""
    links: list[tuple[Path, str]] = []
    total = 0
    for entry in archive.infolist():
        path = folder / _inside(entry.filename)
        mode = entry.external_attr >> 16
        if entry.is_dir():
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as content:
            if stat.S_ISLNK(mode):
                links.append((path, content.read(LINK_TARGET_BYTES).decode()))
            else:
                total += _write(content, path, limits.LAMBDA_UNPACKED_BYTES - total)
                path.chmod(READABLE | (mode & 0o111))
    for path, target in links:
        _link(path, target, folder)


def _write(content: IO[bytes], path: Path, allowed: int) -> int:
    """Copy what an entry really holds, whatever its header claims; how many bytes that were."""
    written = 0
    path.unlink(missing_ok=True)
    with path.open("wb") as file:
        while chunk := content.read(CHUNK):
            written += len(chunk)
            if written > allowed:
                raise _invalid(f"unpacked it has more than {limits.LAMBDA_UNPACKED_BYTES} bytes")
            file.write(chunk)
    return written


def _inside(name: str) -> PurePosixPath:
    """An entry's name, when it stays inside of the folder that it is unpacked into."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or not path.parts:
        raise _invalid(f"its entry {name!r} leads outside of the package")
    return path


def _link(path: Path, target: str, folder: Path) -> None:
    """A symbolic link, when it stays inside of the package."""
    reached = Path(os.path.normpath(path.parent / target))
    if PurePosixPath(target).is_absolute() or not reached.is_relative_to(folder):
        raise _invalid(f"its link {path.relative_to(folder)} leads outside of the package")
    path.unlink(missing_ok=True)
    path.symlink_to(target)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise _invalid(f"its link {path.relative_to(folder)} leads outside of the package")


def _digest(sha256: str) -> str:
    try:
        return hex_digest(sha256)
    except ValueError as error:
        raise _invalid(f"its SHA-256 cannot be read: {error}") from error


def _verified(digest: str, archive: bytes) -> bytes:
    found = hashlib.sha256(archive).hexdigest()
    if found != digest:
        raise _invalid(f"its bytes have SHA-256 {found}, expected {digest}")
    return archive


def _invalid(what: str) -> InvocationError:
    return InvocationError("InvalidZipFileException", 502, f"Lambda could not unzip the deployment package: {what}.")

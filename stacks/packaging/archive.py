"""Zip files whose bytes depend on their entries alone: no times, owners, modes or folder order."""

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

#: The oldest date that a zip file can hold.
EPOCH: Final = (1980, 1, 1, 0, 0, 0)
READABLE: Final = 0o100644 << 16


def write_zip(entries: Mapping[str, bytes], destination: Path) -> None:
    """Write `entries` (path in the archive -> content) to `destination`.

    The file appears whole or not at all; of two writers at once the later one wins, with the same bytes.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=destination.parent, prefix=f".{destination.name}.")
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(entries):
                info = zipfile.ZipInfo(path, EPOCH)
                info.external_attr = READABLE
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, entries[path])
        Path(name).chmod(0o644)
        Path(name).replace(destination)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def digest(entries: Mapping[str, bytes]) -> str:
    """SHA-256 (hex) over paths and contents."""
    total = hashlib.sha256()
    for path in sorted(entries):
        for part in (path.encode(), entries[path]):
            total.update(len(part).to_bytes(8, "big"))
            total.update(part)
    return total.hexdigest()


def unpacked_bytes(archive: Path) -> int:
    """The size of all files in a zip file, unpacked."""
    with zipfile.ZipFile(archive) as file:
        return sum(info.file_size for info in file.infolist())

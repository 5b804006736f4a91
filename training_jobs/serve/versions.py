"""Which version of the task's model is served (docs/adr/0008), and its files in a folder.

The pointer `models/<task>/served.json` names it. Where no pointer is, nothing was ever promoted, and the first model of the
model folder is served, which is version 1. Any other failure ends the program: never in silence an older model.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgetrain import keys
from edgetrain.contracts import FileEntry, Manifest, ServedPointer
from edgetrain.errors import DataInvalid, ObjectNotFound
from edgetrain.stores.base import ObjectStore, parse_record, read_record

FIRST_VERSION: Final = 1
#: What a detector is loaded from; the rest of a version (its licence, say) is for those who download it.
LOADED: Final = (keys.MODEL_FILE, keys.DETECTOR_FILE)


@dataclass(frozen=True)
class ServedModel:
    """A version, and the folder that holds its files."""

    version: int
    folder: Path


def find_model(task: str, store: ObjectStore | None, first: Path, scratch: Path) -> ServedModel:
    """The version to serve: the one that was promoted, fetched into `scratch`, or the `first` model.

    Raises:
        ObjectNotFound, DataInvalid: the promoted version is not whole.
        TransientError: the store does not answer. (Other failures of it pass as they are.)
    """
    if store is None:
        return ServedModel(FIRST_VERSION, first)
    pointer_key = keys.served_pointer(task)
    try:
        pointer = read_record(store, pointer_key, ServedPointer)
    except ObjectNotFound:
        return ServedModel(FIRST_VERSION, first)
    if pointer.task != task:
        raise DataInvalid(f"{pointer_key} is of task {pointer.task!r}: expected {task!r}")
    return ServedModel(pointer.version, _fetch(store, pointer, scratch))


def _fetch(store: ObjectStore, pointer: ServedPointer, folder: Path) -> Path:
    key = keys.model_file(pointer.task, pointer.version, keys.MANIFEST_FILE)
    body = store.get(key)
    if hashlib.sha256(body).hexdigest() != pointer.manifest_sha256:
        raise DataInvalid(f"{key} does not have the SHA-256 {pointer.manifest_sha256} that was promoted")
    entries = {entry.name: entry for entry in parse_record(body, key, Manifest).files}
    if missing := [name for name in LOADED if name not in entries]:
        raise DataInvalid(f"{key} names no {' and no '.join(missing)}: expected a detector")
    for name in LOADED:
        (folder / name).write_bytes(_checked(store, entries[name]))
    return folder


def _checked(store: ObjectStore, entry: FileEntry) -> bytes:
    body = store.get(entry.key)
    if len(body) != entry.size or hashlib.sha256(body).hexdigest() != entry.sha256:
        raise DataInvalid(f"{entry.key} does not have the SHA-256 {entry.sha256} that its manifest names")
    return body

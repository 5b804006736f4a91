"""Putting a task's training program into ModelsBucket."""

import hashlib
from collections.abc import Mapping

from edgetrain import keys
from edgetrain.contracts import FileEntry, ProgramPointer
from edgetrain.errors import DataInvalid, ObjectNotFound
from edgetrain.stores.base import ObjectStore, read_record

JSON = "application/json"


def upload_program(models: ObjectStore, task: str, program_id: str, files: Mapping[str, bytes]) -> bool:
    """Store a build's files and make it the task's current one; whether anything had to be stored.

    The files come first and the pointer last: a pointer never names what is not there.

    Raises:
        DataInvalid: a file of this build is stored with other bytes.
    """
    entries = tuple(_entry(task, program_id, name, body) for name, body in sorted(files.items()))
    created = [_store(models, entry, files[entry.name]) for entry in entries]
    pointer = ProgramPointer(task=task, program_id=program_id, files=entries)
    if current_program(models, task) != pointer:
        models.put(keys.program_pointer(task), pointer.model_dump_json().encode(), content_type=JSON)
    return any(created)


def current_program(models: ObjectStore, task: str) -> ProgramPointer | None:
    """The build that a run of this task would use, or None."""
    try:
        return read_record(models, keys.program_pointer(task), ProgramPointer)
    except ObjectNotFound:
        return None


def _entry(task: str, program_id: str, name: str, body: bytes) -> FileEntry:
    key = keys.program_file(task, program_id, name)
    return FileEntry(name=name, key=key, sha256=hashlib.sha256(body).hexdigest(), size=len(body))


def _store(models: ObjectStore, entry: FileEntry, body: bytes) -> bool:
    written = models.put_once(entry.key, body)
    if not written.created and models.get(entry.key) != body:
        raise DataInvalid(f"{entry.key} exists with other bytes: a program's id is the hash of its files")
    return written.created

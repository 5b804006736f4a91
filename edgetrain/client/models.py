"""Published models: list them, and fetch one with its bytes checked."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edgetrain import keys
from edgetrain.client.federation import Federation
from edgetrain.client.model_documents import VerifiedFile
from edgetrain.contracts import FileEntry, Manifest
from edgetrain.errors import DataInvalid, ModelNotFound, ObjectNotFound
from edgetrain.stores.base import read_record, sha256_of


def list_models(federation: Federation, task: str | None = None) -> Iterator[Manifest]:
    """Published versions by task, newest first. A version counts when its manifest is there."""
    found = [
        key for key in federation.models.keys(keys.models_prefix(task)) if key.rsplit("/", 1)[-1] == keys.MANIFEST_FILE
    ]
    manifests = [read_record(federation.models, key, Manifest) for key in found]
    yield from sorted(manifests, key=lambda manifest: (manifest.task, -manifest.version))


def find_model(federation: Federation, task: str, version: int | None = None) -> Manifest:
    """A version, or the newest one.

    Raises:
        ModelNotFound: it was never published.
    """
    if version is not None:
        try:
            return read_record(federation.models, keys.model_file(task, version, keys.MANIFEST_FILE), Manifest)
        except ObjectNotFound as error:
            raise ModelNotFound(
                f"there is no version {version} of task {task!r}: `edgetrain models list` shows those that there are"
            ) from error
    newest = next(list_models(federation, task), None)
    if newest is None:
        raise ModelNotFound(f"no model of task {task!r} was published: `edgetrain federate --task {task}` makes one")
    return newest


def download_model(federation: Federation, manifest: Manifest, folder: Path) -> Path:
    """Write a version's files and its manifest into `folder`, replacing what is there. The manifest comes last.

    Raises:
        DataInvalid: a file is not what the manifest says; nothing is written under its name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for entry in manifest.files:
        _replace(folder / entry.name, _checked(federation, entry))
    _replace(folder / keys.MANIFEST_FILE, manifest.model_dump_json(indent=2).encode())
    return folder


def verify_model(federation: Federation, manifest: Manifest) -> tuple[VerifiedFile, ...]:
    """Every file of a version, read again and compared with what its manifest says, in the manifest's order."""
    return tuple(_verified(federation, entry) for entry in manifest.files)


def _verified(federation: Federation, entry: FileEntry) -> VerifiedFile:
    stored = federation.models.find(entry.key)
    digest = size = None
    if stored is not None:
        size = stored.size
        digest = sha256_of(federation.models.open(entry.key, version_id=stored.version_id, size=size))
    intact = (digest, size) == (entry.sha256, entry.size)
    return VerifiedFile(**entry.model_dump(), stored_sha256=digest, stored_size=size, intact=intact)


def _checked(federation: Federation, entry: FileEntry) -> bytes:
    if Path(entry.name).name != entry.name or entry.name.startswith("."):
        raise DataInvalid(f"the manifest names a file {entry.name!r}: expected a plain file name")
    body = federation.models.get(entry.key)
    if len(body) != entry.size or hashlib.sha256(body).hexdigest() != entry.sha256:
        raise DataInvalid(
            f"{entry.key}: the stored bytes do not have the SHA-256 {entry.sha256} that the manifest names"
        )
    return body


def _replace(path: Path, body: bytes) -> None:
    """The whole file or none."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

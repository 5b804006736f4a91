"""The first day's detector, put into the registry as version 1."""

import hashlib
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from edgetrain import keys
from edgetrain.client.federation import Federation, Registry
from edgetrain.client.model_documents import PretrainedDocument
from edgetrain.contracts import FileEntry, Manifest
from edgetrain.errors import DataInvalid, ObjectNotFound, UsageError
from edgetrain.stores.base import ObjectStore, read_record, write_record
from edgetrain.tasks import objects

VERSION = 1


def import_pretrained(
    registry: Registry | Federation,
    load: Callable[[], Mapping[str, bytes]] = objects.pretrained_files,
    *,
    clock: Callable[[], float] = time.time,
) -> PretrainedDocument:
    """Register the pretrained detector as version 1 of task `objects`, unless it is there. The manifest comes last.

    `load` gives the files by name, and is not called when nothing is to be done.

    Raises:
        UsageError: version 1 of the task is another model.
        PackageMissing: the npm package that carries the detector is not installed.
        DataInvalid: other bytes lie where one of the files would.
    """
    key = keys.model_file(objects.TASK, VERSION, keys.MANIFEST_FILE)
    standing = _standing(registry.models, key)
    if standing is not None:
        return _told(standing, key, imported=False)
    files = load()
    version = registry.ledger.claim_version(objects.TASK, objects.SOURCE)
    if version != VERSION:
        raise _taken("another run has claimed it")
    entries = tuple(_store(registry.models, name, body) for name, body in sorted(files.items()))
    manifest = Manifest(
        task=objects.TASK,
        version=VERSION,
        created_at=datetime.fromtimestamp(clock(), UTC).isoformat(timespec="milliseconds"),
        files=entries,
        metrics={},
        lineage=objects.LINEAGE,
    )
    return _told(write_record(registry.models, key, manifest), key, imported=True)


def _standing(models: ObjectStore, key: str) -> Manifest | None:
    """Version 1, when it is there and is the pretrained one."""
    try:
        manifest = read_record(models, key, Manifest)
    except ObjectNotFound:
        return None
    if manifest.lineage.get("source") != objects.SOURCE:
        origin = (
            manifest.lineage.get("run_id") or manifest.lineage.get("source") or manifest.lineage.get("architecture")
        )
        raise _taken(f"it was published on {manifest.created_at} from {origin}")
    return manifest


def _taken(why: str) -> UsageError:
    return UsageError(
        f"version {VERSION} of task {objects.TASK!r} is another model than {objects.SOURCE} ({why}): "
        "the pretrained detector can only be the first version"
    )


def _store(models: ObjectStore, name: str, body: bytes) -> FileEntry:
    key = keys.model_file(objects.TASK, VERSION, name)
    if not models.put_once(key, body).created and models.get(key) != body:
        raise DataInvalid(f"{key} exists with other bytes than {objects.SOURCE} has")
    return FileEntry(name=name, key=key, sha256=hashlib.sha256(body).hexdigest(), size=len(body))


def _told(manifest: Manifest, key: str, *, imported: bool) -> PretrainedDocument:
    return PretrainedDocument(
        task=manifest.task,
        version=manifest.version,
        imported=imported,
        manifest_key=key,
        source=objects.SOURCE,
        licence=objects.LICENCE,
        files=manifest.files,
    )

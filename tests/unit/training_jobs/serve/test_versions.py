"""Which version is served: the promoted one, the first one, or none at all; never an older one in silence."""

import hashlib

import pytest

from edgetrain import keys
from edgetrain.contracts import FileEntry, Manifest, ServedPointer
from edgetrain.errors import DataInvalid, ObjectNotFound, TransientError
from tests.unit.fakes.stores import MemoryStore
from training_jobs.serve.versions import ServedModel, find_model

FILES = {keys.MODEL_FILE: b"model", keys.DETECTOR_FILE: b"{}", keys.LICENSE_FILE: b"licence"}


def publish(store: MemoryStore, version: int, files: dict[str, bytes] = FILES) -> bytes:
    entries = tuple(
        FileEntry(
            name=name,
            key=keys.model_file("objects", version, name),
            sha256=hashlib.sha256(body).hexdigest(),
            size=len(body),
        )
        for name, body in files.items()
    )
    for entry in entries:
        store.put_once(entry.key, files[entry.name])
    manifest = Manifest(
        task="objects", version=version, created_at="2026-01-01T00:00:00+00:00", files=entries, metrics={}, lineage={}
    )
    body = manifest.model_dump_json().encode()
    store.put_once(keys.model_file("objects", version, keys.MANIFEST_FILE), body)
    return body


def point(store: MemoryStore, version: int, manifest: bytes, task: str = "objects") -> None:
    pointer = ServedPointer(
        task=task,
        version=version,
        manifest_sha256=hashlib.sha256(manifest).hexdigest(),
        promoted_at="2026-01-01T00:00:00+00:00",
    )
    store.put(keys.served_pointer("objects"), pointer.model_dump_json().encode())


@pytest.fixture
def store():
    return MemoryStore()


def test_nothing_was_promoted(store, tmp_path):
    publish(store, 1)
    publish(store, 2)
    first = tmp_path / "first"
    assert find_model("objects", store, first, tmp_path) == ServedModel(1, first)


def test_without_a_registry_it_is_the_first(tmp_path):
    assert find_model("objects", None, tmp_path / "first", tmp_path) == ServedModel(1, tmp_path / "first")


def test_the_promoted_version_is_fetched(store, tmp_path):
    publish(store, 1)
    point(store, 2, publish(store, 2, {**FILES, keys.MODEL_FILE: b"second"}))
    assert find_model("objects", store, tmp_path / "first", tmp_path) == ServedModel(2, tmp_path)
    assert (tmp_path / keys.MODEL_FILE).read_bytes() == b"second"
    assert (tmp_path / keys.DETECTOR_FILE).read_bytes() == b"{}"
    assert not (tmp_path / keys.LICENSE_FILE).exists()


def test_it_may_be_an_earlier_one(store, tmp_path):
    manifest = publish(store, 1)
    publish(store, 2)
    point(store, 1, manifest)
    assert find_model("objects", store, tmp_path / "first", tmp_path) == ServedModel(1, tmp_path)


class Unreachable(MemoryStore):
    def get(self, key: str, *, version_id: str | None = None) -> bytes:
        raise TransientError("no connection")


class Forbidden(MemoryStore):
    def get(self, key: str, *, version_id: str | None = None) -> bytes:
        raise PermissionError("AccessDenied")


@pytest.mark.parametrize(("store", "error"), [(Unreachable(), TransientError), (Forbidden(), PermissionError)])
def test_a_store_that_does_not_answer_is_no_reason_to_serve_the_first(store, error, tmp_path):
    with pytest.raises(error):
        find_model("objects", store, tmp_path / "first", tmp_path)


def test_a_pointer_that_is_none_is_refused(store, tmp_path):
    store.put(keys.served_pointer("objects"), b'{"version": 2}')
    with pytest.raises(DataInvalid, match=r"served\.json"):
        find_model("objects", store, tmp_path, tmp_path)


def test_a_pointer_of_another_task_is_refused(store, tmp_path):
    point(store, 1, publish(store, 1), task="faces")
    with pytest.raises(DataInvalid, match="faces"):
        find_model("objects", store, tmp_path, tmp_path)


def test_a_version_that_is_gone_is_refused(store, tmp_path):
    point(store, 3, b"manifest")
    with pytest.raises(ObjectNotFound):
        find_model("objects", store, tmp_path, tmp_path)


def test_another_manifest_than_was_promoted_is_refused(store, tmp_path):
    publish(store, 2)
    point(store, 2, b"another")
    with pytest.raises(DataInvalid, match=r"manifest\.json"):
        find_model("objects", store, tmp_path, tmp_path)


@pytest.mark.parametrize("name", [keys.MODEL_FILE, keys.DETECTOR_FILE])
def test_a_file_that_was_changed_is_refused(store, name, tmp_path):
    point(store, 2, publish(store, 2))
    store.put(keys.model_file("objects", 2, name), FILES[name][::-1])
    with pytest.raises(DataInvalid, match=name):
        find_model("objects", store, tmp_path, tmp_path)


def test_a_version_that_is_no_detector_is_refused(store, tmp_path):
    point(store, 2, publish(store, 2, {keys.WEIGHTS_FILE: b"weights"}))
    with pytest.raises(DataInvalid, match="expected a detector"):
        find_model("objects", store, tmp_path, tmp_path)

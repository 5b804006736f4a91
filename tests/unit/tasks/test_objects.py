"""The first detector, out of its npm package."""

import gzip
import hashlib
import io
import json
import tarfile

import pytest

from edgetrain import keys
from edgetrain.contracts import DetectorSpec
from edgetrain.errors import PackageMissing
from edgetrain.tasks import objects

NAMES = [keys.LICENSE_FILE, keys.DETECTOR_FILE, keys.MODEL_FILE]


@pytest.fixture(scope="module")
def files():
    return objects.pretrained_files()


def test_the_files(files):
    assert sorted(files) == NAMES
    assert hashlib.sha256(files[keys.MODEL_FILE]).hexdigest() == objects.MODEL_SHA256
    spec = DetectorSpec.model_validate_json(files[keys.DETECTOR_FILE])
    assert len(spec.labels) == 23
    assert {"Person", "Cat", "Coffee cup"} <= set(spec.labels)
    assert objects.BACKGROUND not in spec.labels
    licence = files[keys.LICENSE_FILE].decode()
    assert objects.PACKAGE in licence
    assert "Apache License" in licence


def test_the_archive_has_them_and_nothing_of_this_machine(files):
    body = objects.first_model_archive()
    assert body == objects.first_model_archive()
    assert gzip.decompress(body)[:5] == b"LICEN"
    assert body[4:8] == bytes(4), "no time in gzip's header"
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        entries = archive.getmembers()
        assert {entry.name: archive.extractfile(entry).read() for entry in entries} == files
    assert [(entry.name, entry.mtime, entry.uid, entry.uname) for entry in entries] == [
        (name, 0, 0, "") for name in NAMES
    ]


def test_the_version_is_the_one_that_is_installed_by_name():
    locked = json.loads((objects.ROOT / "package.json").read_text())
    assert locked["dependencies"][objects.PACKAGE] == objects.VERSION


def test_a_package_that_is_not_there(tmp_path):
    with pytest.raises(PackageMissing, match="make install"):
        objects.pretrained_files(tmp_path)


def test_a_package_that_was_altered(tmp_path):
    (tmp_path / objects.ASSETS).write_bytes(b"another")
    with pytest.raises(PackageMissing, match=objects.ASSETS_SHA256):
        objects.pretrained_files(tmp_path)


def test_a_model_that_lies_elsewhere_in_the_package(monkeypatch):
    monkeypatch.setattr(objects, "MODEL", slice(183, 9_987_911))
    with pytest.raises(PackageMissing, match=objects.MODEL_SHA256):
        objects.pretrained_files()

"""The first day's detector in the registry."""

import pytest

from edgetrain import keys
from edgetrain.client.pretrained import import_pretrained
from edgetrain.contracts import Manifest
from edgetrain.errors import DataInvalid, UsageError
from edgetrain.stores.base import read_record
from edgetrain.tasks import objects
from tests.unit.fakes.federation import memory_federation, play

FILES = {keys.MODEL_FILE: b"model", keys.DETECTOR_FILE: b"{}", keys.LICENSE_FILE: b"licence"}
MANIFEST = keys.model_file("objects", 1, keys.MANIFEST_FILE)


@pytest.fixture
def federation():
    return memory_federation()


def test_it_becomes_version_1_with_its_licence(federation):
    told = import_pretrained(federation, lambda: FILES, clock=lambda: 0.0)
    manifest = read_record(federation.models, MANIFEST, Manifest)
    assert (told.version, told.imported, told.manifest_key, told.licence) == (1, True, MANIFEST, "Apache-2.0")
    assert (manifest.task, manifest.version, manifest.created_at) == ("objects", 1, "1970-01-01T00:00:00.000+00:00")
    assert manifest.lineage["licence"] == "Apache-2.0"
    assert {each.name: federation.models.get(each.key) for each in manifest.files} == FILES
    assert list(federation.models.objects)[-1] == MANIFEST, "the manifest comes last"


def test_the_second_time_it_is_there_already(federation):
    first = import_pretrained(federation, lambda: FILES)
    again = import_pretrained(federation, lambda: pytest.fail("nothing is read again"))
    assert again == first.model_copy(update={"imported": False})
    assert all(len(versions) == 1 for versions in federation.models.objects.values())


def test_it_goes_on_where_an_import_was_cut_off(federation):
    import_pretrained(federation, lambda: FILES)
    del federation.models.objects[MANIFEST]
    assert import_pretrained(federation, lambda: FILES).imported
    assert MANIFEST in federation.models


def test_version_1_is_another_model(federation):
    play(federation, federation.executions.start("run-7", "{}"), {"task": "objects"})
    with pytest.raises(UsageError, match="run-7"):
        import_pretrained(federation, lambda: FILES)


def test_version_1_is_claimed_by_a_run_that_goes_on(federation):
    federation.ledger.claim_version("objects", "run-7")
    with pytest.raises(UsageError, match="claimed"):
        import_pretrained(federation, lambda: FILES)
    assert not federation.models.objects


def test_other_bytes_lie_there(federation):
    federation.models.put_once(keys.model_file("objects", 1, keys.MODEL_FILE), b"another")
    with pytest.raises(DataInvalid, match=r"model\.tflite"):
        import_pretrained(federation, lambda: FILES)
    assert MANIFEST not in federation.models


def test_the_lineage_names_the_package():
    assert objects.LINEAGE["source"] == "npm:@mediapipe/objectron@0.4.1675468480"

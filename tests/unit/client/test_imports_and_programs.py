"""What an import and a build leave in the buckets."""

import hashlib
import json

import numpy as np
import pytest

from edgetrain import keys
from edgetrain.client.data import Split, client_id, import_data, split_bodies
from edgetrain.client.programs import current_program, upload_program
from edgetrain.contracts import DataIndex, DatasetPointer
from edgetrain.errors import DataInvalid, UsageError
from edgetrain.federated import weights
from edgetrain.stores.base import read_record
from edgetrain.tasks.digits import Digits
from tests.unit.fakes.federation import memory_federation

SPLIT = Split(clients=5, alpha=0.5, seed=3)


@pytest.fixture
def federation():
    return memory_federation()


def test_every_example_is_with_exactly_one_client(federation):
    task = Digits()
    index = import_data(federation, task, SPLIT)
    pieces = [weights.decode(federation.data.get(client.key)) for client in index.clients]
    assert [len(piece["y"]) for piece in pieces] == [client.num_examples for client in index.clients]
    together = np.concatenate([piece["x"].reshape(len(piece["y"]), -1) for piece in pieces])
    everything = task.load().x.reshape(len(together), -1)
    assert sorted(map(bytes, together)) == sorted(map(bytes, everything))


def test_the_pointer_comes_last_and_names_what_is_there(federation):
    index = import_data(federation, Digits(), SPLIT)
    assert list(federation.data.objects)[-2:] == [
        keys.dataset_index("digits", index.dataset_id),
        keys.dataset_pointer("digits"),
    ]
    pointer = read_record(federation.data, keys.dataset_pointer("digits"), DatasetPointer)
    assert read_record(federation.data, pointer.index_key, DataIndex) == index
    for entry in [*index.clients, index.test]:
        assert hashlib.sha256(federation.data.get(entry.key)).hexdigest() == entry.sha256
    assert index.source == {"split": "dirichlet", "clients": 5, "alpha": 0.5, "seed": 3} | {
        "imported_with": index.source["imported_with"]
    }


def test_importing_twice_stores_nothing_new(federation):
    first = import_data(federation, Digits(), SPLIT)
    count = len(federation.data)
    assert import_data(federation, Digits(), SPLIT) == first
    assert len(federation.data) == count


def test_progress_is_told_to_the_end(federation):
    told = []
    import_data(federation, Digits(), SPLIT, lambda done, total: told.append((done, total)))
    assert told[0] == (0, 6)
    assert told[-1] == (6, 6)


def test_a_data_set_that_somebody_changed_is_refused(federation):
    index = import_data(federation, Digits(), SPLIT)
    federation.data.put(index.clients[0].key, b"other")
    with pytest.raises(DataInvalid, match="somebody changed"):
        import_data(federation, Digits(), SPLIT)


def test_clients_are_named_in_order():
    assert [client_id(number) for number in (0, 19, 9999)] == ["client-000", "client-019", "client-9999"]


def test_a_split_that_cannot_be():
    with pytest.raises(UsageError, match="clients is 900"):
        split_bodies(Digits().load(), Split(clients=900, alpha=0.3, seed=0))


# --- programs


def test_a_program_is_stored_once_and_becomes_current(federation):
    files = {keys.PROGRAM_FILE: b"p", keys.SPEC_FILE: b"{}"}
    assert upload_program(federation.models, "digits", "one", files)
    assert not upload_program(federation.models, "digits", "one", files)
    assert len(federation.models.objects[keys.program_pointer("digits")]) == 1
    assert upload_program(federation.models, "digits", "two", files)
    assert current_program(federation.models, "digits").program_id == "two"
    assert not upload_program(federation.models, "digits", "one", files)
    pointer = json.loads(federation.models.get(keys.program_pointer("digits")))
    assert pointer["program_id"] == "one"


def test_a_program_whose_bytes_are_others_is_refused(federation):
    upload_program(federation.models, "digits", "one", {keys.PROGRAM_FILE: b"p"})
    with pytest.raises(DataInvalid, match="exists with other bytes"):
        upload_program(federation.models, "digits", "one", {keys.PROGRAM_FILE: b"q"})


def test_before_anything_is_built(federation):
    assert current_program(federation.models, "digits") is None


def test_a_manifest_cannot_write_outside_its_folder(federation, tmp_path):
    from edgetrain.client.models import download_model
    from edgetrain.contracts import FileEntry, Manifest

    entry = FileEntry(name="../evil", key="k", sha256=hashlib.sha256(b"x").hexdigest(), size=1)
    federation.models.put("k", b"x")
    manifest = Manifest(task="digits", version=1, created_at="now", files=(entry,), metrics={}, lineage={})
    with pytest.raises(DataInvalid, match="plain file name"):
        download_model(federation, manifest, tmp_path / "out")
    assert not (tmp_path / "evil").exists()

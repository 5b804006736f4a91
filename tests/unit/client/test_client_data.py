"""Importing clients: what is stored, what a broken import leaves, and what a second one does."""

import json

import numpy as np
import pytest

from edgetrain import keys
from edgetrain.client.client_data import import_clients
from edgetrain.client.held_out import HeldOutSample
from edgetrain.contracts import DataIndex, DatasetPointer
from edgetrain.datasets.client_files import HoldOut, NpzSource
from edgetrain.datasets.leaf import LeafSource
from edgetrain.errors import DataFileInvalid, DataInvalid
from edgetrain.federated import weights
from edgetrain.tasks.digits import Digits
from edgetrain.tasks.registry import get_task
from tests.unit.fakes import leaf
from tests.unit.fakes.federation import memory_federation

FEMNIST = get_task("femnist")
POINTER = keys.dataset_pointer("femnist")
WRITERS = {f"f{number:04d}": 2 for number in range(40)}


@pytest.fixture
def federation():
    return memory_federation()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return leaf.write_folder(tmp_path_factory.mktemp("leaf"), [WRITERS], held_out=1)


def read(federation, entry):
    return weights.decode(federation.data.get(entry.key))


def versions(federation):
    return {key: len(bodies) for key, bodies in federation.data.objects.items()}


def test_each_writer_is_stored_with_its_held_out_part(federation, folder):
    told = []
    index = import_clients(federation, FEMNIST, LeafSource(FEMNIST, folder), progress=lambda *each: told.append(each))
    assert [client.client for client in index.clients] == sorted(WRITERS)
    assert [client.num_examples for client in index.clients] == [2] * 40
    assert [client.num_examples for client in index.client_tests] == [1] * 40
    assert told == [(number, 80) for number in range(1, 81)]
    wanted = json.loads((folder / "train" / "0.json").read_text())["user_data"]["f0007"]
    np.testing.assert_array_equal(read(federation, index.clients[7])["x"].reshape(2, 784), np.float32(wanted["x"]))
    np.testing.assert_array_equal(read(federation, index.clients[7])["y"], wanted["y"])
    assert len(read(federation, index.test)["y"]) == index.test_examples == 40
    pointer = DatasetPointer.model_validate_json(federation.data.get(POINTER))
    assert DataIndex.model_validate_json(federation.data.get(pointer.index_key)) == index
    assert index.source["kind"] == "LEAF"


def test_a_second_import_stores_and_reads_nothing(federation, folder, monkeypatch):
    first = import_clients(federation, FEMNIST, LeafSource(FEMNIST, folder))
    before = versions(federation)
    source = LeafSource(FEMNIST, folder)
    monkeypatch.setattr(type(source), "__iter__", lambda self: pytest.fail("read again"))
    assert import_clients(federation, FEMNIST, source) == first
    del before[POINTER]
    assert {key: count for key, count in versions(federation).items() if key != POINTER} == before


class BrokenOff(Exception):
    pass


def test_what_was_broken_off_is_not_current_and_goes_on_where_it_was(federation, folder, monkeypatch):
    def stop(done, _total):
        if done == 30:
            raise BrokenOff

    with pytest.raises(BrokenOff):
        import_clients(federation, FEMNIST, LeafSource(FEMNIST, folder), progress=stop)
    left = set(federation.data.objects)
    assert 30 <= len(left) < 80
    assert not [key for key in left if key.endswith(".json")], "neither index nor pointer"

    stored = []
    put_once = federation.data.put_once
    monkeypatch.setattr(
        federation.data, "put_once", lambda key, *rest, **more: stored.append(key) or put_once(key, *rest, **more)
    )
    index = import_clients(federation, FEMNIST, LeafSource(FEMNIST, folder))
    assert not left & set(stored), "what lay there is not sent again"
    assert len(index.clients) == len(index.client_tests) == 40
    undisturbed = memory_federation()
    assert import_clients(undisturbed, FEMNIST, LeafSource(FEMNIST, folder)) == index


def test_a_bad_file_leaves_what_was_current(federation, folder, tmp_path):
    import_clients(federation, FEMNIST, LeafSource(FEMNIST, folder))
    before = federation.data.get(POINTER)
    bad = leaf.write_folder(tmp_path, [{"f1": 1}, {"f2": 2}])
    document = leaf.document({"f2": 2})
    document["user_data"]["f2"]["y"][1] = 62
    leaf.write(bad / "train" / "1.json", document)
    with pytest.raises(DataFileInvalid, match=r"1\.json, writer f2, sample 1 has label 62"):
        import_clients(federation, FEMNIST, LeafSource(FEMNIST, bad))
    assert federation.data.get(POINTER) == before


def test_bytes_that_somebody_changed_are_not_taken_for_ours(federation, folder):
    index = import_clients(federation, FEMNIST, LeafSource(FEMNIST, folder))
    del federation.data.objects[keys.dataset_index("femnist", index.dataset_id)]
    federation.data.put(index.clients[3].key, b"other bytes")
    with pytest.raises(DataInvalid, match=r"f0003\.safetensors exists with other bytes"):
        import_clients(federation, FEMNIST, LeafSource(FEMNIST, folder))


def test_without_a_held_out_example_there_is_nothing_to_measure_on(federation, tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((3, 8, 8), np.float32), y=np.zeros(3, np.int64))
    digits = Digits()
    with pytest.raises(DataFileInvalid, match="the npz data have no examples held out: expected some"):
        import_clients(federation, digits, NpzSource(digits, tmp_path, HoldOut(share=0)))
    assert keys.dataset_pointer("digits") not in federation.data


def test_the_central_sample_is_capped_and_each_clients_own_part_is_whole(federation, folder):
    index = import_clients(federation, FEMNIST, LeafSource(FEMNIST, folder), test_examples=7)
    assert index.test_examples == len(read(federation, index.test)["y"]) == 7
    assert sum(client.num_examples for client in index.client_tests) == 40


# --- the sample


def drawn(order, most=10, seed=0):
    sample = HeldOutSample(most, seed)
    for client in order:
        values = np.arange(50, dtype=np.float32)[:, None] + 100 * client
        sample.add(f"c{client}", values, values[:, 0].astype(np.int32))
    x, y = sample.arrays()
    np.testing.assert_array_equal(x[:, 0], y)
    return y


def test_the_sample_is_the_same_in_any_order():
    np.testing.assert_array_equal(drawn([0, 1, 2, 3]), drawn([2, 0, 3, 1]))
    assert set(drawn([0, 1, 2, 3], seed=1)) != set(drawn([0, 1, 2, 3]))


def test_everything_is_kept_where_there_is_room():
    assert sorted(drawn([0, 1], most=100)) == [*range(50), *range(100, 150)]
    assert len(drawn([0, 1], most=99)) == 99


def test_every_example_has_the_same_chance():
    hits = np.zeros(200)
    for seed in range(400):
        y = drawn([0, 1, 2, 3], most=20, seed=seed)
        hits[y // 100 * 50 + y % 100] += 1
    assert hits.sum() == 8000
    assert (hits / 40 - 1).std() < 0.25, "40 +- 6 each"


def test_nothing_was_added():
    with pytest.raises(ValueError, match="no example"):
        HeldOutSample(10, 0).arrays()

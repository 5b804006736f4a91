"""Clients keep a share of their examples to be tested on."""

import hashlib

import pytest

from edgetrain import keys
from edgetrain.client.data import Split, import_data
from edgetrain.client.hold_out import hold_out
from edgetrain.contracts import DataIndex, DatasetPointer
from edgetrain.errors import DataInvalid, DataNotFound, UsageError
from edgetrain.federated import weights
from edgetrain.stores.base import read_record
from edgetrain.tasks.digits import Digits
from tests.unit.fakes.federation import memory_federation

SPLIT = Split(clients=5, alpha=0.5, seed=3)


@pytest.fixture
def federation():
    return memory_federation()


@pytest.fixture
def imported(federation):
    return import_data(federation, Digits(), SPLIT)


def rows(federation, key):
    tensors = weights.decode(federation.data.get(key))
    return [bytes(x) + bytes(y) for x, y in zip(tensors["x"], tensors["y"], strict=True)]


def test_no_example_is_in_both_parts_and_none_is_lost(federation, imported):
    index = hold_out(federation, "digits", 0.2, 0)
    assert index.dataset_id != imported.dataset_id
    assert [each.client for each in index.clients] == [each.client for each in imported.clients]
    tests = {each.client: each for each in index.client_tests}
    for before, after in zip(imported.clients, index.clients, strict=True):
        test = tests[after.client]
        assert test.num_examples == before.num_examples // 5
        assert after.num_examples + test.num_examples == before.num_examples
        kept, tested = rows(federation, after.key), rows(federation, test.key)
        assert (len(kept), len(tested)) == (after.num_examples, test.num_examples)
        assert sorted(rows(federation, before.key)) == sorted(kept + tested)
        for each in (after, test):
            assert hashlib.sha256(federation.data.get(each.key)).hexdigest() == each.sha256
    assert (index.test, index.test_examples) == (imported.test, imported.test_examples)


def test_it_becomes_current_and_again_it_stores_nothing_new(federation, imported):
    index = hold_out(federation, "digits", 0.2, 0)
    pointer = read_record(federation.data, keys.dataset_pointer("digits"), DatasetPointer)
    assert read_record(federation.data, pointer.index_key, DataIndex) == index
    assert list(federation.data.objects)[-1] == keys.dataset_index("digits", index.dataset_id)
    assert index.source["held_out"] == {"share": 0.2, "seed": 0, "dataset_id": imported.dataset_id}
    count = len(federation.data)
    import_data(federation, Digits(), SPLIT)
    assert hold_out(federation, "digits", 0.2, 0) == index
    assert len(federation.data) == count
    import_data(federation, Digits(), SPLIT)
    assert hold_out(federation, "digits", 0.2, 1).dataset_id != index.dataset_id


def test_a_client_of_few_examples_is_not_tested(federation):
    import_data(federation, Digits(), Split(clients=200, alpha=0.05, seed=3))
    index = hold_out(federation, "digits", 0.1, 0)
    tested = {each.client for each in index.client_tests}
    few = {each.client for each in index.clients if each.num_examples < 9}
    assert few
    assert tested
    assert not few & tested
    assert all(each.num_examples >= 1 for each in (*index.clients, *index.client_tests))


@pytest.mark.parametrize("share", [0.0, -0.1, 1.0, float("nan")])
def test_a_share_that_cannot_be(federation, imported, share):
    with pytest.raises(UsageError, match=r"the share is .*: expected one above 0 and below 1"):
        hold_out(federation, "digits", share, 0)


def test_clients_that_have_a_test_part_keep_it(federation, imported):
    hold_out(federation, "digits", 0.2, 0)
    with pytest.raises(UsageError, match=r"5 clients of task 'digits' have a test part already"):
        hold_out(federation, "digits", 0.2, 0)


def test_there_must_be_data_and_they_must_be_what_the_index_says(federation):
    with pytest.raises(DataNotFound, match="edgetrain data import --task digits"):
        hold_out(federation, "digits", 0.2, 0)
    index = import_data(federation, Digits(), SPLIT)
    federation.data.put(index.clients[2].key, b"other")
    with pytest.raises(DataInvalid, match="SHA-256"):
        hold_out(federation, "digits", 0.2, 0)


def test_progress_is_told_to_the_end(federation, imported):
    told = []
    hold_out(federation, "digits", 0.2, 0, lambda done, total: told.append((done, total)))
    assert told == [(number, 5) for number in range(6)]

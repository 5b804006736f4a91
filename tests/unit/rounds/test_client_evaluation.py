"""EvaluateModel on clients' own test parts."""

import hashlib

import numpy as np
import pytest

from edgetrain import keys
from edgetrain.contracts import DataIndex, EvaluatedRound
from edgetrain.errors import DataInvalid
from edgetrain.federated import weights
from edgetrain.federated.spread import spread_of
from edgetrain.stores.base import read_record
from tests.unit.rounds.conftest import RUN, Federation


def evaluated(world: Federation, number: int = 1) -> EvaluatedRound:
    return world.record(keys.evaluated_round(RUN, number), EvaluatedRound)


def index_of(world: Federation) -> DataIndex:
    return read_record(world.stores.data, keys.dataset_index("toy", "d1"), DataIndex)


def test_the_drawn_clients_are_measured_on_their_own_examples(federation: Federation) -> None:
    federation.start(rounds=2, evaluation_clients=5)
    federation.play(1)
    found = evaluated(federation)
    tests = {test.client: test for test in index_of(federation).client_tests}
    model = weights.decode(federation.model(1))
    assert len(found.clients) == 5
    for each in found.clients:
        test = tests[each.client]
        examples = weights.decode(federation.stores.data.get(test.key))
        scores = examples["x"] @ model["kernel"] + model["bias"]
        assert each.examples == len(scores) == test.num_examples
        assert each.metrics["accuracy"] == pytest.approx(np.mean(scores.argmax(1) == examples["label"]))
    assert found.spread == spread_of(found.clients)


def test_the_same_clients_in_every_round_and_others_with_another_seed(federation: Federation) -> None:
    federation.start(rounds=2, evaluation_clients=5)
    federation.play(1)
    federation.play(2)
    first, second = ([each.client for each in evaluated(federation, number).clients] for number in (1, 2))
    assert first == second
    assert "client-00" not in first  # it has no test part
    other = Federation()
    other.stores.data.objects.update(federation.stores.data.objects)  # type: ignore[attr-defined]
    other.stores.models.objects.update(federation.stores.models.objects)  # type: ignore[attr-defined]
    other.start(rounds=1, evaluation_clients=5, seed=1)
    other.play(1)
    assert [each.client for each in evaluated(other).clients] != first


def test_nobody_is_measured_unless_asked_for(federation: Federation) -> None:
    federation.start()
    federation.play()
    assert (evaluated(federation).clients, evaluated(federation).spread) == ((), {})


def test_a_test_part_that_was_changed_is_refused(federation: Federation) -> None:
    federation.start(evaluation_clients=9)
    test = index_of(federation).client_tests[0]
    body = federation.stores.data.get(test.key)
    assert hashlib.sha256(body).hexdigest() == test.sha256
    federation.stores.data.put(test.key, body[:-1] + b"\7")
    with pytest.raises(DataInvalid, match="SHA-256"):
        federation.play()

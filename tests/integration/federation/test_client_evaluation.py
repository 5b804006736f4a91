"""Each round's model on clients' own test parts, by the deployed EvaluateModel."""

import pytest

from edgetrain import keys
from edgetrain.client.hold_out import hold_out
from edgetrain.contracts import EvaluatedRound
from edgetrain.federated.spread import spread_of
from edgetrain.stores.base import read_record
from tests.integration.federation.conftest import TASK, Player


def test_a_run_tells_how_its_model_serves_its_clients(player: Player) -> None:
    player.data(clients=6, seed=1)
    index = hold_out(player.federation, TASK, share=0.25, seed=0)
    given = {"rounds": 2, "clients_per_round": 3, "evaluation_clients": 4}
    ended = player.play(run_id="spread", **given)
    assert (ended.status, ended.error) == ("SUCCEEDED", None)
    tests = {each.client: each for each in index.client_tests}
    for round_ in player.document("spread").rounds:
        key = keys.evaluated_round("spread", round_.round)
        evaluated = read_record(player.federation.runs, key, EvaluatedRound)
        assert len(evaluated.clients) == 4
        for each in evaluated.clients:
            assert each.examples == tests[each.client].num_examples
        assert round_.client_metrics == evaluated.spread == spread_of(evaluated.clients)
        accuracy = round_.client_metrics["accuracy"]
        assert accuracy.worst <= accuracy.p10 <= accuracy.p50 <= accuracy.p90
        assert accuracy.mean == pytest.approx(sum(each.metrics["accuracy"] for each in evaluated.clients) / 4)


def test_more_clients_than_have_a_test_part_are_refused(player: Player) -> None:
    player.data(clients=6, seed=1)
    ended = player.play(rounds=1, clients_per_round=2, evaluation_clients=1)
    assert (ended.status, ended.error) == ("FAILED", "InvalidRunInput")
    assert "evaluation_clients is 1: expected at most 0" in (ended.cause or "")

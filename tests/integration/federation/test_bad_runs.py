"""Runs that end FAILED: one typed error and one sentence, for whoever started them."""

from typing import Any

import pytest

from edgetrain.client.runs import state_of
from tests.integration.federation.conftest import Player


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"rounds": 0}, ["rounds", "0", "greater than or equal to 1"]),
        ({"rounds": "many"}, ["rounds", "'many'", "integer"]),
        ({"clients_per_round": 4, "min_clients": 5}, ["min_clients", "at most clients_per_round (4)"]),
        ({"clients_per_round": 500}, ["clients_per_round", "500", "at most 8"]),
        ({"colour": "red"}, ["colour", "not a field"]),
        ({"strategy": {"name": "magic"}}, ["strategy.name", "magic", "fedavg"]),
        ({"clients_per_round": 4, "target": {"metric": "beauty", "value": 1}}, ["target.metric", "beauty", "accuracy"]),
        ({"max_abs_delta": 3.0}, ["max_abs_delta", "power of two"]),
        ({"run_id": "../../etc"}, ["run_id"]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_wrong_input_is_named(player: Player, given: dict[str, Any], words: list[str]) -> None:
    player.data(clients=8, seed=1)
    ended = player.play(**given)
    assert (ended.status, ended.error) == ("FAILED", "InvalidRunInput")
    assert ended.cause is not None
    assert [word for word in words if word not in ended.cause] == [], ended.cause
    assert "\n" not in ended.cause


@pytest.mark.parametrize("document", ["[]", "7", '"digits"', "null", "{}"])
def test_an_input_that_is_no_run_is_refused(player: Player, document: str) -> None:
    machine = player.federation.outputs.state_machine_arn
    arn = player.steps.start_execution(stateMachineArn=machine, input=document)["executionArn"]
    ended = player.wait(arn)
    assert (ended.status, ended.error) == ("FAILED", "InvalidRunInput")


def test_a_task_without_data_or_program_says_what_to_type(player: Player) -> None:
    ended = player.play(task="tulips")
    assert ended.status == "FAILED"
    assert ended.error in {"DataNotFound", "TaskNotBuilt"}
    assert ended.cause is not None
    assert "edgetrain " in ended.cause


def test_another_input_under_the_same_id_is_refused_and_harms_nobody(player: Player) -> None:
    player.data(clients=8, seed=1)
    given = {"run_id": "mine", "rounds": 1, "clients_per_round": 2}
    assert player.play(**given).status == "SUCCEEDED"
    ended = player.play(**{**given, "rounds": 2})
    assert (ended.status, ended.error) == ("FAILED", "RunInputDiffers")
    assert "rounds" in (ended.cause or "")
    assert state_of(player.federation, "mine").status == "SUCCEEDED"

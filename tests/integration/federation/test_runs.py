"""Whole runs: the deployed state machine plays its rounds with the deployed handlers."""

import hashlib
import json
from fractions import Fraction

import numpy as np
import pytest
from safetensors.numpy import load

from edgetrain import keys, limits
from edgetrain.client.documents import RoundDocument, RunDocument
from edgetrain.client.models import find_model
from tests.integration.federation.conftest import Player

ROUNDS, COHORT = 3, 6


@pytest.fixture(scope="module")
def run(player: Player) -> RunDocument:
    player.data(clients=8, seed=1)
    ended = player.play(run_id="whole", rounds=ROUNDS, clients_per_round=COHORT, updates_per_tile=4, seed=7)
    assert (ended.status, ended.error) == ("SUCCEEDED", None)
    assert ended.output is not None
    assert ended.output["run_id"] == "whole"
    return player.document("whole")


def test_every_round_is_played_and_the_model_learns(run: RunDocument) -> None:
    assert run.status == "SUCCEEDED"
    assert [each.round for each in run.rounds] == list(range(1, ROUNDS + 1))
    assert all(len(each.updates) == COHORT and not each.refused for each in run.rounds)
    losses = [each.loss for each in run.rounds]
    assert all(loss is not None for loss in losses)
    assert losses[-1] < losses[0]  # type: ignore[operator]


@pytest.mark.parametrize("number", range(1, ROUNDS + 1))
def test_an_outsider_recomputes_the_average_from_the_objects(player: Player, run: RunDocument, number: int) -> None:
    document = run.rounds[number - 1]
    base, made, deltas = _objects(player, document)
    f = document.number_format.fraction_bits
    for name, g in base.items():
        total = np.zeros(g.shape, np.int64)
        for update in document.updates:
            delta = deltas[update.client][name].astype(np.float64)
            total += np.rint(update.num_examples * delta * 2.0**f).astype(np.int64)
        mean = total.astype(np.float64) / (document.examples * 2.0**f)
        np.testing.assert_array_equal((g + mean).astype(np.float32), made[name])


def test_the_average_is_that_of_exact_rationals(player: Player, run: RunDocument) -> None:
    """A hundred parameters of the first round, in fractions: within 2^-(f+1) plus half an ulp."""
    document = run.rounds[0]
    base, made, deltas = _objects(player, document)
    name = max(base, key=lambda each: base[each].size)
    bound = Fraction(1, 2 ** (document.number_format.fraction_bits + 1))
    for index in np.random.default_rng(0).integers(0, base[name].size, 100):
        weighted = sum(
            update.num_examples * Fraction(float(deltas[update.client][name].flat[index]))
            for update in document.updates
        )
        exact = Fraction(float(base[name].flat[index])) + weighted / document.examples
        got = made[name].flat[index]
        assert abs(Fraction(float(got)) - exact) <= bound + Fraction(float(np.spacing(np.abs(got)))) / 2


def _objects(player: Player, document: RoundDocument) -> tuple[dict, dict, dict]:
    store = player.federation.runs
    bodies = {document.global_key: document.global_sha256, document.next_global_key: document.next_global_sha256}
    base, made = (_verified(store.get(key), sha256) for key, sha256 in bodies.items())
    deltas = {
        update.client: _verified(store.get(update.key, version_id=update.version_id), update.sha256)
        for update in document.updates
    }
    return base, made, deltas


def _verified(body: bytes, sha256: str) -> dict:
    assert hashlib.sha256(body).hexdigest() == sha256
    return load(body)


def test_rounds_begin_where_the_last_one_ended(run: RunDocument) -> None:
    for earlier, later in zip(run.rounds, run.rounds[1:], strict=False):
        assert (later.global_key, later.global_sha256) == (earlier.next_global_key, earlier.next_global_sha256)


def test_the_last_model_is_published_with_its_checksums(player: Player, run: RunDocument) -> None:
    assert run.model.version is not None
    manifest = find_model(player.federation, "digits", run.model.version)
    by_name = {entry.name: entry for entry in manifest.files}
    assert set(by_name) >= {keys.WEIGHTS_FILE, keys.PROGRAM_FILE, keys.SPEC_FILE}
    assert by_name[keys.WEIGHTS_FILE].sha256 == run.rounds[-1].next_global_sha256
    for entry in manifest.files:
        body = player.federation.models.get(entry.key)
        assert (len(body), hashlib.sha256(body).hexdigest()) == (entry.size, entry.sha256)
    assert manifest.lineage["run_id"] == "whole"
    assert manifest.metrics == run.rounds[-1].metrics


def test_the_same_input_gives_the_same_bytes(player: Player, run: RunDocument) -> None:
    """Other tiles, other batches, another order: the sums do not depend on them."""
    player.data(clients=8, seed=1)
    ended = player.play(
        run_id="again", rounds=1, clients_per_round=COHORT, seed=7, updates_per_tile=1, max_concurrency=3
    )
    assert ended.status == "SUCCEEDED"
    again = player.document("again").rounds[0]
    assert again.next_global_sha256 == run.rounds[0].next_global_sha256
    assert [update.client for update in again.updates] == [update.client for update in run.rounds[0].updates]


def test_only_pointers_travel(player: Player, run: RunDocument) -> None:
    pages = player.steps.get_paginator("get_execution_history").paginate(executionArn=run.execution_arn)
    events = [event for page in pages for event in page["events"]]
    assert len(events) < limits.HISTORY_EVENTS
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    largest = max(len(json.dumps(event, default=str)) for event in events)
    assert largest < 4 * limits.KIB
    entered = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
    for state in ("SelectClients", "TrainClients", "SealRound", "CloseRound", "EvaluateModel"):
        assert entered.count(state) == ROUNDS
    assert entered[0] == "StartRun"
    assert entered[-1] == "PublishModel"


def test_a_run_stops_at_its_target(player: Player) -> None:
    player.data(clients=8, seed=1)
    ended = player.play(run_id="early", rounds=5, clients_per_round=COHORT, target={"metric": "loss", "value": 100.0})
    assert ended.status == "SUCCEEDED"
    assert len(player.document("early").rounds) == 1


def test_a_run_without_an_id_is_called_like_its_execution(player: Player) -> None:
    player.data(clients=8, seed=1)
    ended = player.play("by-name", rounds=1, clients_per_round=2)
    assert ended.output is not None
    assert ended.output["run_id"] == "by-name"


def test_a_stopped_run_goes_on_where_it_stood(player: Player) -> None:
    player.data(clients=8, seed=1)
    given = {"run_id": "stopped", "rounds": 4, "clients_per_round": COHORT, "seed": 7}
    arn = player.start(**given)
    while player.federation.runs.find(keys.closed_round("stopped", 1)) is None:
        assert player.steps.describe_execution(executionArn=arn)["status"] == "RUNNING"
    player.steps.stop_execution(executionArn=arn, error="Stopped", cause="by the test")
    assert player.wait(arn).status == "ABORTED"
    first = player.federation.runs.find(keys.closed_round("stopped", 1))
    assert player.play(**given).status == "SUCCEEDED"
    assert player.federation.runs.find(keys.closed_round("stopped", 1)) == first
    assert len(player.document("stopped").rounds) == 4


def test_a_finished_run_is_not_played_again(player: Player, run: RunDocument) -> None:
    given = {"run_id": "whole", "rounds": ROUNDS, "clients_per_round": COHORT, "updates_per_tile": 4, "seed": 7}
    ended = player.play(**given)
    assert ended.status == "SUCCEEDED"
    again = player.document("whole")
    assert (again.rounds, again.model) == (run.rounds, run.model)


def test_two_executions_of_one_run_make_one_run(player: Player) -> None:
    player.data(clients=8, seed=1)
    given = {"run_id": "twice", "rounds": 2, "clients_per_round": 4, "seed": 3}
    arns = [player.start(**given), player.start(**given)]
    assert {player.wait(arn).status for arn in arns} == {"SUCCEEDED"}
    document = player.document("twice")
    assert len(document.rounds) == 2
    versions = [each.lineage["run_id"] for each in _models(player)]
    assert versions.count("twice") == 1


def _models(player: Player) -> list:
    from edgetrain.client.models import list_models

    return list(list_models(player.federation, "digits"))

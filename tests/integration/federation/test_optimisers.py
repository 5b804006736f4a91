"""A strategy with a state, FedProx and a schedule in the deployed state machine: stopped, resumed, and recomputed from its objects."""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from edgetrain import keys
from edgetrain.client.documents import RunDocument, VerifiedRunDocument
from tests.integration.federation.conftest import PATIENCE_SECONDS, Player
from tests.session_cloud import PROJECT

ROUNDS = 4
GIVEN = {
    "rounds": ROUNDS,
    "clients_per_round": 4,
    "seed": 5,
    "strategy": {"name": "fedyogi", "server_learning_rate": 0.02, "schedule": {"name": "cosine", "final": 0.1}},
    "client": {
        "steps": 6,
        "proximal_mu": 0.05,
        "clip_norm": 5.0,
        "schedule": {"name": "step", "gamma": 0.5, "every": 2},
    },
    "max_update_norm": 50.0,
}


@pytest.fixture(scope="module")
def undisturbed(player: Player) -> RunDocument:
    player.data(clients=6, seed=1)
    ended = player.play(run_id="yogi", **GIVEN)
    assert (ended.status, ended.error) == ("SUCCEEDED", None)
    return player.document("yogi")


def made(run: RunDocument) -> list[tuple[str, list[tuple[str, str]]]]:
    """What each round left: the SHA-256 of the model and of each array of the state."""
    return [(each.next_global_sha256, [(array.name, array.sha256) for array in each.state]) for each in run.rounds]


def test_a_run_that_was_stopped_and_resumed_has_the_same_bytes(player: Player, undisturbed: RunDocument) -> None:
    player.data(clients=6, seed=1)
    arn = player.start(run_id="yogi-stopped", **GIVEN)
    while player.federation.runs.find(keys.closed_round("yogi-stopped", 2)) is None:
        assert player.steps.describe_execution(executionArn=arn)["status"] == "RUNNING"
    player.steps.stop_execution(executionArn=arn, error="Stopped", cause="by the test")
    assert player.wait(arn).status == "ABORTED"
    assert player.play(run_id="yogi-stopped", **GIVEN).status == "SUCCEEDED"
    resumed = player.document("yogi-stopped")
    assert len(resumed.rounds) == ROUNDS
    assert made(resumed) == made(undisturbed)


def test_a_closing_that_is_lost_before_its_answer_leaves_the_same_bytes(
    player: Player, undisturbed: RunDocument, once
) -> None:
    """The function ends after its last write: what runs again finds what stands."""
    player.data(clients=6, seed=1)
    lost = once(
        "import real_handler; real_handler.handler(event, __import__('types').SimpleNamespace("
        "function_name='f', memory_limit_in_mb=1, invoked_function_arn='arn', aws_request_id='id')); os._exit(1)"
    )
    with player.faulty("CloseRound", lost):
        assert player.play(run_id="yogi-lost", **GIVEN).status == "SUCCEEDED"
    assert made(player.document("yogi-lost")) == made(undisturbed)


def test_the_state_lies_in_the_bucket_as_it_is_recorded(player: Player, undisturbed: RunDocument) -> None:
    store = player.federation.runs
    for each in undisturbed.rounds:
        assert [array.name for array in each.state] == ["m", "v"]
        for array in each.state:
            body = store.get(array.key)
            assert hashlib.sha256(body).hexdigest() == array.sha256
            assert np.isfinite(np.frombuffer(body, "<f8")).all()
            assert array.name == "m" or np.frombuffer(body, "<f8").min() > 0


def test_the_rates_follow_their_schedules(undisturbed: RunDocument) -> None:
    first = undisturbed.client.learning_rate
    assert [each.client_learning_rate for each in undisturbed.rounds] == [first, first, first / 2, first / 2]
    rates = [each.server_learning_rate for each in undisturbed.rounds]
    assert rates[0] == 0.02
    assert rates == sorted(set(rates), reverse=True)


def test_the_model_learns(undisturbed: RunDocument) -> None:
    losses = [each.loss for each in undisturbed.rounds]
    assert losses[-1] < losses[0]  # type: ignore[operator]
    assert not any(each.refused for each in undisturbed.rounds)


@pytest.mark.parametrize("name", ["fedavgm", "fedadagrad", "fedadam"])
def test_the_other_strategies_are_played_and_an_outsider_recomputes_them(player: Player, name: str) -> None:
    player.data(clients=6, seed=1)
    given = {"rounds": 3, "clients_per_round": 3, "client": {"full_batch": True}, "strategy": {"name": name}}
    assert player.play(run_id=name, **given).status == "SUCCEEDED"
    assert recomputed(player, player.document(name)) == 3


def test_an_outsider_recomputes_every_round(player: Player, undisturbed: RunDocument) -> None:
    assert recomputed(player, undisturbed) == ROUNDS


def verify(player: Player, run_id: str) -> tuple[int, VerifiedRunDocument]:
    """`edgetrain verify --json`: its exit code and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "edgetrain.cli", "verify", run_id, "--json"],
        env={**os.environ, **player.cloud.connection.environment()},
        capture_output=True,
        text=True,
        cwd=PROJECT,
        timeout=PATIENCE_SECONDS,
    )
    return done.returncode, VerifiedRunDocument.model_validate_json(done.stdout)


def test_a_run_is_verified_from_its_objects(player: Player, undisturbed: RunDocument) -> None:
    code, told = verify(player, "yogi")
    assert (code, told.verified, told.chained, told.findings) == (0, True, True, ())
    assert [each.recomputed for each in told.rounds] == [True] * ROUNDS
    head = player.federation.runs.get(keys.closed_round("yogi", ROUNDS))
    assert told.head_sha256 == hashlib.sha256(head).hexdigest()


def test_a_bit_that_was_turned_is_named(player: Player, undisturbed: RunDocument) -> None:
    """By somebody who may delete: the bucket lets nobody replace what stands."""
    store, key = player.federation.runs, keys.global_model("yogi", 2)
    s3, where = player.cloud.connection.client("s3"), {"Bucket": player.federation.outputs.runs_bucket, "Key": key}
    body = store.get(key)
    turned = bytearray(body)
    turned[len(body) // 2] ^= 1
    over = [s3.delete_object(**where)["VersionId"]]
    try:
        over.append(store.put_once(key, bytes(turned)).stored.version_id)
        code, told = verify(player, "yogi")
    finally:
        for version in reversed(over):
            s3.delete_object(**where, VersionId=version)
    assert store.get(key) == body
    assert (code, told.verified) == (1, False)
    assert [(each.code, each.round, each.key, each.byte) for each in told.findings] == [
        ("altered", 2, key, len(body) // 2)
    ]
    assert [each.recomputed for each in told.rounds] == [True, False, True, True]


def recomputed(player: Player, run: RunDocument) -> int:
    """How many rounds docs/examples/recompute_round.py finds to be the same bits."""
    done = subprocess.run(
        [sys.executable, str(PROJECT / "docs" / "examples" / "recompute_round.py")],
        input=json.dumps(run.model_dump(mode="json")),
        env={**os.environ, **player.cloud.connection.environment()},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.count("the same bits")

"""Clients that fail, updates that are bad, workers that die: the round goes on while the quorum stands."""

import json
from collections.abc import Callable

import numpy as np

from edgetrain import keys
from edgetrain.client.runs import state_of
from edgetrain.contracts import Receipt
from edgetrain.federated import weights
from tests.integration.federation.conftest import Player

Once = Callable[[str], str]


def test_a_client_that_raises_once_is_tried_again(player: Player, once: Once) -> None:
    player.data(clients=4, seed=2)
    with player.faulty("TrainClient", once("raise RuntimeError('the first time only')")):
        ended = player.play(run_id="raises-once", rounds=1, clients_per_round=4, min_clients=4, max_concurrency=4)
    assert ended.status == "SUCCEEDED"
    (document,) = player.document("raises-once").rounds
    assert len(document.updates) == 4
    assert not document.refused


def test_a_worker_that_dies_once_is_replaced(player: Player, once: Once) -> None:
    player.data(clients=4, seed=2)
    with player.faulty("TrainClient", once("os._exit(3)")):
        ended = player.play(run_id="dies-once", rounds=1, clients_per_round=4, min_clients=4, max_concurrency=2)
    assert ended.status == "SUCCEEDED"
    assert len(player.document("dies-once").rounds[0].updates) == 4


def test_a_client_that_always_fails_is_refused_and_the_round_goes_on(player: Player) -> None:
    """Its data are not what the index says; the other client of its batch is not touched."""
    index = player.data(clients=4, seed=3)
    victim = index.clients[1]
    player.federation.data.put(victim.key, b"not what was imported")
    try:
        ended = player.play(run_id="fails", rounds=2, clients_per_round=4, min_clients=3, max_concurrency=2)
    finally:
        _restore(player, victim.key, seed=3)
    assert ended.status == "SUCCEEDED"
    for document in player.document("fails").rounds:
        assert [(each.client, each.error) for each in document.refused] == [(victim.client, "TrainingFailed")]
        assert victim.key in document.refused[0].message
        assert victim.client not in {update.client for update in document.updates}
        assert len(document.updates) == 3


def test_a_missed_quorum_fails_and_the_run_can_be_resumed(player: Player) -> None:
    index = player.data(clients=4, seed=4)
    victim = index.clients[0]
    given = {"run_id": "quorum", "rounds": 1, "clients_per_round": 4, "min_clients": 4, "max_concurrency": 2}
    player.federation.data.put(victim.key, b"not what was imported")
    ended = player.play(**given)
    assert (ended.status, ended.error) == ("FAILED", "QuorumNotReached")
    assert "3 updates" in (ended.cause or "")
    state = state_of(player.federation, "quorum")
    assert (state.status, state.error) == ("FAILED", "QuorumNotReached")
    standing = {row.client: row for row in player.federation.ledger.receipts("quorum", 1)}
    assert len(standing) == 3

    _restore(player, victim.key, seed=4)
    assert player.play(**given).status == "SUCCEEDED"
    (document,) = player.document("quorum").rounds
    assert len(document.updates) == 4
    kept = {update.client: update.sha256 for update in document.updates}
    assert {client: kept[client] for client in standing} == {row.client: row.sha256 for row in standing.values()}


def test_a_client_that_is_too_slow_is_refused(player: Player) -> None:
    """One batch sleeps past the round's deadline; Step Functions gives its task up, and the others count."""
    index = player.data(clients=3, seed=5)
    slow = index.clients[0].client
    fault = f"import time\ndef before(event):\n    if {slow!r} in event['batch']['clients']:\n        time.sleep(120)\n"
    with player.faulty("TrainClient", fault):
        ended = player.play(
            run_id="slow", rounds=1, clients_per_round=3, min_clients=2, max_concurrency=3, round_timeout_seconds=5
        )
    assert ended.status == "SUCCEEDED"
    (document,) = player.document("slow").rounds
    assert [(each.client, each.error) for each in document.refused] == [(slow, "UpdateMissing")]


def test_a_duplicate_invocation_changes_nothing(player: Player) -> None:
    player.data(clients=2, seed=6)
    assert player.play(run_id="double", rounds=1, clients_per_round=2, max_concurrency=1).status == "SUCCEEDED"
    before = _versions(player, "runs/double/")
    document = player.document("double")
    batch = json.loads(player.federation.runs.get(keys.batches("double", 1)))[0]
    where = {"run_id": "double", "round": 1}
    player.invoke("TrainClient", {**where, "batch": batch, "deadline": 4e9, "attempt": 1})
    for state, event in (
        ("SealRound", where),
        ("AggregateTile", {**where, "tile": 0}),
        ("CloseRound", where),
        ("EvaluateModel", where),
        ("PublishModel", {"run_id": "double"}),
    ):
        player.invoke(state, event)
    assert _versions(player, "runs/double/") == before
    assert player.document("double") == document


def test_what_an_administrator_overwrites_is_not_read(player: Player) -> None:
    """After its receipt, an update is deleted and another one put in its place: the sealed version counts."""
    player.data(clients=2, seed=6)
    where = _played_until_trained(player, "tampered")
    receipt = player.federation.ledger.receipts("tampered", 1)[0]
    store = player.federation.runs
    honest = weights.decode(store.get(receipt.key, version_id=receipt.version_id))
    forged = weights.encode({name: np.full_like(delta, 7) for name, delta in honest.items()})
    player.cloud.connection.client("s3").delete_object(Bucket=player.federation.outputs.runs_bucket, Key=receipt.key)
    assert store.put_once(receipt.key, forged).created

    _play_on(player, where)
    (document,) = player.document("tampered").rounds
    update = next(each for each in document.updates if each.client == receipt.client)
    assert (update.version_id, update.sha256) == (receipt.version_id, receipt.sha256)
    deltas = [weights.decode(store.get(each.key, version_id=each.version_id)) for each in document.updates]
    base, made = (weights.decode(store.get(key)) for key in (document.global_key, document.next_global_key))
    share = [each.num_examples / document.examples for each in document.updates]
    for name, g in base.items():
        mean = sum(part * delta[name].astype(np.float64) for part, delta in zip(share, deltas, strict=True))
        np.testing.assert_allclose(made[name], g + mean, atol=1e-6)


def test_a_bad_update_is_refused_by_name_when_it_is_summed(player: Player) -> None:
    """A client that is not ours signs for NaN with a valid checksum: refused, and the rest is averaged."""
    player.data(clients=3, seed=7)
    where = _selected(player, "poisoned", clients_per_round=3, min_clients=2)
    cohort = json.loads(player.federation.runs.get(keys.cohort("poisoned", 1)))
    liar = cohort["clients"][0]
    base = weights.decode(player.federation.runs.get(cohort["base"]["key"]))
    said = weights.update_metadata(
        run_id="poisoned",
        round_number=1,
        client=liar["client"],
        base_sha256=cohort["base"]["sha256"],
        num_examples=liar["num_examples"],
    )
    body = weights.encode({name: np.full_like(g, np.nan) for name, g in base.items()}, said)
    stored = player.federation.runs.put_once(keys.update("poisoned", 1, liar["client"]), body).stored
    player.federation.ledger.put_receipt(
        Receipt(
            run_id="poisoned",
            round=1,
            client=liar["client"],
            key=stored.key,
            version_id=stored.version_id,
            sha256=stored.sha256,
            size=stored.size,
            num_examples=liar["num_examples"],
        )
    )
    _train_all(player, "poisoned")
    _play_on(player, where)
    (document,) = player.document("poisoned").rounds
    assert [(each.client, each.error) for each in document.refused] == [(liar["client"], "UpdateNotFinite")]
    assert len(document.updates) == 2
    refusals = {row.client: row.error for row in player.federation.ledger.refusals("poisoned", 1)}
    assert refusals == {liar["client"]: "UpdateNotFinite"}


def _selected(player: Player, run_id: str, **given: int) -> dict:
    machine = player.federation.outputs.state_machine_arn
    run_input = {"task": "digits", "run_id": run_id, "rounds": 1, "max_concurrency": 1, **given}
    arn = machine.replace(":stateMachine:", ":execution:") + f":{run_id}"
    player.invoke("StartRun", {"execution_arn": arn, "execution_name": run_id, "input": run_input})
    where = {"run_id": run_id, "round": 1}
    player.invoke("SelectClients", where)
    return where


def _train_all(player: Player, run_id: str) -> None:
    for batch in json.loads(player.federation.runs.get(keys.batches(run_id, 1))):
        player.invoke("TrainClient", {"run_id": run_id, "round": 1, "batch": batch, "deadline": 4e9, "attempt": 0})


def _played_until_trained(player: Player, run_id: str) -> dict:
    where = _selected(player, run_id, clients_per_round=2)
    _train_all(player, run_id)
    return where


def _play_on(player: Player, where: dict) -> None:
    """The rest of the round, state by state."""
    sealed = player.invoke("SealRound", where)
    for tile in sealed["tiles"]:
        player.invoke("AggregateTile", {**where, "tile": tile})
    player.invoke("CloseRound", where)
    player.invoke("EvaluateModel", where)


def _restore(player: Player, key: str, seed: int) -> None:
    """Import again: an import refuses to find other bytes under a key of its own, so these go first."""
    bucket = player.federation.outputs.data_bucket
    player.cloud.connection.client("s3").delete_object(Bucket=bucket, Key=key)
    player.data(clients=4, seed=seed)


def _versions(player: Player, prefix: str) -> list[tuple[str, str]]:
    s3 = player.cloud.connection.client("s3")
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket=player.federation.outputs.runs_bucket, Prefix=prefix
    )
    return [(each["Key"], each["VersionId"]) for page in pages for each in page.get("Versions", [])]

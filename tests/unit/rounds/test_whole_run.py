"""All steps in the order of the state machine, with stores in memory."""

import json

import numpy as np
from safetensors.numpy import load

from edgetrain import keys
from edgetrain.contracts import EvaluatedRound, Manifest, PublishModelRequest
from edgetrain.rounds.publish_model import publish_model
from edgetrain.stores.base import read_record
from tests.unit.rounds.conftest import ARN, RUN, Federation


def test_a_run_ends_with_a_published_model(federation: Federation) -> None:
    position = federation.start(rounds=3)
    assert (position.run_id, position.next_round, position.more_rounds) == (RUN, 1, True)
    played = []
    while position.more_rounds:
        played.append(position.next_round)
        position = federation.play(position.next_round)
    assert played == [1, 2, 3]
    published = publish_model(federation.stores, PublishModelRequest(run_id=RUN), clock=federation.clock)
    assert (published.task, published.version) == ("toy", 1)
    manifest = read_record(federation.stores.models, published.manifest_key, Manifest)
    weights = next(each for each in manifest.files if each.name == keys.WEIGHTS_FILE)
    assert federation.stores.models.get(weights.key) == federation.model(3)
    assert weights.sha256 == federation.closed(3).next.sha256
    last = federation.record(keys.evaluated_round(RUN, 3), EvaluatedRound)
    first = federation.record(keys.evaluated_round(RUN, 1), EvaluatedRound)
    assert manifest.metrics == last.metrics
    assert last.metrics["loss"] < first.metrics["loss"]
    assert manifest.lineage["round"] == 3
    row = federation.ledger.run(RUN)
    assert (row.status, row.rounds_done, row.model_version, row.execution_arn) == ("SUCCEEDED", 3, 1, ARN + RUN)


def test_an_outsider_recomputes_a_round_from_its_objects(federation: Federation) -> None:
    """The recipe of docs/architecture.md: NumPy, safetensors and JSON, nothing of ours."""
    federation.start(updates_per_tile=2)
    federation.play()
    read = federation.runs.get
    closed = json.loads(read(f"runs/{RUN}/rounds/00001/closed.json"))
    f = json.loads(read(f"runs/{RUN}/rounds/00001/cohort.json"))["number_format"]["fraction_bits"]
    base, published = load(read(closed["base"]["key"])), load(read(closed["next"]["key"]))
    total = {name: np.zeros(g.shape, np.int64) for name, g in base.items()}
    for update in closed["updates"]:
        delta = load(read(update["key"], version_id=update["version_id"]))
        for name, d in delta.items():
            total[name] += np.rint(update["num_examples"] * d.astype(np.float64) * 2.0**f).astype(np.int64)
    examples = sum(update["num_examples"] for update in closed["updates"])
    assert examples == closed["examples"]
    for name, g in base.items():
        mean = total[name].astype(np.float64) / (examples * 2.0**f)
        assert np.array_equal((g + mean).astype(np.float32), published[name])


def test_the_tiling_does_not_change_a_bit(federation: Federation) -> None:
    models = set()
    for tiles, size in ((6, 1), (3, 2), (2, 5), (1, 64)):
        world = Federation()
        world.stores.data.objects.update(federation.stores.data.objects)  # type: ignore[attr-defined]
        world.stores.models.objects.update(federation.stores.models.objects)  # type: ignore[attr-defined]
        world.start(updates_per_tile=size)
        world.play()
        assert len(world.sealed().tiles) == tiles
        models.add(world.model())
    assert len(models) == 1


def test_a_run_stops_at_its_target(federation: Federation) -> None:
    federation.start(rounds=5, target={"metric": "loss", "value": 100})
    assert federation.play().more_rounds is False
    assert federation.start(rounds=5, target={"metric": "loss", "value": 100}).more_rounds is False


def test_a_target_that_is_not_reached_stops_nothing(federation: Federation) -> None:
    federation.start(rounds=2, target={"metric": "accuracy", "value": 1.5})
    assert federation.play(1).more_rounds is True
    assert federation.play(2).more_rounds is False

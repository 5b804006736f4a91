"""The last steps: evaluate, publish, fail; and two executions of one run that meet in them."""

import json

import pytest

from edgetrain import keys
from edgetrain.contracts import EvaluatedRound, FailRunRequest, PublishModelRequest
from edgetrain.errors import DataInvalid, ModelDiverged, ObjectNotFound
from edgetrain.federated import weights
from edgetrain.rounds.fail_run import fail_run, sentence
from edgetrain.rounds.publish_model import publish_model
from tests.unit.fakes.stores import MemoryStore
from tests.unit.rounds.conftest import ARN, RUN, Federation


def publish(world: Federation, run_id: str = RUN) -> int:
    return publish_model(world.stores, PublishModelRequest(run_id=run_id), clock=world.clock).version


def test_metrics_are_written_once(started: Federation) -> None:
    started.play()
    body = started.runs.get(keys.evaluated_round(RUN, 1))
    started.now += 10
    assert started.evaluate().next_round == 2
    assert started.runs.get(keys.evaluated_round(RUN, 1)) == body
    metrics = started.record(keys.evaluated_round(RUN, 1), EvaluatedRound).metrics
    assert metrics.keys() == {"loss", "accuracy"}
    assert 0 <= metrics["accuracy"] <= 1


def test_a_round_that_is_not_closed_cannot_be_evaluated(started: Federation) -> None:
    with pytest.raises(ObjectNotFound, match=r"closed\.json"):
        started.evaluate()


def test_a_model_whose_bytes_differ_is_not_evaluated(started: Federation) -> None:
    started.play()
    del started.runs.objects[keys.evaluated_round(RUN, 1)]
    started.runs.put(keys.global_model(RUN, 1), b"nonsense")
    with pytest.raises(DataInvalid, match="globals/00001"):
        started.evaluate()


def test_a_model_without_numbers_ends_the_run(started: Federation) -> None:
    started.play()
    del started.runs.objects[keys.evaluated_round(RUN, 1)]
    closed = started.closed()
    tensors = {name: array * float("nan") for name, array in weights.decode(started.model()).items()}
    stored = started.runs.put(closed.next.key, weights.encode(tensors))
    record = closed.model_copy(update={"next": closed.next.model_copy(update={"sha256": stored.sha256})})
    started.runs.objects[keys.closed_round(RUN, 1)] = [record.model_dump_json().encode()]
    with pytest.raises(ModelDiverged):
        started.evaluate()


def test_a_slower_execution_takes_nothing_back(federation: Federation) -> None:
    """Two executions of one run: the slower one's last word is about a round that is long done."""
    federation.start(rounds=2)
    federation.play(1)
    federation.play(2)
    version = publish(federation)
    assert federation.evaluate(1).next_round == 2
    row = federation.ledger.run(RUN)
    assert (row.rounds_done, row.status, row.model_version) == (2, "SUCCEEDED", version)


def test_a_round_whose_row_was_not_written_is_played_from_its_records(federation: Federation) -> None:
    federation.start(rounds=2)
    federation.play(1)
    federation.ledger.change_run(RUN, lambda row: row.model_copy(update={"rounds_done": 0}))
    before = dict(federation.runs.objects)
    assert federation.start("again", rounds=2, run_id=RUN).next_round == 1
    federation.now += 100
    assert federation.play(1).next_round == 2
    assert federation.runs.objects == before
    assert federation.programs.program.calls == 6


def test_publishing_twice_is_publishing_once(federation: Federation) -> None:
    federation.start(rounds=1)
    federation.play()
    models = federation.stores.models
    assert isinstance(models, MemoryStore)
    assert publish(federation) == 1
    before = dict(models.objects)
    federation.now += 100
    assert publish(federation) == 1
    assert models.objects == before


def test_a_version_has_its_manifest_last(federation: Federation, monkeypatch: pytest.MonkeyPatch) -> None:
    federation.start(rounds=1)
    federation.play()
    written: list[str] = []
    put = MemoryStore.put
    monkeypatch.setattr(MemoryStore, "put", lambda self, key, *a, **k: written.append(key) or put(self, key, *a, **k))
    publish(federation)
    assert [key.rsplit("/", 1)[1] for key in written] == [
        keys.WEIGHTS_FILE,
        keys.PROGRAM_FILE,
        keys.SPEC_FILE,
        keys.MANIFEST_FILE,
    ]


def test_two_runs_get_two_versions(federation: Federation) -> None:
    federation.start(rounds=1)
    federation.play()
    assert publish(federation) == 1
    assert federation.ledger.claim_version("toy", "another") == 2
    assert publish(federation) == 1


# --- failing ---------------------------------------------------------------------------------------------------


def fail(world: Federation, name: str = RUN, **request: object) -> tuple[str, str]:
    failure = fail_run(world.stores, FailRunRequest(execution_arn=ARN + name, **request))  # type: ignore[arg-type]
    return failure.error, failure.cause


def test_a_failed_run_says_why_in_one_sentence(federation: Federation) -> None:
    federation.start()
    cause = json.dumps({"errorMessage": "round 1: 2 updates", "errorType": "QuorumNotReached", "stackTrace": ["..."]})
    assert fail(federation, input={"task": "toy"}, error="QuorumNotReached", cause=cause) == (
        "QuorumNotReached",
        "round 1: 2 updates",
    )
    row = federation.ledger.run(RUN)
    assert (row.status, row.error, row.cause) == ("FAILED", "QuorumNotReached", "round 1: 2 updates")


def test_a_run_that_never_was_has_no_row(federation: Federation) -> None:
    assert fail(federation, input={"run_id": 5}, error="InvalidRunInput", cause="x") == ("InvalidRunInput", "x")
    assert fail(federation, input="nonsense", error="InvalidRunInput", cause="x") == ("InvalidRunInput", "x")
    assert federation.ledger.runs() == []


def test_only_the_execution_that_plays_a_run_fails_it(federation: Federation) -> None:
    federation.start()
    federation.start("resumes", run_id=RUN)
    fail(federation, error="States.Timeout", cause="the first one was slow")
    assert federation.ledger.run(RUN).status == "RUNNING"
    fail(federation, "resumes", input={"run_id": RUN}, error="E", cause="c")
    assert federation.ledger.run(RUN).status == "FAILED"


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        ("plain", "plain"),
        ("", ""),
        ('{"errorMessage": "m"}', "m"),
        ('{"errorMessage": 5}', '{"errorMessage": 5}'),
        ("[1]", "[1]"),
        ("{broken", "{broken"),
    ],
)
def test_a_cause_becomes_a_sentence(cause: str, expected: str) -> None:
    assert sentence(cause) == expected


def test_a_cause_is_cut(federation: Federation) -> None:
    assert len(fail(federation, error="E", cause="x" * 40_000)[1]) == 2000

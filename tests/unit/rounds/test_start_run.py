"""StartRun: the input's mistakes by name; one run whoever starts it, and however often."""

from typing import Any

import pytest

from edgetrain import keys
from edgetrain.contracts import FailRunRequest, RunRecord, StartRunRequest
from edgetrain.errors import DataNotFound, InvalidRunInput, RunInputDiffers, TaskNotBuilt
from edgetrain.rounds.fail_run import fail_run
from edgetrain.rounds.start_run import run_id_from, start_run
from tests.unit.rounds.conftest import ARN, RUN, Federation, put_data, put_program


@pytest.mark.parametrize(
    ("given", "field", "expected"),
    [
        ({}, "task", "missing"),
        ({"task": 7}, "task", "string"),
        ({"task": "../etc"}, "task", "pattern"),
        ({"task": "toy\n"}, "task", "pattern"),
        ({"task": "toy", "rounds": 0}, "rounds is 0", "greater than or equal to 1"),
        ({"task": "toy", "rounds": "three"}, "rounds is 'three'", "integer"),
        ({"task": "toy", "rounds": "3"}, "rounds is '3'", "integer"),
        ({"task": "toy", "rounds": True}, "rounds is True", "integer"),
        ({"task": "toy", "rounds": 2.5}, "rounds is 2.5", "integer"),
        ({"task": "toy", "rounds": None}, "rounds is None", "integer"),
        ({"task": "toy", "round": 3}, "round is not a field", "rounds"),
        ({"task": "toy", "seed": -1}, "seed", "greater than or equal to 0"),
        ({"task": "toy", "client": {"learning_rate": 0}}, "client.learning_rate", "greater than 0"),
        ({"task": "toy", "client": {"epochs": "many"}}, "client.epochs", "integer"),
        ({"task": "toy", "client": 5}, "client", "object"),
        ({"task": "toy", "strategy": {"name": "magic"}}, "strategy.name", "'fedavg'"),
        ({"task": "toy", "strategy": {"name": "fedavg", "nesterov": 1}}, "strategy.nesterov", "not a field"),
        ({"task": "toy", "strategy": {"momentum": 0.5}}, "strategy", "momentum is for fedavgm, not for fedavg"),
        ({"task": "toy", "strategy": {"name": "fedadagrad", "beta_2": 0.5}}, "beta_2", "fedadam, fedyogi"),
        ({"task": "toy", "strategy": {"name": "fedadam", "beta_1": 1}}, "strategy.beta_1 is 1", "less than 1"),
        ({"task": "toy", "strategy": {"name": "fedadam", "tau": 0}}, "strategy.tau is 0", "greater than 0"),
        ({"task": "toy", "strategy": {"name": ["fedadam"]}}, "strategy.name", "'fedavg'"),
        ({"task": "toy", "strategy": {"schedule": {"name": "cosine"}}}, "strategy.schedule", "cosine needs final"),
        (
            {"task": "toy", "client": {"schedule": {"name": "step", "gamma": 0.5}}},
            "client.schedule",
            "step needs every",
        ),
        (
            {"task": "toy", "client": {"schedule": {"name": "exponential", "gamma": 0.5, "final": 0}}},
            "client.schedule",
            "final is for cosine, not for exponential",
        ),
        ({"task": "toy", "client": {"epochs": 1, "steps": 2}}, "client", "epochs and steps: expected one"),
        ({"task": "toy", "client": {"full_batch": True, "batch_size": 2}}, "client", "expected no batch_size"),
        ({"task": "toy", "client": {"proximal_mu": -1}}, "client.proximal_mu is -1", "greater than or equal to 0"),
        ({"task": "toy", "client": {"clip_norm": 0}}, "client.clip_norm is 0", "greater than 0"),
        ({"task": "toy", "evaluation_clients": 10}, "evaluation_clients is 10", "at most 9"),
        ({"task": "toy", "max_update_norm": 0}, "max_update_norm is 0", "greater than 0"),
        ({"task": "toy", "target": {"metric": "accuracy"}}, "target.value", "missing"),
        ({"task": "toy", "target": {"metric": "f1", "value": 1}}, "target.metric is 'f1'", "loss, accuracy"),
        ({"task": "toy", "clients_per_round": 11}, "clients_per_round is 11", "at most 10"),
        ({"task": "toy", "clients_per_round": 3, "min_clients": 4}, "min_clients", "clients_per_round (3)"),
        ({"task": "toy", "max_abs_delta": 6}, "max_abs_delta is 6", "power of two"),
        ({"task": "toy", "max_examples": 1000}, "max_examples is 1000", "power of two"),
        ({"task": "toy", "round_timeout_seconds": 100_000}, "round_timeout_seconds", "less than or equal to"),
        ({"task": "toy", "run_id": "a/b"}, "run_id", "pattern"),
        ("toy", "'toy'", "JSON object"),
        (None, "None", "JSON object"),
        ([], "[]", "JSON object"),
    ],
)
def test_a_mistake_is_named(federation: Federation, given: Any, field: str, expected: str) -> None:
    request = StartRunRequest(execution_arn=ARN + "x", execution_name="x", input=given)
    with pytest.raises(InvalidRunInput) as caught:
        start_run(federation.stores, request)
    assert field in str(caught.value)
    assert expected in str(caught.value)
    assert len(federation.runs) == 0
    assert federation.ledger.runs() == []


def test_everything_but_the_task_has_a_default(federation: Federation) -> None:
    request = StartRunRequest(execution_arn=ARN + "x", execution_name="x", input={"task": "toy"})
    start_run(federation.stores, request)
    record = federation.record(keys.run_record("x"), RunRecord)
    given = record.input
    assert (given.rounds, given.clients_per_round, given.quorum, given.strategy.server_learning_rate) == (10, 10, 8, 1)
    assert record.client.epochs == 2  # the task's own
    assert federation.runs.get(keys.global_model("x", 0)) == federation.stores.models.get(
        keys.program_file("toy", "p1", keys.WEIGHTS_FILE)
    )


@pytest.mark.parametrize(("cohort", "quorum"), [(1, 1), (2, 2), (5, 4), (6, 5), (10, 8), (11, 9)])
def test_the_quorum_is_four_fifths_rounded_up(federation: Federation, cohort: int, quorum: int) -> None:
    put_data(federation.stores, 11)
    federation.start(clients_per_round=cohort)
    assert federation.record(keys.run_record(RUN), RunRecord).input.quorum == quorum


def test_no_data_and_no_program_have_errors_of_their_own() -> None:
    empty = Federation()
    with pytest.raises(DataNotFound, match="edgetrain data import --task toy"):
        empty.start()
    put_data(empty.stores, 10)
    with pytest.raises(TaskNotBuilt, match="edgetrain tasks build toy"):
        empty.start()


def test_a_run_is_resumed_where_it_stands(federation: Federation) -> None:
    federation.start(rounds=3)
    federation.play(1)
    federation.ledger.change_run(
        RUN, lambda row: row.model_copy(update={"status": "FAILED", "error": "X", "cause": "y"})
    )
    federation.now += 3600
    position = federation.start("another", rounds=3, run_id=RUN)
    assert (position.run_id, position.next_round, position.more_rounds) == (RUN, 2, True)
    row = federation.ledger.run(RUN)
    assert (row.status, row.execution_arn, row.error, row.cause) == ("RUNNING", ARN + "another", None, None)
    assert row.created_at == federation.record(keys.run_record(RUN), RunRecord).created_at


def test_another_input_does_not_resume_a_run(federation: Federation) -> None:
    federation.start(rounds=3)
    with pytest.raises(RunInputDiffers, match="rounds was 3, now 4"):
        federation.start("another", rounds=4, run_id=RUN)
    # ... and the execution that was refused does not fail the run.
    fail_run(
        federation.stores,
        FailRunRequest(execution_arn=ARN + "another", input={"run_id": RUN}, error="RunInputDiffers", cause="c"),
    )
    assert federation.ledger.run(RUN).status == "RUNNING"


def test_a_program_built_meanwhile_does_not_change_a_run(federation: Federation) -> None:
    """The first try wrote the record and went down; before the second one another program became current."""
    federation.start()
    initial = federation.model(0)
    del federation.runs.objects[keys.global_model(RUN, 0)]
    put_program(federation.stores, "p2", scale=0.5)
    federation.start()
    assert federation.model(0) == initial
    assert federation.record(keys.run_record(RUN), RunRecord).program_id == "p1"
    assert federation.play().next_round == 2


@pytest.mark.parametrize(
    ("name", "run_id"),
    [("run-7", "run-7"), ("a" * 64, "a" * 64), ("a" * 80, None), ("with.dot", None), ("-x", None), ("line\n", None)],
)
def test_an_executions_name_becomes_an_id(name: str, run_id: str | None) -> None:
    found = run_id_from(name)
    assert keys.checked_id(found, "run_id") == found
    assert found == run_id if run_id else found.startswith("run-")

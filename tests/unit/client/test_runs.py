"""Starting, finding and reading runs."""

from datetime import UTC, datetime

import pytest

from edgetrain import errors, keys
from edgetrain.client import runs
from edgetrain.contracts import ClosedRound, RunRecord, UpdateEntry
from edgetrain.stores.base import read_record, write_record
from tests.unit.fakes.federation import ARN, DIGEST, PlayedRun, memory_federation, play

NOON = datetime(2026, 3, 4, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def federation():
    return memory_federation()


@pytest.fixture
def going(federation):
    return PlayedRun.begin(federation, federation.executions.start("going", "{}"), {"task": "digits"})


def record_of(federation, run_id):
    return read_record(federation.runs, keys.run_record(run_id), RunRecord)


def test_a_run_without_an_id_is_called_as_its_execution(federation):
    started = runs.start_run(federation, {"task": "digits"}, now=NOON)
    assert started.run_id.startswith("digits-20260304-120000-")
    assert started.execution_arn == ARN + started.run_id
    assert federation.executions.inputs[started.execution_arn] == {"task": "digits"}
    assert keys.checked_id(started.run_id, "run") == started.run_id


def test_the_longest_task_still_gives_an_id_and_a_name(federation):
    started = runs.start_run(federation, {"task": "t" * 64}, now=NOON)
    assert keys.checked_id(started.run_id, "run") == started.run_id
    named = runs.start_run(federation, {"task": "digits", "run_id": "r" * 64})
    assert len(named.execution_arn.removeprefix(ARN)) <= 80


def test_a_run_of_an_id_may_be_started_again(federation):
    first, second = (runs.start_run(federation, {"task": "digits", "run_id": "mine"}) for _ in range(2))
    assert first.run_id == second.run_id == "mine"
    assert first.execution_arn != second.execution_arn


def test_the_ledger_says_how_a_run_ended(federation, going):
    going.fail("QuorumNotReached", "2 of 8")
    del federation.executions.known[going.arn]  # Step Functions forgets after 90 days
    state = runs.state_of(federation, "going")
    assert (state.status, state.error, state.cause) == ("FAILED", "QuorumNotReached", "2 of 8")


def test_one_that_was_aborted_could_not_write_it_down(federation, going):
    federation.executions.end(going.arn, "TIMED_OUT", "States.Timeout", "too long")
    state = runs.state_of(federation, "going")
    assert (state.status, state.error, state.cause) == ("TIMED_OUT", "States.Timeout", "too long")


def test_a_run_that_ends_between_two_questions_is_read_once_more(federation, going):
    federation.executions.on_look = lambda: going.publish(0.9)
    assert runs.state_of(federation, "going").status == "SUCCEEDED"


def test_an_execution_that_nobody_knows_goes_on_as_far_as_we_know(federation, going):
    del federation.executions.known[going.arn]
    assert runs.state_of(federation, "going").status == "RUNNING"


@pytest.mark.parametrize(
    ("code", "cause", "kind", "text"),
    [
        ("QuorumNotReached", "2 of 8", errors.QuorumNotReached, "2 of 8"),
        ("UpdateLate", "late", errors.UpdateLate, "late"),
        ("InvalidRunInput", None, errors.InvalidRunInput, "InvalidRunInput"),
        ("States.Timeout", "slow", errors.RunFailed, "States.Timeout: slow"),
        ("Exception", "odd", errors.RunFailed, "Exception: odd"),
        (None, None, errors.RunFailed, "the execution ended without saying why"),
    ],
)
def test_an_executions_error_is_ours_where_it_has_a_class(code, cause, kind, text):
    failure = runs.failure(code, cause)
    assert (type(failure), str(failure)) == (kind, text)


def test_a_round_that_is_closed_and_not_evaluated_has_no_metrics(federation, going):
    going.cohort(1)
    entry = UpdateEntry(client="a", key="k", version_id="v", sha256=DIGEST, num_examples=3)
    closed = ClosedRound(
        round=1,
        base=going.model(0),
        next=going.model(1),
        updates=(entry,),
        refused=(),
        examples=3,
        train_loss=None,
        started_at=1.0,
        closed_at=3.5,
    )
    write_record(federation.runs, keys.closed_round("going", 1), closed)
    each = runs.read_round(federation, record_of(federation, "going"), 1)
    assert (each.metrics, each.accuracy, each.seconds) == ({}, None, 2.5)
    assert each.updates[0].num_examples == 3


def test_a_run_that_is_read_is_whole(federation):
    play(federation, federation.executions.start("run", "{}"), {"task": "digits", "rounds": 2})
    run = runs.read_run(federation, "run")
    assert run.model.key == keys.model_file("digits", 1, keys.WEIGHTS_FILE)
    assert run.model.manifest_key in federation.models
    first, second = run.rounds
    assert first.next_global_key == second.global_key == keys.global_model("run", 1)
    assert (run.runs_bucket, run.models_bucket) == ("runs-bucket", "models-bucket")


def test_only_later_rounds_are_read_when_asked(federation):
    play(federation, federation.executions.start("run", "{}"), {"task": "digits"}, (0.1, 0.2, 0.3))
    record = record_of(federation, "run")
    assert [each.round for each in runs.read_rounds(federation, record, first=2)] == [2, 3]

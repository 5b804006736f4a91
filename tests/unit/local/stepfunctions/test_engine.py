"""Executions as a whole: names, starting twice, stopping, limits, the journal, the end of the engine."""

import json
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from edgetrain import limits
from edgetrain.local.stepfunctions import ApiError, InvalidDefinition, JournalUnreadable, StateMachine
from tests.unit.fakes.stepfunctions import MACHINE_ARN, PATIENCE_SECONDS, ROLE, Bench, chain, invoke, one_state

WAITS = one_state(Type="Wait", Seconds=1000)
PASSES = one_state(Type="Pass")


def refused(code: str, call: Any) -> str:
    with pytest.raises(ApiError) as error:
        call()
    assert error.value.code == code
    return error.value.message


# --- names and starting twice


def test_a_name_is_part_of_the_arn(bench: Bench) -> None:
    arn = bench.start(PASSES, name="run-1")
    assert arn == "arn:aws:states:eu-west-1:123456789012:execution:Machine:run-1"
    assert bench.ended(arn).status == "SUCCEEDED"


def test_names_are_made(bench: Bench) -> None:
    assert len({bench.start(PASSES) for _ in range(20)}) == 20


@pytest.mark.parametrize("name", ["", "x" * 81, "a b", "a:b", "a/b", "a\x00", "a*", "a\ud800"])
def test_a_name_that_is_none(bench: Bench, name: str) -> None:
    refused("InvalidName", lambda: bench.start(PASSES, name=name))


def test_the_same_start_is_the_same_execution_while_it_runs(bench: Bench) -> None:
    machine = bench.machine(WAITS)
    first = bench.engine.start(machine, name="n", input='{"a":1}')
    bench.clock.until_asked(1)
    bench.clock.advance(1)
    assert bench.engine.start(machine, name="n", input='{"a":1}') == first
    message = refused("ExecutionAlreadyExists", lambda: bench.engine.start(machine, name="n", input='{"a":2}'))
    assert message == f"Execution Already Exists: '{first[0]}'"
    bench.engine.stop(first[0])
    refused("ExecutionAlreadyExists", lambda: bench.engine.start(machine, name="n", input='{"a":1}'))


@pytest.mark.parametrize("text", ["", "not json", "{'a': 1}", "NaN", '"\ud800"', "[" * 100_000])
def test_an_input_that_is_no_json(bench: Bench, text: str) -> None:
    machine = bench.machine(PASSES)
    refused("InvalidExecutionInput", lambda: bench.engine.start(machine, name=None, input=text))


@pytest.mark.parametrize("text", ["1", '"text"', "null", "[]", ' {"a": 1.50, "ü": "\\u00fc"} '])
def test_an_input_is_kept_as_it_was_written(bench: Bench, text: str) -> None:
    arn, _ = bench.engine.start(bench.machine(PASSES), name=None, input=text)
    outcome = bench.ended(arn)
    assert outcome.output == json.loads(text)
    assert bench.engine.describe(arn).input == text


def test_a_definition_that_nobody_checked_is_not_started(bench: Bench) -> None:
    machine = StateMachine(MACHINE_ARN, "Machine", "{}", ROLE)
    with pytest.raises(InvalidDefinition):
        bench.engine.start(machine, name=None, input="{}")


def test_an_execution_keeps_the_definition_it_was_started_with(bench: Bench) -> None:
    arn = bench.start(chain(A={"Type": "Wait", "Seconds": 5}, B={"Type": "Pass", "Result": "old"}))
    bench.clock.until_asked(1)
    bench.start(chain(A={"Type": "Pass", "Result": "new"}))
    bench.clock.advance(5)
    assert bench.ended(arn).output == "old"
    reply = bench.api.call("DescribeStateMachineForExecution", {"executionArn": arn})[1]
    assert "old" in reply["definition"]


# --- stopping


def test_stop_ends_a_wait_at_once(bench: Bench) -> None:
    arn = bench.start(WAITS)
    bench.clock.until_asked(1)
    bench.clock.advance(3)
    stopped = bench.engine.stop(arn, error="Enough", cause="of it")
    assert stopped == bench.clock.now()
    outcome = bench.ended(arn)
    assert (outcome.status, outcome.error, outcome.cause) == ("ABORTED", "Enough", "of it")
    assert outcome.shape()[1:] == [(2, 0, "WaitStateEntered"), (3, 0, "ExecutionAborted")]
    assert outcome.details("ExecutionAborted") == [{"error": "Enough", "cause": "of it"}]


def test_stop_right_after_the_start(bench: Bench) -> None:
    for index in range(20):
        arn = bench.start(WAITS, name=f"n{index}")
        bench.engine.stop(arn)
        assert bench.ended(arn).status == "ABORTED"
    assert bench.engine.stop(arn) == bench.clock.now()


def test_stop_does_not_wait_for_a_function(bench: Bench) -> None:
    called, release = threading.Event(), threading.Event()

    def function(payload: Any) -> Any:
        called.set()
        release.wait(20)
        return payload

    bench.cloud.functions["f"] = function
    arn = bench.start(one_state(**invoke("f")))
    assert called.wait(20)
    bench.engine.stop(arn)
    assert bench.ended(arn).status == "ABORTED"
    release.set()


def test_what_has_ended_stays_as_it_is(bench: Bench) -> None:
    arn = bench.start(PASSES)
    bench.ended(arn)
    bench.clock.advance(10)
    assert bench.engine.stop(arn) == bench.clock.now() - 10
    assert bench.ended(arn).status == "SUCCEEDED"


def test_who_is_not_there_cannot_be_stopped(bench: Bench) -> None:
    refused(
        "ExecutionDoesNotExist", lambda: bench.engine.stop(f"{MACHINE_ARN}:no".replace("stateMachine", "execution"))
    )


# --- limits


def test_an_input_may_be_as_large_as_a_payload(bench: Bench) -> None:
    machine = bench.machine(PASSES)
    text = json.dumps("é" * (limits.STATE_PAYLOAD_BYTES // 2 - 1), ensure_ascii=False)
    assert bench.ended(bench.engine.start(machine, name=None, input=text)[0]).status == "SUCCEEDED"
    refused("ValidationException", lambda: bench.engine.start(machine, name=None, input=text + " "))


def test_data_may_not_grow_above_the_limit(bench: Bench) -> None:
    grows = {"Type": "Pass", "Parameters": {"a.$": "$", "b.$": "$"}}
    outcome = bench.run(chain(A=grows, B=grows), "x" * 100_000)
    assert (outcome.status, outcome.error) == ("FAILED", "States.DataLimitExceeded")
    assert outcome.cause == (
        "The state/task 'B' returned a result with a size exceeding the maximum number of bytes service limit."
    )
    assert outcome.shape()[-2:] == [(4, 3, "PassStateEntered"), (5, 4, "ExecutionFailed")]


def loop(times: int) -> dict[str, Any]:
    """Four events a time: Pass entered and exited, Choice entered and exited."""
    states = {
        "Count": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "More?"},
        "More?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "NumericLessThan": times, "Next": "Count"}],
            "Default": "Done",
        },
        "Done": {"Type": "Succeed"},
    }
    return {"StartAt": "Count", "States": states}


def test_a_history_has_room_for_25_000_events(bench: Bench) -> None:
    # ExecutionStarted, 4 for each of 6,249 times, 2 of Done: 24,999, and the last is the success.
    outcome = bench.run(loop(6_249), {"n": 0})
    assert (outcome.status, len(outcome.events)) == ("SUCCEEDED", limits.HISTORY_EVENTS)


def test_a_history_that_is_full_ends_the_execution(bench: Bench) -> None:
    caught = {"Type": "Map", "ItemProcessor": loop(7_000), "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]}
    machine = {"StartAt": "M", "States": {"M": {**caught, "End": True}, "Caught": {"Type": "Succeed"}}}
    outcome = bench.run(machine, [{"n": 0}])
    assert (outcome.status, outcome.error) == ("FAILED", "States.Runtime")
    assert outcome.cause == "The execution reached the maximum number of history events (25000)."
    assert outcome.events[-1]["id"] == limits.HISTORY_EVENTS
    assert outcome.kinds[-1] == "ExecutionFailed"


def test_long_errors_and_causes_are_cut(bench: Bench) -> None:
    outcome = bench.run(one_state(Type="Fail", Error="e" * 300, Cause="c" * 40_000))
    assert (len(outcome.error or ""), len(outcome.cause or "")) == (limits.ERROR_CHARACTERS, limits.CAUSE_CHARACTERS)
    assert outcome.details("ExecutionFailed") == [{"error": outcome.error, "cause": outcome.cause}]


def test_texts_that_utf8_cannot_hold_are_kept(bench: Bench) -> None:
    bench.cloud.functions["f"] = lambda payload: "\ud800é"
    outcome = bench.run(one_state(**invoke("f", OutputPath="$.Payload")))
    assert outcome.output == "\ud800é"


# --- the journal


def test_everything_is_there_after_a_restart(bench: Bench) -> None:
    outcome = bench.run(PASSES, {"a": 1})
    bench.engine.close()
    again = Bench(bench.journal)
    try:
        assert again.ended(outcome.arn) == outcome
    finally:
        again.engine.close()


def test_a_start_is_in_the_journal_before_it_is_answered(bench: Bench) -> None:
    arn = bench.start(WAITS)
    with sqlite3.connect(bench.journal) as database:
        assert database.execute("select status from executions where arn = ?", (arn,)).fetchall() == [("RUNNING",)]


def test_events_reach_the_journal_without_being_asked_for(bench: Bench) -> None:
    bench.start(WAITS)
    give_up = time.monotonic() + PATIENCE_SECONDS
    with sqlite3.connect(bench.journal) as database:
        while database.execute("select count(*) from events where type = 'WaitStateEntered'").fetchone() == (0,):
            assert time.monotonic() < give_up
            time.sleep(0.005)


def test_a_journal_of_another_version_is_not_touched(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "journal.sqlite") as database:
        database.execute("pragma user_version = 99")
    with pytest.raises(JournalUnreadable, match="version 99"):
        Bench(tmp_path / "journal.sqlite")


# --- the end of the engine


def test_no_thread_is_left_behind(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    bench = Bench(tmp_path / "journal.sqlite")
    bench.cloud.functions["f"] = lambda payload: payload
    bench.run(one_state(**invoke("f")))
    bench.start(WAITS)
    assert set(threading.enumerate()) > before
    bench.engine.close()
    assert set(threading.enumerate()) == before
    bench.engine.close()
    refused("ServiceUnavailable", lambda: bench.start(PASSES))


def test_halting_does_not_wait_for_calls_and_closing_does(bench: Bench) -> None:
    called, release = threading.Event(), threading.Event()

    def function(payload: Any) -> Any:
        called.set()
        release.wait(20)
        return payload

    bench.cloud.functions["f"] = function
    arn = bench.start(one_state(**invoke("f")))
    assert called.wait(20)
    bench.engine.halt()
    refused("ServiceUnavailable", lambda: bench.start(PASSES))
    refused("ServiceUnavailable", lambda: bench.engine.describe(arn))
    release.set()
    bench.engine.close()
    with sqlite3.connect(bench.journal) as database:
        assert database.execute("select status from executions").fetchall() == [("RUNNING",)]


def test_a_defect_of_the_engine_does_not_leave_an_execution_running(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr("edgetrain.local.stepfunctions.steps.Step.output", broken)
    outcome = bench.run(PASSES)
    assert (outcome.status, outcome.error) == ("FAILED", "States.Runtime")
    assert outcome.cause == "Internal error: ZeroDivisionError: a defect"

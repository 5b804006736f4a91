"""Retry and Catch."""

import random
from typing import Any

import pytest

from edgetrain.local.stepfunctions.tries import matches
from tests.unit.fakes.stepfunctions import Bench, failed, invoke


@pytest.mark.parametrize(
    ("names", "error", "taken"),
    [
        (("A", "B"), "B", True),
        (("A",), "B", False),
        (("States.ALL",), "A", True),
        (("States.ALL",), None, True),
        (("States.ALL",), "States.Timeout", True),
        (("States.ALL",), "States.IntrinsicFailure", True),
        (("States.ALL",), "States.Runtime", False),
        (("States.Runtime",), "States.Runtime", False),
        (("States.ALL",), "States.DataLimitExceeded", False),
        (("States.TaskFailed",), "States.DataLimitExceeded", False),
        (("States.DataLimitExceeded",), "States.DataLimitExceeded", True),
        (("States.TaskFailed",), "A", True),
        (("States.TaskFailed",), "Lambda.Unknown", True),
        (("States.TaskFailed",), "States.Timeout", False),
        (("States.Timeout",), "States.Timeout", True),
    ],
)
def test_which_names_take_which_error(names: tuple[str, ...], error: str | None, taken: bool) -> None:
    assert matches(names, error) is taken


def failing(*errors: str) -> Any:
    """A function that fails with each of `errors` in turn, and then answers."""
    left = list(errors)

    def function(payload: Any) -> Any:
        if left:
            raise failed(left.pop(0))
        return payload

    return function


def play(bench: Bench, task: dict[str, Any], *, states: dict[str, Any] | None = None, given: Any = None) -> Any:
    """Run a task, letting every wait pass as soon as it is asked for."""
    arn = bench.start({"StartAt": "A", "States": {"A": {**task, "End": True}, **(states or {})}}, given)
    waits = 0
    while bench.engine.describe(arn).stopped is None:
        if len(bench.clock.asked) > waits:
            waits += 1
            bench.clock.advance(bench.clock.asked[waits - 1])
    return bench.ended(arn)


def test_the_defaults_are_three_tries_that_double(bench: Bench) -> None:
    bench.cloud.functions["f"] = failing("E", "E", "E")
    outcome = play(bench, invoke("f", Retry=[{"ErrorEquals": ["E"]}], OutputPath="$.Payload"), given={"v": 1})
    assert (outcome.status, outcome.output) == ("SUCCEEDED", {"v": 1})
    assert bench.clock.asked == [1, 2, 4]
    tried = ["TaskScheduled", "TaskStarted", "TaskFailed"]
    assert outcome.kinds[2:-2] == [*tried * 3, "TaskScheduled", "TaskStarted", "TaskSucceeded"]
    assert outcome.shape()[2:8] == [
        (3, 2, "TaskScheduled"),
        (4, 3, "TaskStarted"),
        (5, 4, "TaskFailed"),
        (6, 5, "TaskScheduled"),
        (7, 6, "TaskStarted"),
        (8, 7, "TaskFailed"),
    ]


@pytest.mark.parametrize(
    ("retrier", "failures", "waits"),
    [
        ({"IntervalSeconds": 3}, 4, [3, 6, 12]),
        ({"MaxAttempts": 0}, 1, []),
        ({"MaxAttempts": 1}, 2, [1]),
        ({"BackoffRate": 1.0, "MaxAttempts": 4}, 5, [1, 1, 1, 1]),
        ({"BackoffRate": 1.5, "IntervalSeconds": 2, "MaxAttempts": 3}, 4, [2, 3, 4.5]),
        ({"IntervalSeconds": 1, "MaxDelaySeconds": 3, "MaxAttempts": 5}, 6, [1, 2, 3, 3, 3]),
    ],
)
def test_delays(bench: Bench, retrier: dict[str, Any], failures: int, waits: list[float]) -> None:
    bench.cloud.functions["f"] = failing(*["E"] * failures)
    outcome = play(bench, invoke("f", Retry=[{"ErrorEquals": ["E"], **retrier}]))
    assert (outcome.status, outcome.error) == ("FAILED", "E")
    assert bench.clock.asked == waits
    assert len(bench.cloud.calls) == failures


def test_full_jitter_is_anywhere_up_to_the_delay(tmp_path: Any) -> None:
    bench = Bench(tmp_path / "jitter.sqlite", random=random.Random(1))
    bench.cloud.functions["f"] = failing("E", "E", "E")
    play(bench, invoke("f", Retry=[{"ErrorEquals": ["E"], "IntervalSeconds": 4, "JitterStrategy": "FULL"}]))
    bench.engine.close()
    again = random.Random(1)
    assert bench.clock.asked == [again.uniform(0, most) for most in (4, 8, 16)]


def test_each_retrier_counts_for_itself_and_the_first_that_names_the_error_counts(bench: Bench) -> None:
    bench.cloud.functions["f"] = failing("A", "B", "A", "B", "A")
    retry = [
        {"ErrorEquals": ["A"], "IntervalSeconds": 10, "MaxAttempts": 2},
        {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 9},
    ]
    outcome = play(bench, invoke("f", Retry=retry))
    assert bench.clock.asked == [10, 1, 20, 2]
    assert outcome.error == "A", "a used-up retrier is not followed by the next one"


def test_an_error_that_nobody_names_is_not_tried_again(bench: Bench) -> None:
    bench.cloud.functions["f"] = failing("B")
    outcome = play(bench, invoke("f", Retry=[{"ErrorEquals": ["A"]}]))
    assert (outcome.error, bench.clock.asked) == ("B", [])


def test_the_context_object_counts_the_tries(bench: Bench) -> None:
    bench.cloud.functions["f"] = failing("E", "E")
    parameters = {"FunctionName": "f", "Payload": {"attempt.$": "$$.State.RetryCount", "state.$": "$$.State"}}
    outcome = play(bench, invoke("f", Parameters=parameters, Retry=[{"ErrorEquals": ["E"]}], OutputPath="$.Payload"))
    assert [call.payload["attempt"] for call in bench.cloud.calls] == [0, 1, 2]
    assert [call.payload["state"]["RetryCount"] for call in bench.cloud.calls] == [0, 1, 2]
    assert outcome.output["attempt"] == 2


CAUGHT = {"Caught": {"Type": "Pass", "End": True}, "Other": {"Type": "Fail"}}


@pytest.mark.parametrize(
    ("fields", "output"),
    [
        ({}, {"Error": "E", "Cause": '{"errorType":"E","errorMessage":"it broke"}'}),
        (
            {"ResultPath": "$.why"},
            {"v": 1, "why": {"Error": "E", "Cause": '{"errorType":"E","errorMessage":"it broke"}'}},
        ),
        ({"ResultPath": None}, {"v": 1}),
    ],
)
def test_a_caught_error_goes_where_its_result_path_says(bench: Bench, fields: dict[str, Any], output: Any) -> None:
    bench.cloud.functions["f"] = failing("E")
    catch = [{"ErrorEquals": ["A"], "Next": "Other"}, {"ErrorEquals": ["E"], "Next": "Caught", **fields}]
    task = invoke("f", Catch=catch, OutputPath="$.Payload", ResultPath="$.result", InputPath="$")
    outcome = play(bench, task, states=CAUGHT, given={"v": 1})
    assert (outcome.status, outcome.output) == ("SUCCEEDED", output), (
        "neither ResultPath nor OutputPath of the task apply"
    )
    assert outcome.kinds[-5:] == [
        "TaskFailed",
        "TaskStateExited",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]


def test_tries_come_before_catching(bench: Bench) -> None:
    bench.cloud.functions["f"] = failing("E", "E")
    task = invoke(
        "f", Retry=[{"ErrorEquals": ["E"], "MaxAttempts": 1}], Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    )
    outcome = play(bench, task, states={"Caught": CAUGHT["Caught"]})
    assert outcome.status == "SUCCEEDED"
    assert len(bench.cloud.calls) == 2


def test_a_catchers_result_path_must_fit(bench: Bench) -> None:
    bench.cloud.functions["f"] = failing("E")
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught", "ResultPath": "$.why"}]
    outcome = play(bench, invoke("f", Catch=catch), states={"Caught": {"Type": "Succeed"}}, given=[1])
    assert outcome.error == "States.ResultPathMatchFailure"

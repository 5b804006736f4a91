"""Parallel and the inline Map."""

import threading
from typing import Any

import pytest

from edgetrain.limits import INLINE_MAP_CONCURRENCY
from tests.unit.fakes.stepfunctions import Bench, failed, invoke, one_state


def branch(name: str, **state: Any) -> dict[str, Any]:
    ends = {} if state["Type"] in {"Fail", "Succeed"} else {"End": True}
    return {"StartAt": name, "States": {name: {**ends, **state}}}


def parallel(*branches: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"Type": "Parallel", "Branches": list(branches), **fields}


def inline(**fields: Any) -> dict[str, Any]:
    return {"Type": "Map", "ItemProcessor": branch("In", Type="Pass"), **fields}


def test_branches_get_the_same_input_and_answer_in_order(bench: Bench) -> None:
    state = parallel(
        branch("A", Type="Pass", Result=1), branch("B", Type="Pass"), Parameters={"x.$": "$.v"}, ResultPath="$.r"
    )
    outcome = bench.run(one_state(**state), {"v": 7})
    assert outcome.output == {"v": 7, "r": [1, {"x": 7}]}
    assert sorted(outcome.kinds) == sorted(
        [
            *("ExecutionStarted", "ParallelStateEntered", "ParallelStateStarted"),
            *("PassStateEntered", "PassStateExited") * 2,
            *("ParallelStateSucceeded", "ParallelStateExited", "ExecutionSucceeded"),
        ]
    )
    entered = [event for event in outcome.events if event["type"] == "PassStateEntered"]
    assert [event["previousEventId"] for event in entered] == [3, 3], "both follow ParallelStateStarted"
    ids = [event["id"] for event in outcome.events]
    assert ids == list(range(1, len(ids) + 1))


def test_a_branch_that_fails_ends_the_others(bench: Bench) -> None:
    state = parallel(branch("A", Type="Wait", Seconds=1000), branch("B", Type="Fail", Error="E", Cause="c"))
    outcome = bench.run(one_state(**state))
    assert (outcome.status, outcome.error, outcome.cause) == ("FAILED", "E", "c")
    assert "WaitStateAborted" in outcome.kinds
    assert outcome.kinds[-2:] == ["ParallelStateFailed", "ExecutionFailed"]
    assert outcome.events[-1]["previousEventId"] == outcome.events[-2]["id"]


def test_a_task_that_fails_within_a_branch_is_told_as_aborted(bench: Bench) -> None:
    bench.cloud.functions["f"] = lambda payload: (_ for _ in ()).throw(failed("E"))
    outcome = bench.run(one_state(**parallel(branch("A", **invoke("f")))))
    assert outcome.shape()[6:] == [
        (7, 6, "TaskFailed"),
        (8, 7, "TaskStateAborted"),
        (9, 7, "ParallelStateFailed"),
        (10, 9, "ExecutionFailed"),
    ]


def test_a_failed_parallel_is_caught(bench: Bench) -> None:
    state = parallel(branch("A", Type="Fail", Error="E", Cause="c"), Catch=[{"ErrorEquals": ["E"], "Next": "End"}])
    states = {"P": {**state, "End": True}, "End": {"Type": "Succeed"}}
    outcome = bench.run({"StartAt": "P", "States": states}, {"v": 1})
    assert outcome.output == {"Error": "E", "Cause": "c"}
    assert outcome.shape()[3:6] == [
        (4, 3, "FailStateEntered"),
        (5, 4, "ParallelStateFailed"),
        (6, 5, "ParallelStateExited"),
    ]


def test_a_failed_parallel_is_tried_again_as_a_whole(bench: Bench) -> None:
    state = parallel(branch("A", Type="Fail", Error="E"), Retry=[{"ErrorEquals": ["E"], "MaxAttempts": 1}])
    arn = bench.start(one_state(**state))
    bench.clock.until_asked(1)
    bench.clock.advance(1)
    outcome = bench.ended(arn)
    assert outcome.shape()[2:] == [
        (3, 2, "ParallelStateStarted"),
        (4, 3, "FailStateEntered"),
        (5, 4, "ParallelStateStarted"),
        (6, 5, "FailStateEntered"),
        (7, 6, "ParallelStateFailed"),
        (8, 7, "ExecutionFailed"),
    ]


def test_states_nest(bench: Bench) -> None:
    inner = parallel(branch("X", Type="Pass", Result=1), branch("Y", Type="Pass", Result=2))
    outer = {"Type": "Map", "ItemProcessor": branch("P", **inner)}
    assert bench.run(one_state(**outer), [0, 0]).output == [[1, 2], [1, 2]]


# --- the inline map


def test_an_iteration_is_told_step_by_step(bench: Bench) -> None:
    outcome = bench.run(one_state(**inline(ItemsPath="$.items")), {"items": ["x"]})
    assert outcome.output == ["x"]
    assert outcome.shape() == [
        (1, 0, "ExecutionStarted"),
        (2, 0, "MapStateEntered"),
        (3, 2, "MapStateStarted"),
        (4, 3, "MapIterationStarted"),
        (5, 4, "PassStateEntered"),
        (6, 5, "PassStateExited"),
        (7, 6, "MapIterationSucceeded"),
        (8, 7, "MapStateSucceeded"),
        (9, 7, "MapStateExited"),
        (10, 9, "ExecutionSucceeded"),
    ]
    assert outcome.details("MapStateStarted") == [{"length": 1}]
    assert outcome.details("MapIterationStarted") == [{"name": "Only", "index": 0}]


@pytest.mark.parametrize(
    ("fields", "given", "output"),
    [
        ({}, [1, "a", None, {}], [1, "a", None, {}]),
        ({}, [], []),
        ({"ItemsPath": "$.a[*].b"}, {"a": [{"b": 1}, {"b": 2}]}, [1, 2]),
        ({"InputPath": "$.in", "ItemsPath": "$.a"}, {"in": {"a": [3]}}, [3]),
        ({"ItemsPath": "$$.Execution.Input.a"}, {"a": [4]}, [4]),
        (
            {"ItemsPath": "$.a", "ItemSelector": {"v.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index", "c.$": "$.c"}},
            {"a": ["x", "y"], "c": 9},
            [{"v": "x", "i": 0, "c": 9}, {"v": "y", "i": 1, "c": 9}],
        ),
        ({"ItemsPath": "$.a", "ResultPath": "$.r"}, {"a": [1]}, {"a": [1], "r": [1]}),
        ({"ItemsPath": "$.a", "ResultSelector": {"all.$": "$[*]"}}, {"a": [1, 2]}, {"all": [1, 2]}),
        ({"ItemsPath": "$.a", "ResultPath": None}, {"a": [1]}, {"a": [1]}),
    ],
)  # fmt: skip
def test_items_and_results(bench: Bench, fields: dict[str, Any], given: Any, output: Any) -> None:
    outcome = bench.run(one_state(**inline(**fields)), given)
    assert (outcome.status, outcome.output) == ("SUCCEEDED", output), outcome.cause


def test_the_item_is_known_inside_an_inline_iteration(bench: Bench) -> None:
    processor = branch("In", Type="Pass", Parameters={"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value"})
    outcome = bench.run(one_state(Type="Map", ItemProcessor=processor), ["a", "b"])
    assert outcome.output == [{"i": 0, "v": "a"}, {"i": 1, "v": "b"}]


@pytest.mark.parametrize("given", [{}, "text", 1, True])
def test_items_that_are_no_array(bench: Bench, given: Any) -> None:
    outcome = bench.run(one_state(**inline(ItemsPath="$.a")), {"a": given})
    assert outcome.error == "States.Runtime"
    assert (outcome.cause or "").endswith('Reference path "$.a" must point to array.')


def test_an_iteration_that_fails_ends_the_others(bench: Bench) -> None:
    choice = {
        "Type": "Choice",
        "Choices": [{"Variable": "$", "NumericEquals": 1, "Next": "Bad"}],
        "Default": "Good",
    }
    states = {
        "Pick": choice,
        "Bad": {"Type": "Fail", "Error": "E"},
        "Good": {"Type": "Wait", "Seconds": 50, "End": True},
    }
    outcome = bench.run(one_state(Type="Map", ItemProcessor={"StartAt": "Pick", "States": states}), [0, 1, 2])
    assert (outcome.status, outcome.error) == ("FAILED", "E")
    assert outcome.details("MapIterationFailed") == [{"name": "Only", "index": 1}]
    assert {each["index"] for each in outcome.details("MapIterationAborted")} >= {0}
    assert outcome.kinds[-2:] == ["MapStateFailed", "ExecutionFailed"]


def test_a_failed_map_points_back_as_on_aws(bench: Bench) -> None:
    outcome = bench.run(one_state(Type="Map", ItemProcessor=branch("Bad", Type="Fail", Error="E")), [1])
    assert outcome.shape()[4:] == [
        (5, 4, "FailStateEntered"),
        (6, 5, "MapIterationFailed"),
        (7, 5, "MapStateFailed"),
        (8, 7, "ExecutionFailed"),
    ]


def side_by_side(bench: Bench, fields: dict[str, Any], items: int, wanted: int) -> int:
    """How many iterations ran at once, when the first `wanted` of them wait for one another."""
    meet = threading.Barrier(wanted)
    at_once, most, lock = 0, 0, threading.Lock()

    def function(payload: Any) -> Any:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        if payload < items - items % wanted:
            meet.wait(20)
        with lock:
            at_once -= 1
        return payload

    bench.cloud.functions["f"] = function
    state = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": branch("In", **invoke("f")), **fields}
    outcome = bench.run(one_state(**state), {"items": list(range(items)), "most": fields.get("_", 3)})
    assert outcome.status == "SUCCEEDED", outcome.cause
    return most


@pytest.mark.parametrize("fields", [{"MaxConcurrency": 3}, {"MaxConcurrencyPath": "$.most"}])
def test_as_many_at_once_as_asked_for(bench: Bench, fields: dict[str, Any]) -> None:
    assert side_by_side(bench, fields, items=9, wanted=3) == 3


@pytest.mark.parametrize("fields", [{}, {"MaxConcurrency": 0}, {"MaxConcurrency": 60}])
def test_an_inline_map_has_forty_at_once_at_most(bench: Bench, fields: dict[str, Any]) -> None:
    arn = bench.start(one_state(Type="Map", ItemProcessor=branch("W", Type="Wait", Seconds=9), **fields), [0] * 80)
    bench.clock.until_asked(INLINE_MAP_CONCURRENCY)
    started = [event for event in bench.events(arn) if event["type"] == "MapIterationStarted"]
    assert len(started) == INLINE_MAP_CONCURRENCY
    bench.clock.advance(9)
    bench.clock.until_asked(80)
    bench.clock.advance(9)
    assert bench.ended(arn).status == "SUCCEEDED"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("NoNumber", 'The MaxConcurrencyPath field refers to value "NoNumber" which is not a valid integer: $.m'),
        ({}, 'The MaxConcurrencyPath field refers to value "{}" which is not a valid integer: $.m'),
        (1.5, "not a valid integer"),
        (-1, "negative"),
    ],
)
def test_a_concurrency_that_is_no_number(bench: Bench, value: Any, words: str) -> None:
    outcome = bench.run(one_state(**inline(ItemsPath="$.a", MaxConcurrencyPath="$.m")), {"a": [1], "m": value})
    assert outcome.error == "States.Runtime"
    assert words in (outcome.cause or "")
    assert outcome.kinds[-2:] == ["MapStateEntered", "ExecutionFailed"]


def test_a_thousand_items_one_after_the_other_need_no_deep_stack(bench: Bench) -> None:
    outcome = bench.run(one_state(**inline(MaxConcurrency=1, ItemsPath="$.a")), {"a": list(range(1500))})
    assert outcome.output == list(range(1500))

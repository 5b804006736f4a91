"""The Distributed Map: reading items, children with histories of their own, tolerated failures."""

import json
import threading
from typing import Any

import pytest

from tests.unit.fakes.stepfunctions import MACHINE_ARN, ROLE, Bench, failed, invoke, one_state

CHILD_MACHINE = f"{MACHINE_ARN}/Clients"


def distributed(state: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    inner = state or {"Type": "Pass"}
    ends = {} if inner["Type"] == "Fail" else {"End": True}
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "In",
        "States": {"In": {**inner, **ends}},
    }
    return {"Type": "Map", "Label": "Clients", "ItemProcessor": processor, **fields}


def reader(**config: Any) -> dict[str, Any]:
    return {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON", **config},
        "Parameters": {"Bucket": "runs", "Key.$": "$.key"},
    }


def fails_on(*bad: Any) -> Any:
    def function(payload: Any) -> Any:
        if payload in bad:
            raise failed("E")
        return payload

    return function


def children(bench: Bench, arn: str) -> list[dict[str, Any]]:
    """The executions of the only map run of an execution, in the order of their items."""
    (run,) = bench.api.call("ListMapRuns", {"executionArn": arn})[1]["mapRuns"]
    listed = bench.api.call("ListExecutions", {"mapRunArn": run["mapRunArn"], "maxResults": 1000})[1]["executions"]
    return [bench.api.call("DescribeExecution", {"executionArn": each["executionArn"]})[1] for each in reversed(listed)]


def map_run(bench: Bench, arn: str) -> dict[str, Any]:
    (run,) = bench.api.call("ListMapRuns", {"executionArn": arn})[1]["mapRuns"]
    return bench.api.call("DescribeMapRun", {"mapRunArn": run["mapRunArn"]})[1]


def test_items_from_an_object_in_s3(bench: Bench) -> None:
    bench.cloud.objects["runs", "batches.json"] = json.dumps([{"n": 1}, {"n": 2}]).encode()
    state = distributed(
        ItemReader=reader(), ItemSelector={"n.$": "$$.Map.Item.Value.n", "i.$": "$$.Map.Item.Index", "r.$": "$.round"}
    )
    outcome = bench.run(one_state(**state), {"key": "batches.json", "round": 3})
    assert outcome.output == [{"n": 1, "i": 0, "r": 3}, {"n": 2, "i": 1, "r": 3}]
    assert bench.cloud.reads == [("runs", "batches.json", ROLE)]
    assert outcome.shape() == [
        (1, 0, "ExecutionStarted"),
        (2, 0, "MapStateEntered"),
        (3, 2, "MapStateStarted"),
        (4, 3, "MapRunStarted"),
        (5, 4, "MapRunSucceeded"),
        (6, 5, "MapStateSucceeded"),
        (7, 5, "MapStateExited"),
        (8, 7, "ExecutionSucceeded"),
    ], "children are not in the parent's history"
    assert outcome.details("MapStateStarted") == [{"length": 0}]
    run_arn = outcome.details("MapRunStarted")[0]["mapRunArn"]
    assert run_arn.startswith("arn:aws:states:eu-west-1:123456789012:mapRun:Machine/Clients:")


def test_items_from_the_input(bench: Bench) -> None:
    outcome = bench.run(one_state(**distributed(ItemsPath="$.a")), {"a": [3, 4]})
    assert outcome.output == [3, 4]
    assert outcome.details("MapStateStarted") == [{"length": 2}]


@pytest.mark.parametrize(
    ("config", "given", "items"), [({"MaxItems": 2}, 0, 2), ({"MaxItems": 0}, 0, 3), ({"MaxItemsPath": "$.m"}, 1, 1)]
)
def test_only_so_many_items(bench: Bench, config: dict[str, Any], given: int, items: int) -> None:
    bench.cloud.objects["runs", "k"] = b"[1, 2, 3]"
    outcome = bench.run(one_state(**distributed(ItemReader=reader(**config))), {"key": "k", "m": given})
    assert outcome.output == [1, 2, 3][:items]


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (None, "The specified key does not exist."),
        (b'{"a": 1}', "Attempting to map over non-iterable node."),
        (b"[1,", "s3://runs/k is no JSON"),
    ],
)
def test_items_that_cannot_be_read(bench: Bench, body: bytes | None, cause: str) -> None:
    if body is not None:
        bench.cloud.objects["runs", "k"] = body
    outcome = bench.run(one_state(**distributed(ItemReader=reader())), {"key": "k"})
    assert (outcome.status, outcome.error) == ("FAILED", "States.ItemReaderFailed")
    assert (outcome.cause or "").startswith(cause)
    assert outcome.shape()[3:] == [
        (4, 3, "MapRunStarted"),
        (5, 4, "MapRunFailed"),
        (6, 5, "MapStateFailed"),
        (7, 6, "ExecutionFailed"),
    ]
    assert outcome.details("MapRunFailed") == [{"error": outcome.error, "cause": outcome.cause}]
    assert map_run(bench, outcome.arn)["status"] == "FAILED"


def test_an_unread_map_is_caught_and_tried_again(bench: Bench) -> None:
    state = distributed(
        ItemReader=reader(),
        Retry=[{"ErrorEquals": ["States.ItemReaderFailed"], "MaxAttempts": 1}],
        Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Caught", "ResultPath": "$.why"}],
    )
    machine = {"StartAt": "M", "States": {"M": {**state, "End": True}, "Caught": {"Type": "Succeed"}}}
    arn = bench.start(machine, {"key": "k"})
    bench.clock.until_asked(1)
    bench.clock.advance(1)
    outcome = bench.ended(arn)
    assert outcome.output["why"]["Error"] == "States.ItemReaderFailed"
    assert outcome.kinds.count("MapRunStarted") == 2


def test_a_child_is_an_execution_of_its_own(bench: Bench) -> None:
    bench.cloud.functions["f"] = lambda payload: payload
    inner = invoke("f", Parameters={"FunctionName": "f", "Payload": {"context.$": "$$", "item.$": "$"}})
    outcome = bench.run(one_state(**distributed(inner, ResultPath=None)), [{"x": 1}])
    (child,) = children(bench, outcome.arn)
    assert child["executionArn"] == f"{CHILD_MACHINE.replace('stateMachine', 'execution')}:{child['name']}"
    assert child["stateMachineArn"] == CHILD_MACHINE
    assert child["mapRunArn"] == outcome.details("MapRunStarted")[0]["mapRunArn"]
    assert json.loads(child["input"]) == {"x": 1}
    assert [event["type"] for event in bench.events(child["executionArn"])] == [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]
    (call,) = bench.cloud.calls
    assert call.role == ROLE
    context = call.payload["context"]
    assert context["Execution"]["Id"] == child["executionArn"]
    assert context["Execution"]["Input"] == {"x": 1}
    assert context["StateMachine"] == {"Id": CHILD_MACHINE, "Name": "Machine/Clients"}
    assert "Map" not in context
    reply = bench.api.call("DescribeStateMachineForExecution", {"executionArn": child["executionArn"]})[1]
    assert (reply["label"], reply["mapRunArn"]) == ("Clients", child["mapRunArn"])


def test_a_label_of_its_own_is_the_same_each_time(bench: Bench) -> None:
    state = distributed()
    del state["Label"]
    labels = set()
    for _ in range(2):
        outcome = bench.run(one_state(**state), [1])
        labels.add(outcome.details("MapRunStarted")[0]["mapRunArn"].rsplit(":", 1)[0])
    assert len(labels) == 1


def test_no_items(bench: Bench) -> None:
    outcome = bench.run(one_state(**distributed()), [])
    assert (outcome.status, outcome.output) == ("SUCCEEDED", [])
    assert map_run(bench, outcome.arn)["itemCounts"]["total"] == 0


# --- failures


@pytest.mark.parametrize(
    ("fields", "given", "failures", "fails"),
    [
        ({}, {}, 1, True),
        ({}, {}, 0, False),
        ({"ToleratedFailureCount": 2}, {}, 2, False),
        ({"ToleratedFailureCount": 2}, {}, 3, True),
        ({"ToleratedFailureCount": 0}, {}, 1, True),
        ({"ToleratedFailureCountPath": "$.t"}, {"t": 1}, 1, False),
        ({"ToleratedFailurePercentage": 25}, {}, 1, False),
        ({"ToleratedFailurePercentage": 25}, {}, 2, True),
        ({"ToleratedFailurePercentage": 0}, {}, 1, True),
        ({"ToleratedFailurePercentage": 100}, {}, 4, False),
        ({"ToleratedFailurePercentagePath": "$.t"}, {"t": 50.5}, 2, False),
        ({"ToleratedFailurePercentagePath": "$.t"}, {"t": 49}, 2, True),
        ({"ToleratedFailureCount": 3, "ToleratedFailurePercentage": 25}, {}, 2, True),
        ({"ToleratedFailureCount": 1, "ToleratedFailurePercentage": 100}, {}, 2, True),
    ],
)
def test_failures_are_tolerated_up_to_a_point(
    bench: Bench, fields: dict[str, Any], given: dict[str, Any], failures: int, fails: bool
) -> None:
    bench.cloud.functions["f"] = fails_on(*range(failures))
    state = distributed(invoke("f", OutputPath="$.Payload"), ItemsPath="$.a", MaxConcurrency=1, **fields)
    outcome = bench.run(one_state(**state), {"a": [0, 1, 2, 3], **given})
    if fails:
        assert (outcome.status, outcome.error) == ("FAILED", "States.ExceedToleratedFailureThreshold")
        assert outcome.cause == "The specified tolerated failure threshold was exceeded"
        assert outcome.kinds[-3:] == ["MapRunFailed", "MapStateFailed", "ExecutionFailed"]
    else:
        assert (outcome.status, outcome.output) == ("SUCCEEDED", list(range(failures, 4)))
        counts = map_run(bench, outcome.arn)["itemCounts"]
        assert (counts["total"], counts["failed"], counts["succeeded"]) == (4, failures, 4 - failures)


def test_what_no_child_can_catch_is_tolerated_by_the_map(bench: Bench) -> None:
    inner = {"Type": "Pass", "Parameters": {"x.$": "$.x"}}
    state = distributed(inner, ItemsPath="$.a", ToleratedFailurePercentage=100, ResultPath=None)
    outcome = bench.run(one_state(**state), {"a": [{"x": 1}, {}, {"x": "y" * 10}]})
    assert outcome.status == "SUCCEEDED"
    assert [child["status"] for child in children(bench, outcome.arn)].count("FAILED") == 1
    assert map_run(bench, outcome.arn)["executionCounts"]["failed"] == 1


def test_too_many_failures_end_the_children_that_run(bench: Bench) -> None:
    choice = {"Type": "Choice", "Choices": [{"Variable": "$", "NumericEquals": 1, "Next": "Bad"}], "Default": "Long"}
    state = distributed()
    state["ItemProcessor"] |= {
        "StartAt": "Pick",
        "States": {"Pick": choice, "Bad": {"Type": "Fail"}, "Long": {"Type": "Wait", "Seconds": 9, "End": True}},
    }
    outcome = bench.run(one_state(**state), [0, 1, 0])
    assert outcome.error == "States.ExceedToleratedFailureThreshold"
    assert sorted(child["status"] for child in children(bench, outcome.arn)) in (
        ["ABORTED", "ABORTED", "FAILED"],
        ["ABORTED", "FAILED"],
    )


@pytest.mark.parametrize(
    ("fields", "value", "words"),
    [
        ({"ToleratedFailureCountPath": "$.t"}, "x", 'CountPath field refers to value "x" which is not a valid integer: $.t'),
        ({"ToleratedFailureCountPath": "$.t"}, -1, "ToleratedFailureCount cannot be negative."),
        ({"ToleratedFailurePercentagePath": "$.t"}, {}, 'refers to value "{}" which is not a valid float: $.t'),
        ({"ToleratedFailurePercentagePath": "$.t"}, 100.1, "ToleratedFailurePercentage must be between 0 and 100."),
    ],
)  # fmt: skip
def test_a_tolerance_that_is_none(bench: Bench, fields: dict[str, Any], value: Any, words: str) -> None:
    outcome = bench.run(one_state(**distributed(ItemsPath="$.a", **fields)), {"a": [1], "t": value})
    assert outcome.error == "States.Runtime"
    assert (outcome.cause or "").endswith(words)
    assert outcome.kinds[-2:] == ["MapStateStarted", "ExecutionFailed"]


def test_a_selector_that_finds_nothing_fails_the_map(bench: Bench) -> None:
    state = distributed(ItemsPath="$.a", ItemSelector={"x.$": "$.x"}, ToleratedFailurePercentage=100)
    outcome = bench.run(one_state(**state), {"a": [1]})
    assert outcome.error == "States.Runtime"
    assert "'x.$' could not be found" in (outcome.cause or "")


def test_outputs_that_do_not_fit_together(bench: Bench) -> None:
    state = distributed({"Type": "Pass", "Result": "x" * 100_000}, ItemsPath="$.a")
    outcome = bench.run(one_state(**state), {"a": [1, 2, 3]})
    assert outcome.error == "States.DataLimitExceeded"
    kept = bench.run(one_state(**{**state, "ResultPath": None}), {"a": [1, 2, 3]})
    assert kept.output == {"a": [1, 2, 3]}


# --- many items, few at a time


@pytest.mark.parametrize("most", [1, 7])
def test_never_more_children_at_once_than_asked_for(bench: Bench, most: int) -> None:
    at_once, highest, lock = 0, 0, threading.Lock()
    meet = threading.Barrier(most)

    def function(payload: Any) -> Any:
        nonlocal at_once, highest
        with lock:
            at_once += 1
            highest = max(highest, at_once)
        meet.wait(20)
        with lock:
            at_once -= 1
        return payload

    bench.cloud.functions["f"] = function
    state = distributed(invoke("f"), ItemsPath="$.a", MaxConcurrencyPath="$.m", ResultPath=None)
    outcome = bench.run(one_state(**state), {"a": list(range(most * 6)), "m": most})
    assert outcome.status == "SUCCEEDED"
    assert highest == most


def test_ten_thousand_items(bench: Bench) -> None:
    bench.cloud.objects["runs", "k"] = json.dumps(list(range(10_000))).encode()
    state = distributed({"Type": "Pass", "Result": {}}, ItemReader=reader(), MaxConcurrencyPath="$.m", ResultPath=None)
    outcome = bench.run(one_state(**state), {"key": "k", "m": 50})
    assert outcome.status == "SUCCEEDED", outcome.cause
    assert map_run(bench, outcome.arn)["itemCounts"]["succeeded"] == 10_000
    assert len(outcome.events) == 8


def test_stopping_the_parent_stops_the_map_run_and_its_children(bench: Bench) -> None:
    arn = bench.start(one_state(**distributed({"Type": "Wait", "Seconds": 99})), [1, 2])
    bench.clock.until_asked(2)
    assert map_run(bench, arn)["itemCounts"]["running"] == 2
    child = children(bench, arn)[0]["executionArn"]
    assert bench.api.call("StopExecution", {"executionArn": child})[1]["__type"] == "ValidationException"
    bench.engine.stop(arn)
    bench.engine.close()
    again = Bench(bench.journal)
    try:
        assert again.ended(arn).kinds[-1] == "ExecutionAborted"
        run = map_run(again, arn)
        assert (run["status"], run["itemCounts"]["aborted"]) == ("ABORTED", 2)
    finally:
        again.engine.close()

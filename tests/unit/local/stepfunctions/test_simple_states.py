"""Pass, Choice, Wait, Succeed, Fail: their data, their events, their errors."""

from typing import Any

import pytest

from tests.unit.fakes.stepfunctions import MACHINE_ARN, ROLE, Bench, chain, one_state


def test_a_history_is_numbered_and_linked(bench: Bench) -> None:
    outcome = bench.run(chain(A={"Type": "Pass", "Result": {"x": 1}}, B={"Type": "Succeed"}), {"in": 0})
    assert outcome.status == "SUCCEEDED"
    assert outcome.output == {"x": 1}
    assert outcome.shape() == [
        (1, 0, "ExecutionStarted"),
        (2, 0, "PassStateEntered"),
        (3, 2, "PassStateExited"),
        (4, 3, "SucceedStateEntered"),
        (5, 4, "SucceedStateExited"),
        (6, 5, "ExecutionSucceeded"),
    ]
    whole = {"truncated": False}
    assert outcome.details("ExecutionStarted") == [{"input": '{"in": 0}', "inputDetails": whole, "roleArn": ROLE}]
    assert outcome.details("PassStateEntered") == [{"name": "A", "input": '{"in": 0}', "inputDetails": whole}]
    assert outcome.details("PassStateExited") == [{"name": "A", "output": '{"x":1}', "outputDetails": whole}]
    assert outcome.details("ExecutionSucceeded") == [{"output": '{"x":1}', "outputDetails": whole}]


@pytest.mark.parametrize(
    ("fields", "given", "output"),
    [
        ({}, {"a": 1}, {"a": 1}),
        ({}, [1], [1]),
        ({}, "text", "text"),
        ({}, None, {}),
        ({"Result": None}, {"a": 1}, None),
        ({"Result": {"b.$": "$.a"}}, {"a": 1}, {"b.$": "$.a"}),
        ({"Result": 5, "ResultPath": "$.r"}, {"a": 1}, {"a": 1, "r": 5}),
        ({"Result": 5, "ResultPath": None}, {"a": 1}, {"a": 1}),
        ({"InputPath": "$.a"}, {"a": {"b": 1}}, {"b": 1}),
        ({"InputPath": None}, {"a": 1}, {}),
        ({"InputPath": "$.a", "ResultPath": "$.r"}, {"a": {"b": 1}}, {"a": {"b": 1}, "r": {"b": 1}}),
        ({"InputPath": "$$.Execution.Input"}, {"a": 1}, {"a": 1}),
        ({"OutputPath": "$.a"}, {"a": [1]}, [1]),
        ({"OutputPath": None}, {"a": 1}, {}),
        ({"OutputPath": "$.a[*].b"}, {"a": [{"b": 1}, {}]}, [1]),
        ({"Parameters": {"x.$": "$.a", "y": 1}}, {"a": 2}, {"x": 2, "y": 1}),
        ({"InputPath": "$.a", "Parameters": {"x.$": "$.b"}, "ResultPath": "$.r", "OutputPath": "$.r.x"}, {"a": {"b": 9}}, 9),
    ],
)  # fmt: skip
def test_pass_moves_its_data(bench: Bench, fields: dict[str, Any], given: Any, output: Any) -> None:
    outcome = bench.run(one_state(Type="Pass", **fields), given)
    assert (outcome.status, outcome.output) == ("SUCCEEDED", output), outcome.cause


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"InputPath": "$.x.y"}, "Invalid path '$.x.y' : No results for path: $['x']['y']"),
        ({"OutputPath": "$.x"}, "Invalid path '$.x' : No results for path: $['x']"),
        (
            {"Parameters": {"v.$": "$.x"}},
            "The JSONPath '$.x' specified for the field 'v.$' could not be found in the input '{\"a\":1}'",
        ),
    ],
)
def test_a_path_that_points_nowhere_is_a_runtime_error(bench: Bench, fields: dict[str, Any], cause: str) -> None:
    outcome = bench.run(one_state(Type="Pass", **fields), {"a": 1})
    assert (outcome.status, outcome.error) == ("FAILED", "States.Runtime")
    assert outcome.cause == f"An error occurred while executing the state 'Only' (entered at the event id #2). {cause}"
    assert outcome.shape()[-1] == (3, 2, "ExecutionFailed")
    assert outcome.details("ExecutionFailed") == [{"error": outcome.error, "cause": outcome.cause}]


def test_a_result_path_that_does_not_fit(bench: Bench) -> None:
    outcome = bench.run(one_state(Type="Pass", ResultPath="$.a"), [1])
    assert (outcome.status, outcome.error) == ("FAILED", "States.ResultPathMatchFailure")


def test_an_intrinsic_function_that_fails(bench: Bench) -> None:
    outcome = bench.run(one_state(Type="Pass", Parameters={"v.$": "States.ArrayGetItem($.a, 3)"}), {"a": [1]})
    assert (outcome.status, outcome.error) == ("FAILED", "States.IntrinsicFailure")


def test_the_context_object(bench: Bench) -> None:
    outcome = bench.run(one_state(Type="Pass", Parameters={"c.$": "$$"}), {"a": 1})
    context = outcome.output["c"]
    started, entered = context["Execution"].pop("StartTime"), context["State"].pop("EnteredTime")
    assert started == entered == "2023-11-14T22:13:20.000Z"
    assert context == {
        "Execution": {
            "Id": outcome.arn,
            "Input": {"a": 1},
            "Name": outcome.arn.rsplit(":", 1)[1],
            "RoleArn": ROLE,
            "RedriveCount": 0,
        },
        "StateMachine": {"Id": MACHINE_ARN, "Name": "Machine"},
        "State": {"Name": "Only"},
    }


CHOICE = {
    "Type": "Choice",
    "InputPath": "$.in",
    "OutputPath": "$.keep",
    "Choices": [
        {"Variable": "$.n", "NumericGreaterThan": 1, "Next": "Big"},
        {"Variable": "$.n", "NumericGreaterThan": 0, "Next": "Small"},
    ],
}
BRANCHES = {"Big": {"Type": "Pass", "Parameters": {"big.$": "$"}, "End": True}, "Small": {"Type": "Succeed"}}


def test_the_first_rule_that_holds_counts(bench: Bench) -> None:
    machine = {"StartAt": "Pick", "States": {"Pick": CHOICE, **BRANCHES}}
    assert bench.run(machine, {"in": {"n": 2, "keep": "k"}}).output == {"big": "k"}
    outcome = bench.run(machine, {"in": {"n": 1, "keep": "k"}})
    assert outcome.output == "k"
    assert outcome.kinds[1:3] == ["ChoiceStateEntered", "ChoiceStateExited"]


def test_no_rule_holds(bench: Bench) -> None:
    machine = {"StartAt": "Pick", "States": {"Pick": CHOICE, **BRANCHES}}
    outcome = bench.run(machine, {"in": {"n": 0, "keep": "k"}})
    assert (outcome.status, outcome.error) == ("FAILED", "States.NoChoiceMatched")
    machine = {"StartAt": "Pick", "States": {"Pick": {**CHOICE, "Default": "Small"}, **BRANCHES}}
    assert bench.run(machine, {"in": {"n": 0, "keep": "k"}}).output == "k"


def test_a_choice_about_nothing_is_a_runtime_error(bench: Bench) -> None:
    machine = {"StartAt": "Pick", "States": {"Pick": CHOICE, **BRANCHES}}
    outcome = bench.run(machine, {"in": {}})
    assert outcome.error == "States.Runtime"
    assert outcome.cause is not None
    assert "Invalid path '$.n'" in outcome.cause


@pytest.mark.parametrize(
    ("fields", "given", "seconds"),
    [
        ({"Seconds": 7}, {}, 7),
        ({"SecondsPath": "$.s"}, {"s": 8}, 8),
        ({"Timestamp": "2023-11-14T22:13:29Z"}, {}, 9),
        ({"TimestampPath": "$.t"}, {"t": "2023-11-14T23:13:30.500+01:00"}, 10.5),
    ],
)
def test_wait(bench: Bench, fields: dict[str, Any], given: Any, seconds: float) -> None:
    arn = bench.start(one_state(Type="Wait", **fields), given)
    bench.clock.until_asked(1)
    assert bench.clock.asked == [seconds]
    bench.clock.advance(seconds - 0.25)
    assert bench.engine.describe(arn).status == "RUNNING"
    assert [event["type"] for event in bench.events(arn)] == ["ExecutionStarted", "WaitStateEntered"]
    bench.clock.advance(0.25)
    outcome = bench.ended(arn)
    assert (outcome.status, outcome.output) == ("SUCCEEDED", given)
    assert outcome.kinds[-2:] == ["WaitStateExited", "ExecutionSucceeded"]


@pytest.mark.parametrize("fields", [{"Seconds": 0}, {"Timestamp": "2001-01-01T00:00:00Z"}])
def test_a_wait_that_is_over(bench: Bench, fields: dict[str, Any]) -> None:
    assert bench.run(one_state(Type="Wait", **fields)).status == "SUCCEEDED"
    assert bench.clock.asked == []


@pytest.mark.parametrize(
    ("fields", "value", "words"),
    [
        ({"SecondsPath": "$.v"}, 1.5, "The SecondsPath parameter cannot be parsed as a long value: $.v == 1.5"),
        ({"SecondsPath": "$.v"}, "1", "cannot be parsed as a long value"),
        ({"SecondsPath": "$.v"}, -1, "The SecondsPath parameter references a negative value: $.v == -1"),
        ({"SecondsPath": "$.v"}, 10**9, "Wait state delay is too long."),
        ({"TimestampPath": "$.v"}, "2016-12-05T21:29:29", "does not reference a valid ISO-8601"),
        ({"TimestampPath": "$.v"}, "2016-13-05T21:29:29Z", "$.v == 2016-13-05T21:29:29Z"),
        ({"TimestampPath": "$.v"}, 5, "$.v == 5"),
    ],
)
def test_a_wait_for_nonsense_is_a_runtime_error(bench: Bench, fields: dict[str, Any], value: Any, words: str) -> None:
    outcome = bench.run(one_state(Type="Wait", **fields), {"v": value})
    assert outcome.error == "States.Runtime"
    assert outcome.cause is not None
    assert words in outcome.cause


@pytest.mark.parametrize(
    ("fields", "error", "cause"),
    [
        ({}, None, None),
        ({"Error": "E", "Cause": "because"}, "E", "because"),
        ({"ErrorPath": "$.e", "CausePath": "$.c"}, "Boom", "of it"),
        ({"ErrorPath": "$$.State.Name", "CausePath": "States.Format('{}: {}', $.e, $.c)"}, "Only", "Boom: of it"),
    ],
)
def test_fail(bench: Bench, fields: dict[str, Any], error: str | None, cause: str | None) -> None:
    outcome = bench.run(one_state(Type="Fail", **fields), {"e": "Boom", "c": "of it"})
    assert (outcome.status, outcome.error, outcome.cause) == ("FAILED", error, cause)
    assert outcome.shape()[1:] == [(2, 0, "FailStateEntered"), (3, 2, "ExecutionFailed")]


@pytest.mark.parametrize(
    ("path", "words"), [("$.n", "must refer to a string"), ("$.x", "'ErrorPath' could not be found")]
)
def test_a_failure_that_cannot_be_named(bench: Bench, path: str, words: str) -> None:
    outcome = bench.run(one_state(Type="Fail", ErrorPath=path), {"n": 1})
    assert outcome.error == "States.Runtime"
    assert outcome.cause is not None
    assert words in outcome.cause

"""The Task state: what it sends, what it makes of answers, errors and time-outs."""

import json
import threading
from typing import Any

import pytest

from edgetrain import limits
from tests.unit.fakes.stepfunctions import (
    FUNCTION_ARN,
    ROLE,
    Bench,
    Call,
    FunctionFailed,
    ServiceError,
    chain,
    invoke,
    one_state,
)

DIRECT = {"Type": "Task", "Resource": FUNCTION_ARN + "f"}


def raises(error: Exception) -> Any:
    def function(payload: Any) -> Any:
        raise error

    return function


def test_invoke_sends_the_payload_with_the_machines_role(bench: Bench) -> None:
    bench.cloud.functions["f"] = lambda payload: {"got": payload}
    outcome = bench.run(
        one_state(**invoke("f", Parameters={"FunctionName.$": "$.name", "Payload": {"x.$": "$.v"}})),
        {"name": "f", "v": 1},
    )
    assert bench.cloud.calls == [Call("f", {"x": 1}, ROLE)]
    answer = outcome.output
    request_id = answer["SdkResponseMetadata"]["RequestId"]
    assert answer["Payload"] == {"got": {"x": 1}}
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert answer["SdkHttpMetadata"]["HttpStatusCode"] == 200
    assert answer["SdkHttpMetadata"]["HttpHeaders"]["x-amzn-RequestId"] == request_id
    assert answer["SdkHttpMetadata"]["AllHttpHeaders"]["x-amzn-RequestId"] == [request_id]
    assert outcome.shape() == [
        (1, 0, "ExecutionStarted"),
        (2, 0, "TaskStateEntered"),
        (3, 2, "TaskScheduled"),
        (4, 3, "TaskStarted"),
        (5, 4, "TaskSucceeded"),
        (6, 5, "TaskStateExited"),
        (7, 6, "ExecutionSucceeded"),
    ]
    named = {"resourceType": "lambda", "resource": "invoke"}
    assert outcome.details("TaskScheduled") == [
        {**named, "region": "eu-west-1", "parameters": '{"FunctionName":"f","Payload":{"x":1}}'}
    ]
    assert outcome.details("TaskStarted") == [named]
    succeeded = outcome.details("TaskSucceeded")[0]
    assert json.loads(succeeded.pop("output")) == answer
    assert succeeded == {**named, "outputDetails": {"truncated": False}}


def test_invoke_without_a_payload_sends_an_empty_object(bench: Bench) -> None:
    bench.cloud.functions["f"] = lambda payload: payload
    outcome = bench.run(one_state(**invoke("f", Parameters={"FunctionName": "f"}, OutputPath="$.Payload")), {"v": 1})
    assert outcome.output == {}


def test_a_function_by_its_arn_gives_its_bare_answer(bench: Bench) -> None:
    bench.cloud.functions[FUNCTION_ARN + "f"] = lambda payload: [payload]
    outcome = bench.run(one_state(**DIRECT, TimeoutSeconds=60), {"v": 1})
    assert outcome.output == [{"v": 1}]
    assert bench.cloud.calls == [Call(FUNCTION_ARN + "f", {"v": 1}, ROLE)]
    assert outcome.kinds[2:5] == ["LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded"]
    assert outcome.details("LambdaFunctionScheduled") == [
        {
            "resource": FUNCTION_ARN + "f",
            "input": '{"v":1}',
            "inputDetails": {"truncated": False},
            "timeoutInSeconds": 60,
        }
    ]
    assert outcome.details("LambdaFunctionStarted") == [{}]


@pytest.mark.parametrize("answer", [None, "text", 0, 1.5, True, [], {"a": None}])
def test_any_json_is_an_answer(bench: Bench, answer: Any) -> None:
    bench.cloud.functions["f"] = lambda payload: answer
    assert bench.run(one_state(**invoke("f", OutputPath="$.Payload"))).output == answer


def test_results_are_selected_placed_and_filtered(bench: Bench) -> None:
    bench.cloud.functions["f"] = lambda payload: {"loss": 0.5, "rest": 1}
    selector = {"loss.$": "$.Payload.loss", "state.$": "$$.State.Name"}
    outcome = bench.run(
        one_state(**invoke("f", ResultSelector=selector, ResultPath="$.trained", OutputPath="$.trained")),
        {"round": 1},
    )
    assert outcome.output == {"loss": 0.5, "state": "Only"}
    kept = bench.run(one_state(**invoke("f", ResultPath=None)), {"round": 1})
    assert kept.output == {"round": 1}


# --- errors


def test_a_function_error_has_the_payloads_type_and_text(bench: Bench) -> None:
    payload = {"errorMessage": "no", "errorType": "UpdateMissing", "stackTrace": ["é"]}
    bench.cloud.functions["f"] = raises(FunctionFailed(payload))
    outcome = bench.run(one_state(**invoke("f")))
    assert (outcome.status, outcome.error) == ("FAILED", "UpdateMissing")
    assert json.loads(outcome.cause or "") == payload
    assert outcome.shape()[-2:] == [(5, 4, "TaskFailed"), (6, 5, "ExecutionFailed")]
    assert outcome.details("TaskFailed") == [
        {"resourceType": "lambda", "resource": "invoke", "error": "UpdateMissing", "cause": outcome.cause}
    ]


@pytest.mark.parametrize(
    "payload", [{"errorMessage": "Task timed out after 3.00 seconds"}, "killed", None, {"errorType": ""}]
)
def test_a_function_error_without_a_type_is_unknown(bench: Bench, payload: Any) -> None:
    bench.cloud.functions["f"] = raises(FunctionFailed(payload))
    outcome = bench.run(one_state(**invoke("f")))
    assert outcome.error == "Lambda.Unknown"
    assert outcome.cause == (
        "The cause could not be determined because Lambda did not return an error type. "
        f"Returned payload: {json.dumps(payload)}"
    )


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("TooManyRequestsException", "Lambda.TooManyRequestsException"),
        ("ServiceException", "Lambda.ServiceException"),
        ("ResourceNotFoundException", "Lambda.ResourceNotFoundException"),
        ("AccessDeniedException", "Lambda.AWSLambdaException"),
    ],
)
def test_lambdas_own_refusals_are_named_after_it(bench: Bench, code: str, error: str) -> None:
    refusal = raises(ServiceError(code, "Not now", status_code=429))
    bench.cloud.functions |= {"f": refusal, FUNCTION_ARN + "f": refusal}
    for state, failed_kind in ((invoke("f"), "TaskFailed"), (DIRECT, "LambdaFunctionFailed")):
        outcome = bench.run(one_state(**state))
        assert outcome.error == error
        assert (outcome.cause or "").startswith(f"Not now (Service: AWSLambda; Status Code: 429; Error Code: {code}; ")
        assert outcome.kinds[-2] == failed_kind


def test_a_broken_cloud_is_a_client_error(bench: Bench) -> None:
    bench.cloud.functions["f"] = raises(OSError("no socket"))
    outcome = bench.run(one_state(**invoke("f")))
    assert (outcome.error, outcome.cause) == ("Lambda.SdkClientException", "OSError: no socket")


def test_a_result_selector_that_finds_nothing_cannot_be_caught(bench: Bench) -> None:
    bench.cloud.functions["f"] = lambda payload: {}
    task = invoke("f", ResultSelector={"x.$": "$.Payload.x"}, Retry=[{"ErrorEquals": ["States.ALL"]}])
    task["Catch"] = [{"ErrorEquals": ["States.Runtime"], "Next": "B"}, {"ErrorEquals": ["States.ALL"], "Next": "B"}]
    outcome = bench.run({"StartAt": "A", "States": {"A": {**task, "End": True}, "B": {"Type": "Succeed"}}})
    assert (outcome.status, outcome.error) == ("FAILED", "States.Runtime")
    assert outcome.kinds[-2:] == ["TaskSucceeded", "ExecutionFailed"]
    assert len(bench.cloud.calls) == 1


def test_a_function_name_must_be_a_string(bench: Bench) -> None:
    outcome = bench.run(one_state(**invoke("f", Parameters={"FunctionName.$": "$.n"})), {"n": 1})
    assert outcome.error == "States.Runtime"


# --- sizes


@pytest.mark.parametrize("direct", [True, False])
def test_an_answer_that_is_too_large(bench: Bench, direct: bool) -> None:
    bench.cloud.functions |= dict.fromkeys(
        ("f", FUNCTION_ARN + "f"), lambda payload: "é" * (limits.STATE_PAYLOAD_BYTES // 2)
    )
    outcome = bench.run(one_state(**(DIRECT if direct else invoke("f"))))
    named = FUNCTION_ARN + "f" if direct else "lambda"
    assert outcome.error == "States.DataLimitExceeded"
    assert outcome.cause == (
        f"The state/task '{named}' returned a result with a size exceeding the maximum number of bytes service limit."
    )
    assert outcome.kinds[-2] == ("LambdaFunctionFailed" if direct else "TaskFailed")


def test_a_states_output_that_is_too_large(bench: Bench) -> None:
    bench.cloud.functions[FUNCTION_ARN + "f"] = lambda payload: "x" * 200_000
    outcome = bench.run(one_state(**DIRECT, ResultPath="$.more"), {"there": "y" * 100_000})
    assert (outcome.status, outcome.error) == ("FAILED", "States.DataLimitExceeded")
    assert outcome.kinds[-2:] == ["LambdaFunctionSucceeded", "ExecutionFailed"]


def test_what_just_fits_is_taken(bench: Bench) -> None:
    text = "x" * (limits.STATE_PAYLOAD_BYTES - 2)
    bench.cloud.functions[FUNCTION_ARN + "f"] = lambda payload: text
    assert bench.run(one_state(**DIRECT)).output == text


# --- time-outs


@pytest.mark.parametrize("direct", [True, False])
@pytest.mark.parametrize("fields", [{"TimeoutSeconds": 5}, {"TimeoutSecondsPath": "$.t"}])
def test_a_task_that_takes_too_long(bench: Bench, direct: bool, fields: dict[str, Any]) -> None:
    release = threading.Event()
    bench.cloud.functions |= dict.fromkeys(("f", FUNCTION_ARN + "f"), lambda payload: release.wait(20))
    state = {**(DIRECT if direct else invoke("f")), **fields}
    arn = bench.start(one_state(**state), {"t": 5})
    bench.clock.until_asked(1)
    assert bench.clock.asked == [5]
    bench.clock.advance(5)
    outcome = bench.ended(arn)
    release.set()
    assert (outcome.status, outcome.error, outcome.cause) == ("FAILED", "States.Timeout", None)
    prefix = "LambdaFunction" if direct else "Task"
    assert outcome.kinds[2:] == [f"{prefix}Scheduled", f"{prefix}Started", f"{prefix}TimedOut", "ExecutionFailed"]
    assert outcome.details(f"{prefix}Scheduled")[0]["timeoutInSeconds"] == 5
    assert outcome.details(f"{prefix}TimedOut")[0]["error"] == "States.Timeout"


def test_a_time_out_is_caught_by_its_name(bench: Bench) -> None:
    release = threading.Event()
    bench.cloud.functions["f"] = lambda payload: release.wait(20)
    catch = [
        {"ErrorEquals": ["States.TaskFailed"], "Next": "Wrong"},
        {"ErrorEquals": ["States.Timeout"], "ResultPath": "$.late", "Next": "Right"},
    ]
    states = {
        "A": invoke("f", TimeoutSeconds=5, Catch=catch, End=True),
        "Right": {"Type": "Succeed"},
        "Wrong": {"Type": "Fail"},
    }
    arn = bench.start({"StartAt": "A", "States": states}, {"v": 1})
    bench.clock.until_asked(1)
    bench.clock.advance(5)
    outcome = bench.ended(arn)
    release.set()
    assert outcome.output == {"v": 1, "late": {"Error": "States.Timeout", "Cause": ""}}


@pytest.mark.parametrize("value", ["5", 1.5, 0, -1, None])
def test_a_time_out_that_is_no_time(bench: Bench, value: Any) -> None:
    outcome = bench.run(one_state(**invoke("f", TimeoutSecondsPath="$.t")), {"t": value})
    assert outcome.error == "States.Runtime"
    assert bench.cloud.calls == []


def test_a_machine_that_takes_too_long(bench: Bench) -> None:
    machine = {**chain(A={"Type": "Wait", "Seconds": 100}), "TimeoutSeconds": 30}
    arn = bench.start(machine)
    bench.clock.until_asked(2)
    assert sorted(bench.clock.asked) == [30, 100]
    bench.clock.advance(30)
    outcome = bench.ended(arn)
    assert (outcome.status, outcome.error, outcome.cause) == ("TIMED_OUT", None, None)
    assert outcome.shape()[-1] == (3, 0, "ExecutionTimedOut")


def test_no_more_calls_at_a_time_than_there_are_threads(bench: Bench, tmp_path: Any) -> None:
    small = Bench(tmp_path / "small.sqlite", calls=2)
    release, at_once, most, lock = threading.Event(), 0, 0, threading.Lock()

    def function(payload: Any) -> Any:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
            if len(small.cloud.calls) >= 2:
                release.set()
        assert release.wait(20)
        with lock:
            at_once -= 1
        return payload

    small.cloud.functions["f"] = function
    branches = [{"StartAt": f"T{n}", "States": {f"T{n}": {**invoke("f"), "End": True}}} for n in range(6)]
    outcome = small.run({"StartAt": "P", "States": {"P": {"Type": "Parallel", "Branches": branches, "End": True}}})
    small.engine.close()
    assert outcome.status == "SUCCEEDED"
    assert most == 2


def test_a_task_that_waits_for_a_thread_has_not_started(tmp_path: Any) -> None:
    bench = Bench(tmp_path / "single.sqlite", calls=1)
    called, release = threading.Event(), threading.Event()

    def function(payload: Any) -> Any:
        called.set()
        assert release.wait(20)
        return payload

    bench.cloud.functions["f"] = function
    branches = [
        {"StartAt": name, "States": {name: {**invoke("f", TimeoutSeconds=5), "End": True}}} for name in ("A", "B")
    ]
    arn = bench.start({"StartAt": "P", "States": {"P": {"Type": "Parallel", "Branches": branches, "End": True}}})
    assert called.wait(20)
    kinds = [event["type"] for event in bench.events(arn)]
    assert (kinds.count("TaskScheduled"), kinds.count("TaskStarted"), bench.clock.asked) == (2, 1, [5])
    release.set()
    assert bench.ended(arn).status == "SUCCEEDED"
    assert bench.clock.asked == [5, 5]
    bench.engine.close()

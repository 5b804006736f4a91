"""`states:startExecution`: started and left, or waited for, stopped with its parent, started once."""

import json
import sqlite3
import threading
from typing import Any

import pytest

from tests.unit.fakes.stepfunctions import MACHINES, ROLE, Bench, Outcome, chain, failed, invoke, one_state

EXECUTIONS = MACHINES.replace(":stateMachine:", ":execution:")
DOUBLES = one_state(Type="Pass", Parameters={"x.$": "States.MathAdd($.x, $.x)"})
WAITS = one_state(Type="Wait", Seconds=50)


def starts(pattern: str = "", name: str | None = "inner", **fields: Any) -> dict[str, Any]:
    named = {} if name is None else {"Name": name}
    return one_state(
        Type="Task",
        Resource=f"arn:aws:states:::states:startExecution{pattern}",
        **{"Parameters": {"StateMachineArn": f"{MACHINES}Inner", "Input": {"x.$": "$.x"}, **named}, **fields},
    )


def run(bench: Bench, inner: dict[str, Any], outer: dict[str, Any]) -> Outcome:
    bench.machine(inner, "Inner")
    return bench.run(outer, {"x": 2})


def test_it_is_started_with_the_machines_role_and_left(bench: Bench) -> None:
    outcome = run(bench, WAITS, starts())
    assert bench.cloud.asked == [
        ("sfn", "startExecution", {"StateMachineArn": f"{MACHINES}Inner", "Input": '{"x":2}', "Name": "inner"}, ROLE)
    ]
    assert outcome.output["ExecutionArn"] == f"{EXECUTIONS}Inner:inner"
    assert outcome.output["StartDate"] == 1_700_000_000_000
    assert outcome.output["SdkHttpMetadata"]["HttpStatusCode"] == 200
    assert outcome.kinds[2:-2] == ["TaskScheduled", "TaskStarted", "TaskSucceeded"]
    assert bench.engine.describe(f"{EXECUTIONS}Inner:inner").status == "RUNNING"


@pytest.mark.parametrize(("pattern", "output"), [(".sync", '{"x":4}'), (".sync:2", {"x": 4})])
def test_it_is_waited_for(bench: Bench, pattern: str, output: Any) -> None:
    outcome = run(bench, DOUBLES, starts(pattern))
    shown = dict(outcome.output)
    assert shown.pop("Input") == ('{"x":2}' if isinstance(output, str) else {"x": 2})
    assert shown == {
        "ExecutionArn": f"{EXECUTIONS}Inner:inner",
        "InputDetails": {"Included": True},
        "Name": "inner",
        "Output": output,
        "OutputDetails": {"Included": True},
        "RedriveCount": 0,
        "StartDate": 1_700_000_000_000,
        "StateMachineArn": f"{MACHINES}Inner",
        "Status": "SUCCEEDED",
        "StopDate": 1_700_000_000_000,
    }
    assert outcome.kinds[2:-2] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]
    (submitted,), (succeeded,) = outcome.details("TaskSubmitted"), outcome.details("TaskSucceeded")
    assert submitted["resourceType"] == succeeded["resourceType"] == "states"
    assert submitted["resource"] == succeeded["resource"] == f"startExecution{pattern}"
    assert json.loads(submitted["output"])["ExecutionArn"] == shown["ExecutionArn"]


def test_its_failure_is_the_tasks(bench: Bench) -> None:
    catch = [{"ErrorEquals": ["States.TaskFailed"], "Next": "Then"}]
    outer = starts(".sync:2", Catch=catch)
    outer["States"]["Then"] = {"Type": "Pass", "End": True}
    outcome = run(bench, one_state(Type="Fail", Error="Mine", Cause="of it"), outer)
    assert outcome.output["Error"] == "States.TaskFailed"
    cause = json.loads(outcome.output["Cause"])
    assert (cause["Status"], cause["Error"], cause["Cause"], cause["Input"]) == ("FAILED", "Mine", "of it", {"x": 2})


def test_a_start_that_is_refused(bench: Bench) -> None:
    assert run(bench, WAITS, starts()).status == "SUCCEEDED"
    other = starts()
    other["States"]["Only"]["Parameters"]["Input"] = {}
    outcome = bench.run(other, {})
    assert outcome.error == "StepFunctions.ExecutionAlreadyExistsException"
    assert "Status Code: 400; Error Code: ExecutionAlreadyExists" in str(outcome.cause)
    missing = starts()
    missing["States"]["Only"]["Parameters"]["StateMachineArn"] = f"{MACHINES}None"
    assert bench.run(missing, {"x": 1}).error == "StepFunctions.StateMachineDoesNotExistException"


def inner_started(bench: Bench, arn: str) -> str:
    """Wait until the outer execution has noted the inner one; its ARN."""
    while "TaskSubmitted" not in [event["type"] for event in bench.events(arn)]:
        threading.Event().wait(0.002)
    submitted = [each["taskSubmittedEventDetails"] for each in bench.events(arn) if each["type"] == "TaskSubmitted"]
    return str(json.loads(submitted[0]["output"])["ExecutionArn"])


def test_stopping_the_outer_one_stops_the_inner_one(bench: Bench) -> None:
    bench.machine(WAITS, "Inner")
    arn = bench.start(starts(".sync"), {"x": 1})
    inner = inner_started(bench, arn)
    bench.engine.stop(arn)
    assert bench.ended(arn).status == "ABORTED"
    assert bench.ended(inner).status == "ABORTED"


def test_stopping_while_the_inner_one_is_being_started(bench: Bench) -> None:
    called, release = threading.Event(), threading.Event()
    start = bench.cloud.services["sfn", "startExecution"]

    def starts_late(parameters: dict[str, Any]) -> dict[str, Any]:
        called.set()
        release.wait(20)
        return start(parameters)

    bench.cloud.services["sfn", "startExecution"] = starts_late
    bench.machine(WAITS, "Inner")
    arn = bench.start(starts(".sync"), {"x": 1})
    assert called.wait(20)
    bench.engine.stop(arn)
    assert bench.ended(arn).status == "ABORTED"
    release.set()
    while bench.engine.ask(lambda queries: queries.executions(f"{MACHINES}Inner"))[0] == []:
        threading.Event().wait(0.002)
    assert bench.ended(f"{EXECUTIONS}Inner:inner").status == "ABORTED"


def test_a_task_that_times_out_stops_the_inner_one(bench: Bench) -> None:
    bench.machine(WAITS, "Inner")
    arn = bench.start(starts(".sync", TimeoutSeconds=7), {"x": 1})
    inner = inner_started(bench, arn)
    bench.clock.until_asked(2)
    bench.clock.advance(7)
    assert bench.ended(arn).error == "States.Timeout"
    assert bench.ended(inner).status == "ABORTED"


def test_stopping_the_inner_one_fails_the_outer_one(bench: Bench) -> None:
    bench.machine(WAITS, "Inner")
    arn = bench.start(starts(".sync:2"), {"x": 1})
    bench.engine.stop(inner_started(bench, arn))
    outcome = bench.ended(arn)
    assert outcome.error == "States.TaskFailed"
    assert json.loads(str(outcome.cause))["Status"] == "ABORTED"


def test_a_long_run_is_handed_over_and_over(bench: Bench) -> None:
    """An execution that starts the next one and waits for it: the first one's status is the last one's."""
    counted = chain(
        More={
            "Type": "Choice",
            "Choices": [{"Variable": "$.x", "NumericGreaterThan": 0, "Next": "Over"}],
            "Default": "Done",
        },
        Over={
            "Type": "Task",
            "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Parameters": {
                "StateMachineArn.$": "$$.StateMachine.Id",
                "Input": {"x.$": "States.MathAdd($.x, -1)"},
            },
            "OutputPath": "$.Output",
        },
        Done={"Type": "Pass", "Result": "done"},
    )
    counted["States"]["Over"] |= {"End": True}
    counted["States"]["Over"].pop("Next", None)
    assert bench.run(counted, {"x": 6}).output == "done"


@pytest.mark.parametrize("name", ["inner", None])
def test_an_inner_one_that_had_started_is_not_started_again(bench: Bench, name: str | None) -> None:
    """The engine ends between the start of the inner one and the note of it."""
    bench.cloud.functions["f"] = lambda payload: payload
    bench.machine(chain(A={"Type": "Wait", "Seconds": 5}, B={"Type": "Pass"}), "Inner")
    arn = bench.start(starts(".sync:2", name), {"x": 1})
    inner_started(bench, arn)
    bench.engine.close()
    with sqlite3.connect(bench.journal) as database:
        (key,) = database.execute("select key from executions where arn = ?", (arn,)).fetchone()
        (notes,) = database.execute("select notes from places where execution = ?", (key,)).fetchone()
        kept = json.loads(notes)
        del kept["job"]
        kept["told"].remove("Submitted")
        database.execute("update places set notes = ? where execution = ?", (json.dumps(kept), key))
        database.execute("delete from events where execution = ? and type = 'TaskSubmitted'", (key,))
    again = Bench(bench.journal, before=bench, since=bench.clock.now() + 1)
    try:
        again.clock.until_asked(1)
        again.clock.advance(5)
        assert again.ended(arn).status == "SUCCEEDED"
        assert len(bench.cloud.asked) == 1
        assert len(again.ask("ListExecutions", stateMachineArn=f"{MACHINES}Inner")["executions"]) == 1
    finally:
        again.engine.close()


def test_closing_the_engine_stops_nobody(bench: Bench) -> None:
    bench.cloud.functions["f"] = lambda payload: failed("no")
    bench.machine(chain(A={"Type": "Wait", "Seconds": 5}, B={"Type": "Pass"}), "Inner")
    arn = bench.start(starts(".sync:2"), {"x": 1})
    inner = inner_started(bench, arn)
    again = bench.reopened()
    try:
        assert again.engine.describe(inner).status == "RUNNING"
        again.clock.until_asked(1)
        again.clock.advance(5)
        assert again.ended(arn).output["Status"] == "SUCCEEDED"
    finally:
        again.engine.close()


def test_it_may_wait_for_a_token(bench: Bench) -> None:
    bench.machine(one_state(**invoke("f", Parameters={"FunctionName": "f", "Payload.$": "$.token"})), "Inner")
    tokens: list[str] = []
    bench.cloud.functions["f"] = tokens.append
    arn = bench.start(
        starts(
            ".waitForTaskToken",
            Parameters={"StateMachineArn": f"{MACHINES}Inner", "Input": {"token.$": "$$.Task.Token"}, "Name": "inner"},
        )
    )
    bench.ended(f"{EXECUTIONS}Inner:inner") if inner_started(bench, arn) else None
    bench.ask("SendTaskSuccess", taskToken=tokens[0], output="3")
    assert bench.ended(arn).output == 3

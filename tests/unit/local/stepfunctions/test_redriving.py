"""RedriveExecution: what had not succeeded is played again, and nothing else."""

from collections import Counter
from typing import Any

import pytest

from edgetrain import limits
from tests.unit.fakes.stepfunctions import Bench, chain, failed, invoke, one_state

DISTRIBUTED = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}


class Functions:
    """`f` fails for what is in `broken`; `calls` counts what it was called with."""

    def __init__(self, bench: Bench, *broken: Any) -> None:
        self.broken, self.calls = set(broken), Counter[Any]()
        bench.cloud.functions["f"] = self._called

    def _called(self, payload: Any) -> Any:
        self.calls[payload] += 1
        if payload in self.broken:
            raise failed("Broken")
        return payload


def calls(what: Any, **fields: Any) -> dict[str, Any]:
    given = {"FunctionName": "f", **({"Payload.$": what} if str(what).startswith("$") else {"Payload": what})}
    return invoke("f", Parameters=given, ResultSelector={"got.$": "$.Payload"}, **fields)


def redriven(bench: Bench, arn: str) -> Any:
    bench.clock.advance(10)
    assert bench.ask("RedriveExecution", executionArn=arn) == {"redriveDate": bench.clock.now()}
    return bench.ended(arn)


def refusal(bench: Bench, arn: str) -> tuple[str, str]:
    status, reply = bench.api.call("RedriveExecution", {"executionArn": arn})
    assert status == 400
    return reply["__type"], reply["message"]


def test_it_goes_on_with_the_state_that_failed(bench: Bench) -> None:
    functions = Functions(bench, "b")
    arn = bench.start(chain(A=calls("a"), B=calls("b"), C=calls("$$.Execution.RedriveCount")))
    first = bench.ended(arn)
    assert first.status == "FAILED"
    functions.broken.clear()
    outcome = redriven(bench, arn)
    assert (outcome.status, outcome.output) == ("SUCCEEDED", {"got": 1})
    assert functions.calls == {"a": 1, "b": 2, 1: 1}
    assert outcome.events[: len(first.events)] == first.events
    last = len(first.events)
    assert outcome.shape()[last : last + 2] == [
        (last + 1, last, "ExecutionRedriven"),
        (last + 2, last + 1, "TaskScheduled"),
    ]
    assert outcome.details("ExecutionRedriven") == [{"redriveCount": 1}]
    described = bench.ask("DescribeExecution", executionArn=arn)
    assert described["redriveCount"] == 1
    assert described["redriveDate"] == bench.clock.now()
    assert "error" not in described


def test_retries_are_counted_anew(bench: Bench) -> None:
    functions = Functions(bench, "a")
    retry = [{"ErrorEquals": ["Broken"], "MaxAttempts": 2, "IntervalSeconds": 1}]
    arn = bench.start(one_state(**calls("a", Retry=retry)))
    for waits in (1, 2):
        bench.clock.until_asked(waits)
        bench.clock.advance(4)
    bench.ended(arn)
    bench.clock.advance(10)
    bench.ask("RedriveExecution", executionArn=arn)
    for waits in (3, 4):
        bench.clock.until_asked(waits)
        bench.clock.advance(4)
    assert bench.ended(arn).error == "Broken"
    assert functions.calls["a"] == 6


def test_a_second_redrive(bench: Bench) -> None:
    functions = Functions(bench, "a")
    arn = bench.start(one_state(**calls("a")))
    bench.ended(arn)
    assert redriven(bench, arn).status == "FAILED"
    functions.broken.clear()
    outcome = redriven(bench, arn)
    assert outcome.status == "SUCCEEDED"
    assert outcome.details("ExecutionRedriven") == [{"redriveCount": 1}, {"redriveCount": 2}]


def test_only_the_branches_that_did_not_succeed(bench: Bench) -> None:
    functions = Functions(bench, "b2")
    branches = [chain(A=calls("a")), chain(B1=calls("b1"), B2=calls("b2"))]
    arn = bench.start(one_state(Type="Parallel", Branches=branches))
    bench.ended(arn)
    before = functions.calls["a"]
    functions.broken.clear()
    outcome = redriven(bench, arn)
    assert outcome.output == [{"got": "a"}, {"got": "b2"}]
    assert functions.calls["b1"] == 1
    assert functions.calls["a"] == max(before, 1)
    assert outcome.kinds.count("ParallelStateStarted") == 1


def test_only_the_iterations_that_did_not_succeed(bench: Bench) -> None:
    functions = Functions(bench, 3)
    items = one_state(Type="Map", MaxConcurrency=1, ItemProcessor=chain(A=calls("$")))
    arn = bench.start(items, [1, 2, 3, 4])
    bench.ended(arn)
    functions.broken.clear()
    assert redriven(bench, arn).output == [{"got": n} for n in (1, 2, 3, 4)]
    assert functions.calls == {1: 1, 2: 1, 3: 2, 4: 1}


def test_only_the_items_that_did_not_succeed(bench: Bench) -> None:
    functions = Functions(bench, 3)
    items = one_state(
        Type="Map",
        MaxConcurrency=1,
        Label="L",
        ItemProcessor={"ProcessorConfig": DISTRIBUTED, **chain(A=calls("$"), B={"Type": "Pass"})},
    )
    arn = bench.start(items, [1, 2, 3, 4])
    bench.ended(arn)
    (listed,) = bench.ask("ListMapRuns", executionArn=arn)["mapRuns"]
    run = listed["mapRunArn"]
    children = bench.ask("ListExecutions", mapRunArn=run, statusFilter="FAILED")["executions"]
    child = bench.ask("DescribeExecution", executionArn=children[0]["executionArn"])
    assert child["redriveStatus"] == "REDRIVABLE_BY_MAP_RUN"
    assert refusal(bench, child["executionArn"])[0] == "ExecutionNotRedrivable"
    functions.broken.clear()
    outcome = redriven(bench, arn)
    assert outcome.output == [{"got": n} for n in (1, 2, 3, 4)]
    assert functions.calls == {1: 1, 2: 1, 3: 2, 4: 1}
    assert outcome.details("MapRunRedriven") == [{"mapRunArn": run, "redriveCount": 1}]
    described = bench.ask("DescribeMapRun", mapRunArn=run)
    assert (described["status"], described["redriveCount"]) == ("SUCCEEDED", 1)
    assert described["redriveDate"] == bench.clock.now()
    assert described["itemCounts"]["succeeded"] == 4
    again = bench.ask("ListExecutions", mapRunArn=run, redriveFilter="REDRIVEN")["executions"]
    assert [each["executionArn"] for each in again] == [child["executionArn"]]
    assert len(bench.ask("ListExecutions", mapRunArn=run, redriveFilter="NOT_REDRIVEN")["executions"]) == 3
    assert "ExecutionRedriven" in [event["type"] for event in bench.events(child["executionArn"])]


def test_what_was_stopped_or_timed_out_is_waited_for_anew(bench: Bench) -> None:
    waits = {**one_state(Type="Wait", Seconds=100), "TimeoutSeconds": 150}
    arn = bench.start(waits)
    bench.clock.until_asked(2)
    bench.clock.advance(60)
    bench.engine.stop(arn)
    bench.clock.advance(1000)
    bench.ask("RedriveExecution", executionArn=arn)
    bench.clock.until_asked(4)
    assert sorted(bench.clock.asked[2:]) == [100, 150]
    bench.clock.advance(100)
    assert bench.ended(arn).status == "SUCCEEDED"


def test_a_redrive_is_still_one_after_the_engine_ended(bench: Bench) -> None:
    Functions(bench, "a")
    arn = bench.start(chain(A=calls("a"), B={"Type": "Wait", "Seconds": 5}))
    bench.ended(arn)
    Functions(bench)
    bench.clock.advance(1)
    bench.ask("RedriveExecution", executionArn=arn)
    bench.clock.until_asked(1)
    again = bench.reopened(after=5)
    try:
        assert again.ended(arn).status == "SUCCEEDED"
        assert again.engine.describe(arn).redrives == 1
    finally:
        again.engine.close()


def test_what_cannot_be_redriven(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(bench, "arn:aws:states:eu-west-1:123456789012:execution:Machine:no")[0] == "ExecutionDoesNotExist"
    done = bench.run(one_state(Type="Pass")).arn
    assert refusal(bench, done) == ("ExecutionNotRedrivable", "Execution is SUCCEEDED and cannot be redriven")
    waiting = bench.start(one_state(Type="Wait", Seconds=10))
    assert refusal(bench, waiting)[1] == "Execution is RUNNING and cannot be redriven"
    broken = bench.run(one_state(Type="Fail")).arn
    described = bench.ask("DescribeExecution", executionArn=broken)
    assert described["redriveStatus"] == "REDRIVABLE"
    assert "redriveStatusReason" not in described
    monkeypatch.setattr(limits, "REDRIVABLE_EVENTS", 3)
    assert refusal(bench, broken)[1] == "Execution history event limit exceeded"
    monkeypatch.undo()
    bench.clock.advance(14 * 86_400 + 1)
    assert refusal(bench, broken)[0] == "ExecutionNotRedrivable"
    described = bench.ask("DescribeExecution", executionArn=broken)
    assert described["redriveStatus"] == "NOT_REDRIVABLE"
    assert described["redriveStatusReason"] == "Execution has exceeded the redrivable period"

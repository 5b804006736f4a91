"""An engine that opens a journal which was left in the middle of executions."""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.unit.fakes.stepfunctions import MACHINES, Bench, chain, failed, invoke, one_state
from tests.unit.local.stepfunctions.test_deployed_machine import Rounds, play

DISTRIBUTED = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}


def processor(**states: dict[str, Any]) -> dict[str, Any]:
    return chain(**states)


def adds(number: int, **fields: Any) -> dict[str, Any]:
    """A call of `add`, which adds to `$.n`."""
    parameters = {"FunctionName": "add", "Payload": {"n.$": "$.n", "by": number}}
    return invoke("add", Parameters=parameters, OutputPath="$.Payload", **fields)


#: Definitions that come to an end without anybody's help, and what they are started with.
CASES: dict[str, tuple[dict[str, Any], Any]] = {
    "chain": (chain(A=adds(1), B={"Type": "Pass"}, C=adds(2), D=adds(3)), {"n": 0}),
    "retry": (chain(A=adds(1), B=adds(-100, Retry=[{"ErrorEquals": ["Once"], "IntervalSeconds": 1}])), {"n": 0}),
    "catch": (chain(A=adds(-200, Catch=[{"ErrorEquals": ["Always"], "Next": "B"}]), B={"Type": "Pass"}), {"n": 0}),
    "fails": (chain(A=adds(1), B=adds(-200)), {"n": 0}),
    "parallel": (
        one_state(
            Type="Parallel",
            Branches=[chain(A=adds(1), B=adds(2)), chain(C=adds(3)), chain(D={"Type": "Pass"}, E=adds(4), F=adds(5))],
            ResultSelector={"all.$": "$"},
        ),
        {"n": 0},
    ),
    "map": (
        one_state(Type="Map", MaxConcurrency=2, ItemsPath="$.items", ItemProcessor=processor(A=adds(1), B=adds(2))),
        {"items": [{"n": n} for n in range(4)]},
    ),
    "map in a map": (
        one_state(
            Type="Map",
            ItemProcessor=processor(I={"Type": "Map", "ItemProcessor": processor(A=adds(1), B=adds(2))}, Z={"Type": "Pass"}),
        ),
        [[{"n": 1}, {"n": 2}], [{"n": 3}]],
    ),
    "map run": (
        chain(
            M={
                "Type": "Map",
                "MaxConcurrency": 2,
                "Label": "L",
                "ToleratedFailureCount": 1,
                "ItemProcessor": {"ProcessorConfig": DISTRIBUTED, **processor(A=adds(1), B=adds(2))},
            },
            Z={"Type": "Pass"},
        ),
        [{"n": 0}, {"n": 1}, {"n": 200}, {"n": 3}],
    ),
    "nested": (
        one_state(
            Type="Task",
            Resource="arn:aws:states:::states:startExecution.sync:2",
            Parameters={"StateMachineArn": f"{MACHINES}Inner", "Input.$": "$"},
            OutputPath="$.Output",
        ),
        {"n": 5},
    ),
}  # fmt: skip
INNER = chain(A=adds(1), B=adds(2))


@dataclass
class Adder:
    """The function `add`. By -100 it fails at its first call; by -200 and for the number 203 it always does."""

    calls: Counter[str] = field(default_factory=Counter)
    failed: bool = False

    def __call__(self, payload: Any) -> Any:
        self.calls[json.dumps(payload)] += 1
        if payload["by"] == -100 and not self.failed:
            self.failed = True
            raise failed("Once")
        if payload["by"] == -200 or payload["n"] >= 200:
            raise failed("Always")
        return {"n": payload["n"] + payload["by"]}


@dataclass
class Journals:
    """What a journal was after each of its flushes."""

    bench: Bench
    taken: list[bytes] = field(default_factory=list)

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Flush at every turn of the loop, and keep what is there then."""
        monkeypatch.setattr("edgetrain.local.stepfunctions.engine._FLUSH_SECONDS", 0)
        journal = self.bench.engine._journal
        flush = journal.flush

        def kept() -> None:
            waiting = journal._waiting
            flush()
            if waiting:
                self.taken.append(journal._database.serialize())

        monkeypatch.setattr(journal, "flush", kept)


def played(bench: Bench, case: str) -> str:
    """Play a case until it has ended; its ARN."""
    definition, given = CASES[case]
    bench.machine(INNER, "Inner")
    arn = bench.start(definition, given, name="it")
    finish(bench, arn)
    return arn


def finish(bench: Bench, arn: str) -> Any:
    """Let time pass until the execution has ended."""
    while bench.engine.describe(arn).stopped is None:
        bench.clock.fire(below=10)
    return bench.ended(arn)


@pytest.mark.parametrize("case", CASES)
def test_it_ends_as_if_nothing_had_been(
    bench: Bench, opened: Callable[[bytes, Bench], Bench], monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    bench.cloud.functions["add"] = Adder()
    journals = Journals(bench)
    journals.watch(monkeypatch)
    arn = played(bench, case)
    wanted = bench.ended(arn)
    monkeypatch.undo()
    assert len(journals.taken) >= 3
    for content in journals.taken:
        bench.cloud.functions["add"] = adder = Adder(failed=True)
        again = opened(content, bench)
        outcome = finish(again, arn)
        assert (outcome.status, outcome.output, outcome.error) == (wanted.status, wanted.output, wanted.error)
        assert Counter(outcome.kinds) == Counter(wanted.kinds) or case == "retry"
        assert [event["id"] for event in outcome.events] == list(range(1, len(outcome.events) + 1))
        assert all(count == 1 for count in adder.calls.values())
        again.engine.close()


def test_what_has_ended_is_not_played_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.cloud.functions["add"] = Adder()
    arn = played(bench, "map run")
    bench.cloud.functions["add"] = adder = Adder()
    again = bench.reopened()
    try:
        assert again.ended(arn).status == "SUCCEEDED"
        assert not adder.calls
        with sqlite3.connect(bench.journal) as database:
            failed_items = database.execute("select key from executions where status = 'FAILED'").fetchall()
            assert database.execute("select distinct execution from places").fetchall() == failed_items
    finally:
        again.engine.close()


def test_the_deployed_machine_goes_on_from_anywhere(
    bench: Bench, opened: Callable[[bytes, Bench], Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Rounds(bench)
    journals = Journals(bench)
    journals.watch(monkeypatch)
    wanted = play(bench)
    monkeypatch.undo()
    assert len(journals.taken) > 10
    for content in journals.taken:
        rounds = Rounds(bench)
        again = opened(content, bench)
        while again.engine.describe(wanted.arn).stopped is None:
            again.clock.fire(below=60)
        outcome = again.ended(wanted.arn)
        assert (outcome.status, outcome.output) == (wanted.status, wanted.output)
        assert Counter(outcome.kinds) == Counter(wanted.kinds)
        again.engine.close()
        asked = [json.dumps(call, sort_keys=True) for call in rounds.seen]
        assert len(set(asked)) == len(asked)
        assert set(asked) <= {json.dumps(call, sort_keys=True) for call in first.seen}


# --- what cannot go on


def test_nothing_goes_on_before_it_is_asked_to(bench: Bench) -> None:
    arn = bench.start(one_state(Type="Wait", Seconds=5))
    bench.clock.until_asked(1)
    bench.engine.close()
    later = Bench(bench.journal, since=bench.clock.now() + 5, resume=False)
    try:
        assert later.engine.describe(arn).status == "RUNNING"
        later.engine.resume()
        later.engine.resume()
        assert later.ended(arn).kinds.count("ExecutionSucceeded") == 1
    finally:
        later.engine.close()


def test_what_has_not_gone_on_yet_can_be_stopped(bench: Bench) -> None:
    arn = bench.start(one_state(Type="Wait", Seconds=5))
    bench.clock.until_asked(1)
    bench.engine.close()
    later = Bench(bench.journal, since=bench.clock.now() + 5, resume=False)
    try:
        later.engine.stop(arn, error="Enough")
        later.engine.resume()
        outcome = later.ended(arn)
        assert (outcome.status, outcome.error) == ("ABORTED", "Enough")
        assert outcome.kinds == ["ExecutionStarted", "WaitStateEntered", "ExecutionAborted"]
    finally:
        later.engine.close()


def test_a_definition_that_is_not_understood_any_more(bench: Bench) -> None:
    arn = bench.start(one_state(Type="Wait", Seconds=5))
    bench.clock.until_asked(1)
    bench.engine.close()
    with sqlite3.connect(bench.journal) as database:
        database.execute("update definitions set definition = '{}'")
    again = Bench(bench.journal)
    try:
        outcome = again.ended(arn)
        assert (outcome.status, outcome.error) == ("FAILED", "States.Runtime")
        assert "These fields are required" in str(outcome.cause)
    finally:
        again.engine.close()


def test_items_of_what_has_ended_end_too(bench: Bench) -> None:
    items = one_state(
        Type="Map",
        Label="L",
        ItemProcessor={"ProcessorConfig": DISTRIBUTED, **chain(W={"Type": "Wait", "Seconds": 9})},
    )
    arn = bench.start(items, [1, 2])
    bench.clock.until_asked(2)
    bench.engine.close()
    with sqlite3.connect(bench.journal) as database:
        database.execute("update executions set status = 'ABORTED', stopped = 1 where map_run_arn is null")
    again = Bench(bench.journal)
    try:
        (run,) = again.ask("ListMapRuns", executionArn=arn)["mapRuns"]
        described = again.ask("DescribeMapRun", mapRunArn=run["mapRunArn"])
        assert (described["status"], described["itemCounts"]["aborted"]) == ("ABORTED", 2)
    finally:
        again.engine.close()

"""What an attempt keeps when the engine ends in the middle of it: its time, its count, its payload, its token."""

import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.fakes.stepfunctions import Bench, chain, invoke, one_state
from tests.unit.local.stepfunctions.test_resuming import DISTRIBUTED, Adder, adds


def resumed(bench: Bench, after: float) -> Bench:
    return bench.reopened(after=after)


def test_a_wait_keeps_its_end(bench: Bench) -> None:
    arn = bench.start(one_state(Type="Wait", Seconds=100))
    bench.clock.until_asked(1)
    again = resumed(bench, 30)
    try:
        again.clock.until_asked(1)
        assert again.clock.asked == [70]
        later = resumed(again, 80)
        again = later
        assert again.ended(arn).status == "SUCCEEDED"
    finally:
        again.engine.close()


def test_a_retry_keeps_its_time_and_its_count(bench: Bench) -> None:
    bench.cloud.functions["add"] = Adder(failed=True)
    retry = [{"ErrorEquals": ["Always"], "IntervalSeconds": 10, "MaxAttempts": 2}]
    arn = bench.start(one_state(**adds(-200, Retry=retry)), {"n": 0})
    bench.clock.until_asked(1)
    again = resumed(bench, 4)
    try:
        again.clock.until_asked(1)
        assert again.clock.asked == [6]
        again.clock.advance(6)
        again.clock.until_asked(2)
        assert again.clock.asked == [6, 20]
        again.clock.advance(20)
        assert again.ended(arn).error == "Always"
        assert len(again.cloud.calls) == 3
    finally:
        again.engine.close()


def test_a_new_try_of_branches_is_one_of_all_of_them(bench: Bench) -> None:
    """The journal has the output of a branch of the try before: it is not taken for this one's."""
    bench.cloud.functions["add"] = Adder()
    branches = [chain(A=adds(1)), chain(W={"Type": "Wait", "Seconds": 1}, B=adds(-100))]
    retry = [{"ErrorEquals": ["Once"], "IntervalSeconds": 10}]
    arn = bench.start(one_state(Type="Parallel", Branches=branches, Retry=retry), {"n": 0})
    bench.clock.until_asked(1)
    while "TaskStateExited" not in [event["type"] for event in bench.events(arn)]:
        pass
    bench.clock.advance(1)
    bench.clock.until_asked(2)
    bench.cloud.functions["add"] = adder = Adder(failed=True)
    again = resumed(bench, 10)
    try:
        again.clock.until_asked(1)
        again.clock.advance(1)
        assert again.ended(arn).output == [{"n": 1}, {"n": -100}]
        assert sum(adder.calls.values()) == 2
    finally:
        again.engine.close()


def test_the_machines_time_out_counts_from_the_start(bench: Bench) -> None:
    waits = {**one_state(Type="Wait", Seconds=1000), "TimeoutSeconds": 60}
    arn = bench.start(waits)
    bench.clock.until_asked(2)
    again = resumed(bench, 59)
    try:
        again.clock.until_asked(2)
        assert sorted(again.clock.asked) == [1, 941]
        again.clock.advance(1)
        assert again.ended(arn).status == "TIMED_OUT"
    finally:
        again.engine.close()


def test_a_function_is_called_again_with_the_same_payload_and_its_whole_time(bench: Bench) -> None:
    called, release = threading.Event(), threading.Event()
    payloads: list[Any] = []

    def function(payload: Any) -> Any:
        payloads.append(payload)
        called.set()
        release.wait(20 if len(payloads) == 1 else 0)
        return payload

    bench.cloud.functions["f"] = function
    parameters = {"FunctionName": "f", "Payload": {"id.$": "States.UUID()"}}
    arn = bench.start(one_state(**invoke("f", Parameters=parameters, TimeoutSeconds=50)))
    assert called.wait(20)
    bench.clock.until_asked(1)
    bench.engine.halt()
    release.set()
    again = resumed(bench, 1000)
    try:
        outcome = again.ended(arn)
        assert outcome.status == "SUCCEEDED"
        assert len(payloads) == 2
        assert payloads[0] == payloads[1]
        assert outcome.kinds.count("TaskScheduled") == outcome.kinds.count("TaskStarted") == 1
        assert again.clock.asked in ([], [50])
    finally:
        again.engine.close()


# --- tokens

ASK = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
    "Parameters": {"FunctionName": "ask", "Payload.$": "$$.Task.Token"},
}
TOKENS = {
    "alone": one_state(**ASK, HeartbeatSeconds=10, TimeoutSeconds=100),
    "in a branch": one_state(Type="Parallel", Branches=[chain(A=ASK)], OutputPath="$[0]"),
    "in an item": one_state(
        Type="Map",
        ItemsPath="$.items",
        OutputPath="$[0]",
        ItemProcessor={"ProcessorConfig": DISTRIBUTED, **chain(A=ASK)},
    ),
}


def asked(bench: Bench, definition: dict[str, Any]) -> tuple[str, str]:
    """An execution that has asked `ask`, which has answered; its ARN and the token."""
    bench.cloud.functions["ask"] = lambda token: token
    arn = bench.start(definition, {"items": [1]})
    while True:
        with sqlite3.connect(bench.journal) as database:
            if database.execute("select count(*) from events where type = 'TaskSubmitted'").fetchone() == (1,):
                return arn, bench.cloud.calls[0].payload


@pytest.mark.parametrize("case", TOKENS)
def test_who_waits_for_a_token_still_waits(bench: Bench, case: str) -> None:
    arn, token = asked(bench, TOKENS[case])
    again = resumed(bench, 60)
    try:
        again.ask("SendTaskHeartbeat", taskToken=token)
        again.ask("SendTaskSuccess", taskToken=token, output='"yes"')
        assert again.ended(arn).output == "yes"
        assert len(again.cloud.calls) == 1
    finally:
        again.engine.close()


def test_an_answer_that_was_acknowledged_is_not_lost(
    bench: Bench, opened: Callable[[bytes, Bench], Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgetrain.local.stepfunctions.engine._FLUSH_SECONDS", 1000)
    bench.cloud.functions["ask"] = lambda token: token
    arn = bench.start(chain(A=ASK, B={"Type": "Wait", "Seconds": 9}))
    while "TaskSubmitted" not in [event["type"] for event in bench.events(arn)]:
        pass
    bench.ask("SendTaskSuccess", taskToken=bench.cloud.calls[0].payload, output="5")
    with sqlite3.connect(bench.journal) as database:
        content = database.serialize()
    again = opened(content, bench)
    again.clock.until_asked(1)
    again.clock.advance(9)
    assert again.ended(arn).output == 5


def test_a_heartbeat_has_its_time_again_and_the_time_out_has_not(bench: Bench) -> None:
    arn, _ = asked(bench, TOKENS["alone"])
    again = resumed(bench, 95)
    try:
        again.clock.until_asked(1)
        assert again.clock.asked == [5]
        again.clock.advance(5)
        assert again.ended(arn).error == "States.Timeout"
    finally:
        again.engine.close()
    arn, _ = asked(other := Bench(bench.journal.with_name("other.sqlite")), TOKENS["alone"])
    again = resumed(other, 50)
    try:
        again.clock.until_asked(1)
        assert again.clock.asked == [10]
        again.clock.advance(10)
        assert again.ended(arn).error == "States.HeartbeatTimeout"
    finally:
        again.engine.close()

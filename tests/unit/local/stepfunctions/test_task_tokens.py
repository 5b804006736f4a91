"""`.waitForTaskToken`: who waits, who answers, how long, and what is said to whom nobody waits for."""

import json
import threading
from typing import Any

import pytest

from tests.unit.fakes.stepfunctions import INVOKE, Bench, Outcome, chain, failed, one_state

WAITS = "arn:aws:states:::lambda:invoke.waitForTaskToken"


def waits(**fields: Any) -> dict[str, Any]:
    parameters = {"FunctionName": "ask", "Payload": {"token.$": "$$.Task.Token", "given.$": "$"}}
    return {"Type": "Task", "Resource": WAITS, "Parameters": parameters, **fields}


class Asked:
    """The function `ask`: it is handed tokens, and answers at once."""

    def __init__(self, bench: Bench) -> None:
        self.tokens: list[str] = []
        self._changed = threading.Condition()
        bench.cloud.functions["ask"] = self._called

    def _called(self, payload: Any) -> Any:
        with self._changed:
            self.tokens.append(payload["token"])
            self._changed.notify_all()
        return "asked"

    def token(self, count: int = 1) -> str:
        """The last token, once there are so many."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.tokens) >= count, 20)
            return self.tokens[-1]


@pytest.fixture
def asked(bench: Bench) -> Asked:
    return Asked(bench)


def started(bench: Bench, asked: Asked, **fields: Any) -> tuple[str, str]:
    """An execution that waits, all its events of asking told; its ARN and its token."""
    arn = bench.start(one_state(**waits(**fields)), {"a": 1})
    token = asked.token()
    wait_for(bench, arn, "TaskSubmitted")
    return arn, token


def wait_for(bench: Bench, arn: str, kind: str) -> None:
    pause = threading.Event()
    for _ in range(2000):
        if kind in [event["type"] for event in bench.events(arn)]:
            return
        pause.wait(0.005)
    raise AssertionError(f"no {kind}: {bench.events(arn)}")


def refusal(bench: Bench, operation: str, **request: Any) -> tuple[str, str]:
    status, reply = bench.api.call(operation, request)
    assert status == 400
    return reply["__type"], reply["message"]


def test_an_answer_is_the_tasks_result(bench: Bench, asked: Asked) -> None:
    arn, token = started(bench, asked, ResultPath="$.answer", HeartbeatSeconds=60, TimeoutSeconds=600)
    assert bench.cloud.calls[0].payload == {"token": token, "given": {"a": 1}}
    assert bench.ask("SendTaskSuccess", taskToken=token, output='{"x": [1.5, null]}') == {}
    outcome = bench.ended(arn)
    assert outcome.output == {"a": 1, "answer": {"x": [1.5, None]}}
    assert outcome.kinds[2:-2] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]
    named = {"resourceType": "lambda", "resource": "invoke.waitForTaskToken"}
    (scheduled,), (submitted,) = outcome.details("TaskScheduled"), outcome.details("TaskSubmitted")
    assert {**scheduled, "parameters": 0} == {
        **named, "region": "eu-west-1", "parameters": 0, "timeoutInSeconds": 600, "heartbeatInSeconds": 60,
    }  # fmt: skip
    assert {**submitted, "output": 0} == {**named, "output": 0, "outputDetails": {"truncated": False}}
    assert json.loads(submitted["output"])["Payload"] == "asked"
    (succeeded,) = outcome.details("TaskSucceeded")
    assert succeeded == {**named, "output": '{"x": [1.5, null]}', "outputDetails": {"truncated": False}}


def test_an_answer_may_come_before_the_functions_own(bench: Bench) -> None:
    called, release = threading.Event(), threading.Event()
    tokens: list[str] = []

    def ask(payload: Any) -> None:
        tokens.append(payload["token"])
        called.set()
        release.wait(20)

    bench.cloud.functions["ask"] = ask
    arn = bench.start(one_state(**waits()))
    assert called.wait(20)
    bench.ask("SendTaskSuccess", taskToken=tokens[0], output="7")
    outcome = bench.ended(arn)
    release.set()
    assert outcome.output == 7
    assert "TaskSubmitted" not in outcome.kinds


@pytest.mark.parametrize("catcher", ["Mine", "States.TaskFailed", "States.ALL"])
def test_a_failure_keeps_its_error_and_cause(bench: Bench, asked: Asked, catcher: str) -> None:
    catch = [{"ErrorEquals": [catcher], "Next": "Then"}]
    arn = bench.start(chain(Ask=waits(Catch=catch), Then={"Type": "Pass"}))
    token = asked.token()
    bench.ask("SendTaskFailure", taskToken=token, error="Mine", cause="of it")
    outcome = bench.ended(arn)
    assert outcome.output == {"Error": "Mine", "Cause": "of it"}
    assert [{k: each[k] for k in ("error", "cause")} for each in outcome.details("TaskFailed")] == [
        {"error": "Mine", "cause": "of it"}
    ]


def test_a_failure_may_have_neither(bench: Bench, asked: Asked) -> None:
    arn, token = started(bench, asked)
    bench.ask("SendTaskFailure", taskToken=token)
    outcome = bench.ended(arn)
    assert (outcome.status, outcome.error, outcome.cause) == ("FAILED", None, None)


def test_a_function_that_fails_fails_the_task(bench: Bench) -> None:
    def ask(payload: Any) -> Any:
        raise failed("Broken")

    bench.cloud.functions["ask"] = ask
    outcome = bench.run(one_state(**waits()))
    assert (outcome.status, outcome.error) == ("FAILED", "Broken")
    assert "TaskSubmitted" not in outcome.kinds
    token = bench.cloud.calls[0].payload["token"]
    assert refusal(bench, "SendTaskSuccess", taskToken=token, output="1")[0] == "TaskTimedOut"


def timed_out(outcome: Outcome) -> tuple[str | None, str]:
    return outcome.error, outcome.details("TaskTimedOut")[0]["error"]


def test_no_heartbeat(bench: Bench, asked: Asked) -> None:
    arn, token = started(bench, asked, HeartbeatSeconds=10, TimeoutSeconds=100)
    bench.clock.advance(6)
    assert bench.ask("SendTaskHeartbeat", taskToken=token) == {}
    bench.clock.advance(6)
    bench.clock.until_asked(3)  # the wait for ten seconds is over, and four more are waited for
    assert bench.engine.describe(arn).status == "RUNNING"
    bench.clock.advance(4)
    outcome = bench.ended(arn)
    assert timed_out(outcome) == ("States.HeartbeatTimeout", "States.HeartbeatTimeout")


def test_heartbeats_do_not_lengthen_the_time_out(bench: Bench, asked: Asked) -> None:
    arn = bench.start(one_state(**waits(HeartbeatSecondsPath="$.h", TimeoutSecondsPath="$.t")), {"h": 10, "t": 11})
    token = asked.token()
    wait_for(bench, arn, "TaskSubmitted")
    bench.clock.advance(9)
    bench.ask("SendTaskHeartbeat", taskToken=token)
    bench.clock.advance(2)
    assert timed_out(bench.ended(arn)) == ("States.Timeout", "States.Timeout")
    assert refusal(bench, "SendTaskSuccess", taskToken=token, output="1") == (
        "TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["States.HeartbeatTimeout", "States.Timeout", "States.TaskFailed", "States.ALL"])
def test_a_missed_heartbeat_is_caught_by_its_names(bench: Bench, asked: Asked, name: str) -> None:
    catch = [{"ErrorEquals": [name], "Next": "Then"}]
    arn = bench.start(chain(Ask=waits(HeartbeatSeconds=5, Catch=catch), Then={"Type": "Pass"}))
    asked.token()
    wait_for(bench, arn, "TaskSubmitted")
    bench.clock.until_asked(1)
    bench.clock.advance(5)
    assert bench.ended(arn).output == {"Error": "States.HeartbeatTimeout", "Cause": ""}


def test_each_try_has_a_token_of_its_own(bench: Bench, asked: Asked) -> None:
    retry = [{"ErrorEquals": ["Again"], "IntervalSeconds": 1}]
    arn = bench.start(one_state(**waits(Retry=retry)))
    first = asked.token()
    bench.ask("SendTaskFailure", taskToken=first, error="Again")
    bench.clock.until_asked(1)
    assert refusal(bench, "SendTaskSuccess", taskToken=first, output="1")[0] == "TaskTimedOut"
    bench.clock.advance(1)
    second = asked.token(2)
    assert second != first
    bench.ask("SendTaskSuccess", taskToken=second, output="2")
    assert bench.ended(arn).output == 2


def test_stop_ends_the_wait(bench: Bench, asked: Asked) -> None:
    arn, token = started(bench, asked)
    bench.ask("StopExecution", executionArn=arn)
    assert bench.ended(arn).status == "ABORTED"
    for operation, fields in (("SendTaskSuccess", {"output": "1"}), ("SendTaskFailure", {}), ("SendTaskHeartbeat", {})):
        assert refusal(bench, operation, taskToken=token, **fields)[0] == "TaskTimedOut"


@pytest.mark.parametrize("token", ["", "x", "WzEsMl0", "bm9uZQ==", "Int9Ig==", "WzEsICJhIiwgMV0="])
def test_what_is_no_token(bench: Bench, token: str) -> None:
    assert refusal(bench, "SendTaskHeartbeat", taskToken=token) == ("InvalidToken", "Invalid Token: 'Invalid token'")


def test_a_token_of_nothing_that_is_known(bench: Bench) -> None:
    token = "Wzk5OTksICJ4Il0="
    assert refusal(bench, "SendTaskFailure", taskToken=token)[0] == "TaskDoesNotExist"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"output": "{"}, "InvalidOutput"),
        ({"output": '"' + "x" * 262_144 + '"'}, "ValidationException"),
        ({}, "ValidationException"),
        ({"output": 1}, "ValidationException"),
        ({"output": "1", "taskToken": "x" * 2049}, "ValidationException"),
        ({"output": "1", "taskToken": None}, "ValidationException"),
    ],
)
def test_requests_that_are_wrong(bench: Bench, asked: Asked, request_: dict[str, Any], code: str) -> None:
    arn, token = started(bench, asked)
    assert refusal(bench, "SendTaskSuccess", **{"taskToken": token, **request_})[0] == code
    bench.ask("SendTaskSuccess", taskToken=token, output="1")
    assert bench.ended(arn).output == 1


def test_messages_carry_tokens_too(bench: Bench) -> None:
    sent: list[dict[str, Any]] = []
    bench.cloud.services["sqs", "sendMessage"] = lambda parameters: (sent.append(parameters), {"MessageId": "m"})[1]
    arn = bench.start(
        one_state(
            Type="Task",
            Resource="arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            Parameters={"QueueUrl": "http://q", "MessageBody": {"token.$": "$$.Task.Token"}},
        )
    )
    wait_for(bench, arn, "TaskSubmitted")
    token = json.loads(sent[0]["MessageBody"])["token"]
    bench.ask("SendTaskSuccess", taskToken=token, output='"done"')
    outcome = bench.ended(arn)
    assert outcome.output == "done"
    assert json.loads(outcome.details("TaskSubmitted")[0]["output"])["MessageId"] == "m"


def test_a_function_called_without_waiting_has_no_token(bench: Bench) -> None:
    task = one_state(Type="Task", Resource=INVOKE, Parameters={"FunctionName": "f", "Payload.$": "$$.Task.Token"})
    assert bench.run(task).error == "States.Runtime"

"""A cloud for the execution engine: functions are Python callables, objects a dictionary, and time stands still."""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edgetrain.local.stepfunctions import Engine, FunctionResult, ServiceError, StateMachine, StepFunctionsApi

PATIENCE_SECONDS = 20.0
ROLE = "arn:aws:iam::123456789012:role/machine"
MACHINES = "arn:aws:states:eu-west-1:123456789012:stateMachine:"
MACHINE_ARN = MACHINES + "Machine"
FUNCTION_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:"
INVOKE = "arn:aws:states:::lambda:invoke"


class FunctionFailed(Exception):
    """What a fake function raises to answer with a function error; `payload` is what Lambda hands out."""

    def __init__(self, payload: Any) -> None:
        super().__init__(payload)
        self.payload = payload


def failed(kind: str, message: str = "it broke") -> FunctionFailed:
    """The error of a handler that raised."""
    return FunctionFailed({"errorType": kind, "errorMessage": message})


@dataclass
class Call:
    function: str
    payload: Any
    role: str


@dataclass
class FakeCloud:
    """Functions by name or ARN. `calls` and `reads` tell what was asked for, in order."""

    functions: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    reads: list[tuple[str, str, str]] = field(default_factory=list)
    #: Answers of services' actions; `sfn` is the bench's own API.
    services: dict[tuple[str, str], Callable[[dict[str, Any]], dict[str, Any]]] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, Any], str]] = field(default_factory=list)

    def invoke_function(self, function: str, payload: bytes, *, role_arn: str) -> FunctionResult:
        call = Call(function, json.loads(payload), role_arn)
        self.calls.append(call)
        answer = self.functions.get(function)
        if answer is None:
            raise ServiceError("ResourceNotFoundException", f"Function not found: {function}", status_code=404)
        try:
            return FunctionResult(json.dumps(answer(call.payload)).encode(), None)
        except FunctionFailed as error:
            return FunctionResult(json.dumps(error.payload).encode(), "Unhandled")

    def get_object(self, bucket: str, key: str, *, role_arn: str) -> bytes:
        self.reads.append((bucket, key, role_arn))
        if (bucket, key) not in self.objects:
            raise ServiceError("NoSuchKey", "The specified key does not exist.", status_code=404)
        return self.objects[bucket, key]

    def call(self, service: str, action: str, parameters: dict[str, Any], *, role_arn: str) -> dict[str, Any]:
        self.asked.append((service, action, dict(parameters), role_arn))
        return self.services[service, action](parameters)


class ManualClock:
    """Time that passes when a test says so. `asked` are the seconds of every wait, in order."""

    def __init__(self) -> None:
        self._now = 1_700_000_000.0
        self._changed = threading.Condition()
        self._timers: list[tuple[float, asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self.asked: list[float] = []

    def now(self) -> float:
        return self._now

    def set(self, now: float) -> None:
        self._now = now

    async def wait(self, future: "asyncio.Future[Any] | None", seconds: float | None) -> None:
        if seconds is None:
            assert future is not None
            await asyncio.wait((future,))
            return
        loop = asyncio.get_running_loop()
        entry = (self._now + seconds, loop, loop.create_future())
        with self._changed:
            self.asked.append(seconds)
            self._timers.append(entry)
            self._changed.notify_all()
        try:
            watched = {entry[2]} if future is None else {entry[2], future}
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        finally:
            with self._changed:
                self._timers.remove(entry)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        with self._changed:
            self._now += seconds
            due = [entry for entry in self._timers if entry[0] <= self._now]
        for _, loop, timer in due:
            loop.call_soon_threadsafe(lambda timer=timer: timer.done() or timer.set_result(None))

    def fire(self, *, below: float) -> None:
        """End the waits that were asked for fewer than `below` seconds; the time of day stays."""
        with self._changed:
            due = [entry for entry in self._timers if entry[0] < self._now + below]
        for _, loop, timer in due:
            loop.call_soon_threadsafe(lambda timer=timer: timer.done() or timer.set_result(None))

    def until_asked(self, count: int) -> None:
        """Block until there have been so many waits."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.asked) >= count, PATIENCE_SECONDS), self.asked


@dataclass
class Outcome:
    """An execution that has ended, with its history as the API tells it."""

    arn: str
    status: str
    output: Any
    error: str | None
    cause: str | None
    events: list[dict[str, Any]]

    @property
    def kinds(self) -> list[str]:
        return [event["type"] for event in self.events]

    def shape(self) -> list[tuple[int, int, str]]:
        return [(event["id"], event["previousEventId"], event["type"]) for event in self.events]

    def details(self, kind: str) -> list[dict[str, Any]]:
        """The details of every event of a kind."""
        key = (
            "stateEnteredEventDetails"
            if kind.endswith("StateEntered")
            else "stateExitedEventDetails"
            if kind.endswith("StateExited")
            else kind[0].lower() + kind[1:] + "EventDetails"
        )
        return [event.get(key, {}) for event in self.events if event["type"] == kind]


class Bench:
    """An engine over a fake cloud, and its API."""

    def __init__(
        self,
        journal: Path,
        *,
        random: Any = None,
        calls: int = 32,
        before: "Bench | None" = None,
        since: float | None = None,
        resume: bool = True,
    ) -> None:
        """`before`: the bench whose cloud and machines go on; `since`: when, on the new engine's clock."""
        self.journal = journal
        self.cloud, self.clock = (FakeCloud() if before is None else before.cloud), ManualClock()
        if since is not None:
            self.clock.set(since)
        chosen = {} if random is None else {"random": random}
        self.engine = Engine(
            journal, self.cloud, clock=self.clock.now, wait=self.clock.wait, calls=calls, resume=False, **chosen
        )
        self.machines: dict[str, StateMachine] = {} if before is None else before.machines
        self.api = StepFunctionsApi(self.engine, self.machines.get)
        self.cloud.services["sfn", "startExecution"] = self._nested
        if resume:
            self.engine.resume()

    def _nested(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Step Functions' own API, as states call it."""
        request = {name[0].lower() + name[1:]: value for name, value in parameters.items()}
        status, reply = self.api.call("StartExecution", request)
        if status != 200:
            raise ServiceError(reply["__type"], reply["message"], status_code=status)
        started = datetime.fromtimestamp(reply["startDate"], UTC)
        return {"ExecutionArn": reply["executionArn"], "StartDate": started}

    def ask(self, operation: str, **request: Any) -> dict[str, Any]:
        """An answer of the API's, which is no error."""
        status, reply = self.api.call(operation, request)
        assert status == 200, reply
        return reply

    def reopened(self, *, after: float = 0.0) -> "Bench":
        """Leave the journal as it is, and open it again so many seconds later."""
        self.engine.close()
        return Bench(self.journal, before=self, since=self.clock.now() + after)

    def machine(self, definition: dict[str, Any], name: str = "Machine") -> StateMachine:
        machine = StateMachine(MACHINES + name, name, json.dumps(definition), ROLE)
        self.machines[machine.arn] = machine
        return machine

    def start(self, definition: dict[str, Any], given: Any = None, *, name: str | None = None) -> str:
        text = json.dumps({} if given is None else given)
        return self.engine.start(self.machine(definition), name=name, input=text)[0]

    def ended(self, arn: str) -> Outcome:
        """Wait until the execution has ended."""
        give_up = time.monotonic() + PATIENCE_SECONDS
        while (row := self.engine.describe(arn)).stopped is None:
            assert time.monotonic() < give_up, f"{arn} still runs: {[e['type'] for e in self.events(arn)]}"
            time.sleep(0.001)
        output = None if row.output is None else json.loads(row.output)
        return Outcome(arn, row.status, output, row.error, row.cause, self.events(arn))

    def run(self, definition: dict[str, Any], given: Any = None) -> Outcome:
        return self.ended(self.start(definition, given))

    def events(self, arn: str) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        request: dict[str, Any] = {"executionArn": arn, "maxResults": 1000}
        while True:
            status, reply = self.api.call("GetExecutionHistory", request)
            assert status == 200, reply
            events += reply["events"]
            if "nextToken" not in reply:
                return events
            request["nextToken"] = reply["nextToken"]


def one_state(**state: Any) -> dict[str, Any]:
    """A machine of one state, `Only`."""
    ends = {} if state["Type"] in {"Succeed", "Fail", "Choice"} else {"End": True}
    return {"StartAt": "Only", "States": {"Only": {**ends, **state}}}


def chain(**states: dict[str, Any]) -> dict[str, Any]:
    """A machine whose states follow one another in the order given, where they do not say otherwise."""
    names = list(states)
    linked = {}
    for name, following in zip(names, [*names[1:], None], strict=True):
        state = states[name]
        leads = {"Next", "End"} & set(state) or state["Type"] in {"Succeed", "Fail", "Choice"}
        linked[name] = state if leads else {**state, **({"End": True} if following is None else {"Next": following})}
    return {"StartAt": names[0], "States": linked}


def invoke(function: str, **fields: Any) -> dict[str, Any]:
    """A Task that calls `lambda:invoke` with its whole input."""
    return {
        "Type": "Task",
        "Resource": INVOKE,
        "Parameters": {"FunctionName": function, "Payload.$": "$"},
        **fields,
    }

"""The Task state: an attempt from its first event to its last, whatever it calls and however it waits."""

import asyncio
import logging
from typing import Any

from edgetrain.local.stepfunctions import definition
from edgetrain.local.stepfunctions.documents import Document
from edgetrain.local.stepfunctions.failures import (
    HEARTBEAT_TIMEOUT,
    RUNTIME,
    TIMEOUT,
    EvaluationFailed,
    StateFailed,
)
from edgetrain.local.stepfunctions.flow import Outcome, plays
from edgetrain.local.stepfunctions.history import failure_details, input_details, output_details
from edgetrain.local.stepfunctions.jobs import ServiceJob, job_call
from edgetrain.local.stepfunctions.lambda_task import lambda_call
from edgetrain.local.stepfunctions.nested import nested_call, nested_ended
from edgetrain.local.stepfunctions.paths import Path
from edgetrain.local.stepfunctions.ports import ServiceError
from edgetrain.local.stepfunctions.service_task import service_call
from edgetrain.local.stepfunctions.services import JOBS
from edgetrain.local.stepfunctions.steps import Step
from edgetrain.local.stepfunctions.task_calls import TaskCall
from edgetrain.local.stepfunctions.tokens import TOKEN, Waiting
from edgetrain.local.stepfunctions.tries import with_tries

_LOG = logging.getLogger(__name__)


class _TimedOut(Exception):
    """Nothing came in time. A function that was called runs on: nobody listens to it any more."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


@plays(definition.Task)
async def _task(step: Step[definition.Task]) -> Outcome:
    return await with_tries(step, lambda: _attempt(step))


async def _attempt(step: Step[definition.Task]) -> Document:
    attempt = Attempt(step)
    attempt.tell_once("Scheduled", **attempt.scheduled())
    try:
        result = await attempt.result()
    except _TimedOut as timed_out:
        attempt.tell("TimedOut", error=timed_out.error)
        raise StateFailed(timed_out.error) from timed_out
    except StateFailed as failed:
        attempt.tell("Failed", **failure_details(failed.error, failed.cause))
        raise
    attempt.tell("Succeeded", **output_details(result))
    return step.output(result.value)


class Attempt:
    """One attempt of a task. What it knows is noted as it learns it, so that another engine goes on with it."""

    def __init__(self, step: Step[definition.Task]) -> None:
        """Fill the parameters, or take those of the attempt that was interrupted.

        Raises:
            StateFailed: they cannot be filled, or a number is none.
        """
        self._step, self._around = step, step.run.around
        self._resource = step.state.resource
        self._job_kind = JOBS.get((self._resource.service, self._resource.action))
        data = step.effective_input()
        self._timeout = self._seconds("TimeoutSeconds", step.state.timeout, data)
        self._heartbeat = self._seconds("HeartbeatSeconds", step.state.heartbeat, data)
        if "parameters" in step.lane.notes:
            self.parameters = Document.of_text(step.lane.notes["parameters"])
            self.call = self._call()
        else:
            token = self._around.tokens.new(step.run.row.key) if self._resource.pattern == "waitForTaskToken" else None
            context = step.context if token is None else {**step.context, "Task": {"Token": token}}
            template = step.state.parameters
            self.parameters = step.checked(Document(data if template is None else template.fill(data, context)))
            self.call = self._call()
            step.lane.note(parameters=self.parameters.text, scheduled_at=self._around.clock(), **{TOKEN: token})

    def _seconds(self, field: str, value: int | Path | None, data: Any) -> int | None:
        seconds = self._step.whole(f"{field}Path", value, data)
        if seconds is not None and seconds < 1:
            path = value.text if isinstance(value, Path) else seconds
            raise EvaluationFailed(RUNTIME, f"The {field}Path field must refer to a positive integer: {path}")
        return seconds

    def _call(self) -> TaskCall:
        if self._resource.service == "lambda":
            return lambda_call(self._step, self.parameters)
        if (self._resource.service, self._resource.action) == ("states", "startExecution"):
            return nested_call(self._step, self.parameters)
        call = service_call(self._step, self.parameters)
        return call if self._job_kind is None else job_call(self._step, self._job_kind, self.parameters, call)

    # --- events

    def tell(self, moment: str, **details: Any) -> None:
        """Add the event of a moment: `Scheduled`, `Started`, `Submitted`, ..."""
        by_arn = self._resource.arn is not None
        named = {} if by_arn else {"resourceType": self._resource.service, "resource": self._resource.shown}
        told = {**named, **details}
        self._step.lane.add(("LambdaFunction" if by_arn else "Task") + moment, told or None)

    def tell_once(self, moment: str, **details: Any) -> None:
        """As `tell`, unless it was told before the attempt was interrupted."""
        told = self._step.lane.notes.get("told", [])
        if moment not in told:
            self.tell(moment, **details)
            self._step.lane.note(told=[*told, moment])

    def scheduled(self) -> dict[str, Any]:
        """What the first event says."""
        limits = {"timeoutInSeconds": self._timeout, "heartbeatInSeconds": self._heartbeat}
        limited = {name: seconds for name, seconds in limits.items() if seconds is not None}
        if self._resource.arn is not None:
            return {"resource": self._resource.arn, **input_details(self.parameters), **limited}
        region = self._step.run.row.arn.split(":")[3]
        return {"region": region, "parameters": self.parameters.text, **limited}

    # --- the result

    async def result(self) -> Document:
        """What the task ends with.

        Raises:
            StateFailed: an error.
            _TimedOut: nothing in time.
        """
        if self._resource.pattern == "waitForTaskToken":
            return await self._called_back()
        if self._resource.pattern:
            return await self._job()
        # What is called again after an interruption has its whole time again.
        future = await self._begin()
        await self._around.wait(future, self._timeout)
        if not future.done():
            raise _TimedOut(TIMEOUT)
        return self._answer(future)

    async def _begin(self) -> "asyncio.Future[Any]":
        known = self.call.found() if "Started" in self._step.lane.notes.get("told", []) else None
        if known is not None:
            found: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            found.set_result(known)
            return found
        future = await self._around.calls.start(self.call.perform)
        self.tell_once("Started")
        return future

    def _answer(self, future: "asyncio.Future[Any]") -> Document:
        try:
            answer = self.call.answer(future.result())
        except ServiceError as error:
            raise self.call.refused(error) from error
        except StateFailed:
            raise
        except Exception as error:
            _LOG.exception("the call of %s failed outside of the service", self.call.name)
            raise StateFailed(self.call.unreachable, f"{type(error).__name__}: {error}") from error
        return self._step.checked(Document(answer), self.call.name)

    def _deadline(self) -> float | None:
        """When the whole attempt is over time, in epoch seconds: it was noted when the attempt began to wait."""
        if self._timeout is None:
            return None
        if "deadline" not in self._step.lane.notes:
            self._step.lane.note(deadline=self._around.clock() + self._timeout)
        deadline: float = self._step.lane.notes["deadline"]
        return deadline

    # --- waiting for somebody else

    async def _called_back(self) -> Document:
        lane, tokens = self._step.lane, self._around.tokens
        waiting = tokens.wait(lane.stands, self._step.run.history)
        try:
            if "Submitted" not in lane.notes.get("told", []):
                await self._submit(waiting)
            await self._wait(waiting.answered, waiting)
        finally:
            tokens.close(lane.notes[TOKEN])
        answer = waiting.answer or {}
        if "output" not in answer:
            raise StateFailed(answer.get("error"), answer.get("cause"))
        return Document.of_text(answer["output"])

    async def _submit(self, waiting: Waiting) -> None:
        """Call the service, unless the answer comes before its own."""
        future = await self._begin()
        either: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(_: "asyncio.Future[Any]") -> None:
            if not either.done():
                either.set_result(None)

        future.add_done_callback(done)
        waiting.answered.add_done_callback(done)
        await self._wait(either, waiting)
        if future.done() and not waiting.answered.done():
            self.tell_once("Submitted", **output_details(self._answer(future)))

    async def _wait(self, future: "asyncio.Future[Any]", waiting: Waiting | None) -> None:
        """Wait for `future`, as long as the state allows; a heartbeat gives `waiting` its time again."""
        deadline = self._deadline()
        if waiting is not None and not future.done():
            waiting.beat = self._around.clock()
        while not future.done():
            now = self._around.clock()
            left = [] if deadline is None else [(deadline - now, TIMEOUT)]
            if waiting is not None and self._heartbeat is not None:
                left.append((waiting.beat + self._heartbeat - now, HEARTBEAT_TIMEOUT))
            seconds, error = min(left, default=(None, ""))
            if seconds is not None and seconds <= 0:
                raise _TimedOut(error)
            await self._around.wait(future, seconds)

    async def _job(self) -> Document:
        """Start something and wait for its end; when this is given up, so is that."""
        lane = self._step.lane
        starting: asyncio.Future[Any] | None = None
        stop = self._stop_job
        try:
            if "job" not in lane.notes:
                starting = await self._begin()
                await self._wait(starting, None)
                submitted = self._answer(starting)
                self.tell_once("Submitted", **output_details(submitted))
                lane.note(job=submitted.value.get("ExecutionArn", True))
            ended = self._ended()
            try:
                await self._wait(ended, None)
            finally:
                ended.cancel()  # nothing, when it has ended
        except (_TimedOut, asyncio.CancelledError):
            if "job" in lane.notes:
                stop(lane.notes["job"])
            elif starting is not None:
                # What is being started just now is stopped as soon as it is there.
                starting.add_done_callback(
                    lambda done: None if done.exception() else stop(done.result().get("ExecutionArn"))
                )
            raise
        return self._step.checked(ended.result(), self._resource.service)

    def _ended(self) -> "asyncio.Future[Document]":
        """How the job that was started ends."""
        if self._job_kind is not None:
            return asyncio.ensure_future(ServiceJob(self._step, self._job_kind, self.parameters, self.call).ended())
        return asyncio.ensure_future(nested_ended(self._step, self._step.lane.notes["job"]))

    def _stop_job(self, arn: Any) -> None:
        if self._job_kind is not None:
            ServiceJob(self._step, self._job_kind, self.parameters, self.call).stop()
        else:
            self._around.executions.abort(arn)

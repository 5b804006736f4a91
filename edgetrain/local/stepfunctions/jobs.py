"""Jobs of services that a task waits for by asking after them (`.sync`), such as SageMaker's training jobs."""

import asyncio
import logging
from dataclasses import replace
from typing import Any

from edgetrain.local.stepfunctions import definition
from edgetrain.local.stepfunctions.documents import Document, to_text
from edgetrain.local.stepfunctions.failures import TASK_FAILED, StateFailed
from edgetrain.local.stepfunctions.ports import ServiceError
from edgetrain.local.stepfunctions.services import Job
from edgetrain.local.stepfunctions.steps import Step
from edgetrain.local.stepfunctions.task_calls import TaskCall

_LOG = logging.getLogger(__name__)


def job_call(step: Step[definition.Task], job: Job, parameters: Document, call: TaskCall) -> TaskCall:
    """The call that starts a job. Interrupted and made again, it finds the one that it had started."""
    integrations, role = step.run.around.integrations, step.run.row.role_arn
    again = "Started" in step.lane.notes.get("told", [])

    def perform() -> Any:
        try:
            return call.perform()
        except ServiceError as error:
            if not again or error.code != job.taken:
                raise
        described = integrations.call(job.service, job.describe, {job.name: parameters.value[job.name]}, role_arn=role)
        return {job.arn: described[job.arn]}

    return replace(call, perform=perform)


class ServiceJob:
    """The job that a task has started; `call` is how it was."""

    def __init__(self, step: Step[definition.Task], job: Job, parameters: Document, call: TaskCall) -> None:
        self._job, self._call = job, call
        self._around, self._role = step.run.around, step.run.row.role_arn
        self._named = {job.name: parameters.value[job.name]}

    async def ended(self) -> Document:
        """Ask until the job has ended; how it is described then.

        Raises:
            StateFailed: it did not complete, and the cause describes it; or nobody knows it.
        """
        while True:
            described = await self._ask(self._job.describe)
            status = described.get(self._job.status)
            if status in self._job.completed:
                return Document(described)
            if status in self._job.failed:
                raise StateFailed(TASK_FAILED, to_text(described))
            await self._around.wait(None, self._job.seconds)

    async def _ask(self, action: str) -> dict[str, Any]:
        integrations, service = self._around.integrations, self._job.service
        future = await self._around.calls.start(
            lambda: integrations.call(service, action, self._named, role_arn=self._role)
        )
        await asyncio.wait((future,))
        try:
            answer: dict[str, Any] = self._call.answer(future.result())
        except ServiceError as error:
            raise self._call.refused(error) from error
        return {name: each for name, each in answer.items() if not name.startswith("Sdk")}

    def stop(self) -> None:
        """Ask the service to stop it, and wait for nothing; not when everything is being left as it is."""
        if not self._around.journal.frozen:
            task = asyncio.get_running_loop().create_task(self._stop())
            self._around.background.add(task)
            task.add_done_callback(self._around.background.discard)

    async def _stop(self) -> None:
        try:
            await self._ask(self._job.stop)
        except StateFailed as failed:
            _LOG.warning("%s of %s: %s", self._job.stop, self._named, failed)

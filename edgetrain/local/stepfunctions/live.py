"""The executions that are being played: their tasks, who waits for their ends, and how they are stopped."""

import asyncio

from edgetrain.local.stepfunctions.definition import Flow, Machine
from edgetrain.local.stepfunctions.execution import execute
from edgetrain.local.stepfunctions.failures import RUNTIME, ApiError, InvalidDefinition
from edgetrain.local.stepfunctions.history import Lane
from edgetrain.local.stepfunctions.journal import Journal
from edgetrain.local.stepfunctions.reading_states import read_definition
from edgetrain.local.stepfunctions.run import Run
from edgetrain.local.stepfunctions.tables import ExecutionRow


class Live:
    """In the loop's thread. Items of map runs are not here: their map runs play them."""

    def __init__(self, loop: asyncio.AbstractEventLoop, journal: Journal) -> None:
        self._loop, self._journal = loop, journal
        self._running: dict[str, tuple[Run, asyncio.Task[None]]] = {}
        self._waiting: dict[str, list[asyncio.Future[ExecutionRow]]] = {}

    # --- playing

    def play(self, run: Run, lane: Lane, program: Machine) -> None:
        """Play an execution, which has begun with `lane`, to its end."""
        self._journal.flush()
        task = self._loop.create_task(self._play(run, lane, program.flow, program.timeout))
        self._running[run.row.arn] = (run, task)
        # Not in the task itself: one that is cancelled before its first step never runs at all.
        task.add_done_callback(lambda _: self._over(run.row.arn))

    def play_on(self, run: Run) -> None:
        """Play an execution from where it stands."""
        try:
            program = read_definition(self._journal.definition(run.row.definition_id))
        except InvalidDefinition as error:
            run.end("FAILED", error=RUNTIME, cause=str(error))
            self._journal.flush()
        else:
            self.play(run, run.lane(), program)

    async def _play(self, run: Run, lane: Lane, flow: Flow, timeout: int | None) -> None:
        around = run.around
        playing = self._loop.create_task(execute(run, flow, lane))
        try:
            since = run.row.redriven or run.row.started
            left = None if timeout is None else max(since + timeout - around.clock(), 0)
            await around.wait(playing, left)
            if not playing.done():
                run.end("TIMED_OUT")
        finally:
            if not playing.done():
                playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)

    def _over(self, arn: str) -> None:
        del self._running[arn]
        self._journal.flush()
        row = self._journal.execution(arn)
        for future in self._waiting.pop(arn, []):
            if not future.done() and row is not None:
                future.set_result(row)

    # --- for the states that start others

    def find(self, arn: str) -> ExecutionRow | None:
        """An execution, or None when there is none of this ARN."""
        return self._journal.execution(arn)

    def ended(self, arn: str) -> "asyncio.Future[ExecutionRow]":
        """An execution, once it has ended.

        Raises:
            ApiError: ExecutionDoesNotExist.
        """
        row = self.find(arn)
        if row is None:
            raise ApiError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        future: asyncio.Future[ExecutionRow] = self._loop.create_future()
        if row.status == "RUNNING":
            self._waiting.setdefault(arn, []).append(future)
        else:
            future.set_result(row)
        return future

    def abort(self, arn: str) -> None:
        """Stop an execution, if it still runs. Once the journal is frozen nothing comes of it."""
        self.stop(arn, None, None)

    # --- ending

    def stop(self, arn: str, error: str | None, cause: str | None) -> float | None:
        """Abort an execution; when it ended. None when it is not being played here."""
        running = self._running.get(arn)
        if running is None:
            return None
        run, task = running
        at = run.end("ABORTED", error=error, cause=cause)
        task.cancel()
        self._journal.flush()
        return at

    async def halt(self) -> None:
        """Leave everything as it is: what runs is found running by who opens the journal next."""
        self._journal.freeze()
        for _, task in self._running.values():
            task.cancel()
        await self.settle()

    async def settle(self) -> None:
        """Wait for the executions' tasks, all of which have been cancelled."""
        await asyncio.gather(*(task for _, task in self._running.values()), return_exceptions=True)

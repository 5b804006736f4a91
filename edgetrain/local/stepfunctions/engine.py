"""The engine: executions of state machines, played by one loop thread, with calls into the cloud beside it."""

import asyncio
import logging
import random
import re
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final, TypeVar

from edgetrain import limits
from edgetrain.local.stepfunctions import fan_out, lambda_task, map_run  # noqa: F401 - they register their states
from edgetrain.local.stepfunctions.calls import Calls, until
from edgetrain.local.stepfunctions.definition import Machine
from edgetrain.local.stepfunctions.documents import Document, from_text
from edgetrain.local.stepfunctions.execution import execute
from edgetrain.local.stepfunctions.failures import ApiError
from edgetrain.local.stepfunctions.history import Lane
from edgetrain.local.stepfunctions.identities import new_id
from edgetrain.local.stepfunctions.interrupted import end_interrupted
from edgetrain.local.stepfunctions.journal import ExecutionRow, Journal
from edgetrain.local.stepfunctions.ports import Integrations, StateMachine
from edgetrain.local.stepfunctions.queries import EventPage, ExecutionPage, Queries
from edgetrain.local.stepfunctions.reading_states import read_definition
from edgetrain.local.stepfunctions.run import Run, Surroundings, Wait

_LOG = logging.getLogger(__name__)
Answer = TypeVar("Answer")
#: How long a row may wait before it is written.
_FLUSH_SECONDS: Final = 0.05
#: What a name must not contain: white space, brackets, wildcards, special and control characters.
_NOT_IN_NAMES: Final = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
INTERRUPTED: Final = "ExecutionInterrupted"


def check_definition(definition: str) -> None:
    """Refuse a definition (JSON text) that is wrong, or that asks for what is not implemented.

    Raises:
        InvalidDefinition: with AWS's code, a sentence, and the place, which names the state.
    """
    read_definition(definition)


class Engine:
    """Plays executions. Its methods may be called from any thread.

    `clock` gives epoch seconds and `wait` is how time passes; `calls` is how many calls into the cloud may be under
    way at a time.
    """

    def __init__(
        self,
        journal: Path,
        integrations: Integrations,
        *,
        clock: Callable[[], float] = time.time,
        wait: Wait = until,
        random: random.Random = random.Random(),  # noqa: B008, S311 - one source of jitter, no secret
        calls: int = 128,
    ) -> None:
        """Open or make the journal. Executions that were running when it was left are ended as ABORTED.

        Raises:
            JournalUnreadable: another version of this program wrote the journal.
        """
        self._journal = Journal(journal)
        end_interrupted(self._journal, clock(), INTERRUPTED)
        self._calls = Calls(calls)
        self._around = Surroundings(
            journal=self._journal,
            integrations=integrations,
            calls=self._calls,
            clock=clock,
            wait=wait,
            random=random,
        )
        self._running: dict[str, tuple[Run, asyncio.Task[None]]] = {}
        self._halted = False
        self._queries = Queries(self._journal)
        self._loop = asyncio.new_event_loop()
        self._journal.on_waiting = self._flush_soon
        self._thread = threading.Thread(target=self._loop.run_forever, name="stepfunctions-loop", daemon=True)
        self._thread.start()

    # --- what callers ask for

    def start(
        self,
        machine: StateMachine,
        *,
        name: str | None,
        input: str,  # noqa: A002 - the API's own word
        trace_header: str | None = None,
    ) -> tuple[str, float]:
        """Start an execution of `machine` as it is now; its ARN, and when it started in epoch seconds.

        `name` None: one is made. The name and input of an execution that still runs give that one again.

        Raises:
            ApiError: InvalidName, InvalidExecutionInput, ValidationException (too long), ExecutionAlreadyExists.
            InvalidDefinition: the definition was not checked when it was made.
        """
        program = read_definition(machine.definition)
        name = new_id() if name is None else name
        _check_name(name)
        document = _read_input(input)
        return self._on_loop(lambda: self._start(machine, program, name, document, trace_header))

    def stop(self, arn: str, *, error: str | None = None, cause: str | None = None) -> float:
        """Abort an execution; when it ended, in epoch seconds. One that has ended stays as it is.

        Raises:
            ApiError: ExecutionDoesNotExist; ValidationException for an item of a map run, which its map run ends.
        """
        return self._on_loop(lambda: self._stop(arn, error, cause))

    def ask(self, question: Callable[[Queries], Answer]) -> Answer:
        """An answer out of the journal.

        Raises:
            ApiError: there is none.
        """
        return self._on_loop(lambda: question(self._queries))

    def describe(self, arn: str) -> ExecutionRow:
        """An execution. Raises as `Queries.execution`."""
        return self.ask(lambda queries: queries.execution(arn))

    def list(self, arn: str, **choices: Any) -> ExecutionPage:
        """Executions of a state machine or of a map run, and where to go on. See `Queries.executions`."""
        return self.ask(lambda queries: queries.executions(arn, **choices))

    def history(self, arn: str, **choices: Any) -> EventPage:
        """Events of an execution, and where to go on. See `Queries.events`."""
        return self.ask(lambda queries: queries.events(arn, **choices))

    def halt(self) -> None:
        """Take no more work, and abort what runs. Calls under way are not waited for."""
        self._await(self._halt)

    def close(self) -> None:
        """Halt, wait for the calls under way, and end every thread. The cloud ends its functions before, or meanwhile."""
        if not self._thread.is_alive():
            return
        self.halt()
        self._calls.close()
        self._await(self._settle)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._journal.close()

    # --- in the loop's thread

    def _flush_soon(self) -> None:
        self._loop.call_later(_FLUSH_SECONDS, self._journal.flush)

    def _start(
        self, machine: StateMachine, program: Machine, name: str, document: Document, trace_header: str | None
    ) -> tuple[str, float]:
        arn = f"{machine.arn.replace(':stateMachine:', ':execution:')}:{name}"
        known = self._journal.execution(arn)
        if known is not None:
            if known.status == "RUNNING" and known.input == document.text:
                return known.arn, known.started
            raise ApiError("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")
        row = ExecutionRow(
            key=self._journal.new_key(),
            arn=arn,
            machine_arn=machine.arn,
            name=name,
            role_arn=machine.role_arn,
            definition_id=self._journal.keep_definition(machine.definition),
            input=document.text,
            status="RUNNING",
            started=self._around.clock(),
            trace_header=trace_header,
        )
        run = Run(around=self._around, row=row, input=document)
        lane = run.begin()
        self._journal.flush()
        task = self._loop.create_task(self._play(run, lane, program))
        self._running[arn] = (run, task)
        # Not in the task itself: one that is cancelled before its first step never runs at all.
        task.add_done_callback(lambda _: self._over(arn))
        return arn, row.started

    async def _play(self, run: Run, lane: Lane, program: Machine) -> None:
        playing = self._loop.create_task(execute(run, program.flow, lane))
        try:
            await self._around.wait(playing, program.timeout)
            if not playing.done():
                run.end("TIMED_OUT")
        finally:
            if not playing.done():
                playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)

    def _over(self, arn: str) -> None:
        del self._running[arn]
        self._journal.flush()

    def _stop(self, arn: str, error: str | None, cause: str | None) -> float:
        known = self._queries.execution(arn)
        if known.stopped is not None:
            return known.stopped
        running = self._running.get(arn)
        if running is None:
            raise ApiError("ValidationException", f"'{arn}' belongs to a map run: stop the execution that started it")
        run, task = running
        at = run.end("ABORTED", error=error, cause=cause)
        task.cancel()
        self._journal.flush()
        return at

    async def _halt(self) -> None:
        self._halted = True
        for run, task in self._running.values():
            run.end("ABORTED", error=INTERRUPTED, cause="The embedded cloud was stopped while this execution ran.")
            task.cancel()
        await self._settle()

    async def _settle(self) -> None:
        """Wait for the executions' tasks, all of which have been cancelled."""
        await asyncio.gather(*(task for _, task in self._running.values()), return_exceptions=True)
        self._journal.flush()

    # --- crossing threads

    def _on_loop(self, ask: Callable[[], Answer]) -> Answer:
        """What `ask` answers in the loop's thread."""

        async def answer() -> Answer:
            if self._halted:
                raise ApiError("ServiceUnavailable", "The embedded cloud is stopping.")
            return ask()

        return self._await(answer)

    def _await(self, work: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        if not self._thread.is_alive():
            raise ApiError("ServiceUnavailable", "The embedded cloud has stopped.")
        return asyncio.run_coroutine_threadsafe(work(), self._loop).result()


def _check_name(name: str) -> None:
    if not 1 <= len(name) <= limits.EXECUTION_NAME_CHARACTERS or _NOT_IN_NAMES.search(name):
        raise ApiError("InvalidName", f"Invalid Name: '{name}'")


def _read_input(text: str) -> Document:
    if len(text.encode(errors="surrogatepass")) > limits.STATE_PAYLOAD_BYTES:
        raise ApiError(
            "ValidationException",
            "1 validation error detected: Value at 'input' failed to satisfy constraint: "
            f"Member must have length less than or equal to {limits.STATE_PAYLOAD_BYTES}",
        )
    try:
        text.encode()
        return Document(from_text(text), text)
    except ValueError as error:
        raise ApiError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'") from None

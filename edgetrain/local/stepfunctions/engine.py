"""The engine: executions of state machines, played by one loop thread, with calls into the cloud beside it."""

import asyncio
import random
import re
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final, TypeVar

from edgetrain import limits
from edgetrain.local.stepfunctions import fan_out, map_run, tasks  # noqa: F401 - they register their states
from edgetrain.local.stepfunctions.calls import Calls, until
from edgetrain.local.stepfunctions.definition import Machine
from edgetrain.local.stepfunctions.documents import Document, from_text
from edgetrain.local.stepfunctions.failures import ApiError
from edgetrain.local.stepfunctions.identities import execution_arn, new_id
from edgetrain.local.stepfunctions.journal import Journal
from edgetrain.local.stepfunctions.live import Live
from edgetrain.local.stepfunctions.ports import Integrations, StateMachine
from edgetrain.local.stepfunctions.queries import EventPage, ExecutionPage, Queries
from edgetrain.local.stepfunctions.reading_states import read_definition
from edgetrain.local.stepfunctions.redriving import check_redrivable, redriven
from edgetrain.local.stepfunctions.resuming import take_up
from edgetrain.local.stepfunctions.run import Run, Surroundings, Wait, run_of_row
from edgetrain.local.stepfunctions.tables import ExecutionRow
from edgetrain.local.stepfunctions.tokens import Tokens

Answer = TypeVar("Answer")
#: How long a row may wait before it is written.
_FLUSH_SECONDS: Final = 0.05
#: What a name must not contain: white space, brackets, wildcards, special and control characters.
_NOT_IN_NAMES: Final = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


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
        resume: bool = True,
    ) -> None:
        """Open or make the journal. Executions that were running when it was left go on: at once, or, without
        `resume`, when that is called, which is when what they call is there.

        Raises:
            JournalUnreadable: another version of this program wrote the journal.
        """
        self._journal = Journal(journal)
        self._calls = Calls(calls)
        self._loop = asyncio.new_event_loop()
        self._live = Live(self._loop, self._journal)
        self._around = Surroundings(
            journal=self._journal,
            integrations=integrations,
            calls=self._calls,
            clock=clock,
            wait=wait,
            random=random,
            executions=self._live,
            tokens=Tokens(self._journal, clock),
        )
        self._halted = self._resumed = False
        self._queries = Queries(self._journal)
        self._journal.on_waiting = self._flush_soon
        self._thread = threading.Thread(target=self._loop.run_forever, name="stepfunctions-loop", daemon=True)
        self._thread.start()
        if resume:
            self.resume()

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
        _check_json("input", input, "InvalidExecutionInput", "Invalid State Machine Execution Input")
        document = Document.of_text(input)
        return self._on_loop(lambda: self._start(machine, program, name, document, trace_header))

    def stop(self, arn: str, *, error: str | None = None, cause: str | None = None) -> float:
        """Abort an execution; when it ended, in epoch seconds. One that has ended stays as it is.

        Raises:
            ApiError: ExecutionDoesNotExist; ValidationException for an item of a map run, which its map run ends.
        """
        return self._on_loop(lambda: self._stop(arn, error, cause))

    def now(self) -> float:
        """The engine's time, in epoch seconds."""
        return self._around.clock()

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

    def resume(self) -> None:
        """Let the executions that were running when the journal was left go on; a second time, nothing happens.

        A function that was running is called again with the same payload, and has its whole time; a Wait ends when it
        would have; who waits for a task token still waits, and has its heartbeat's time again; items of map runs that
        have ended are not played again.
        """
        self._on_loop(self._resume)

    def redrive(self, arn: str) -> float:
        """Let an execution that did not succeed go on with what had not succeeded in it; since when, in epoch seconds.

        Raises:
            ApiError: ExecutionDoesNotExist, ExecutionNotRedrivable.
        """
        return self._on_loop(lambda: self._redrive(arn))

    def task_success(self, token: str, output: str) -> None:
        """A task that waits for `token` has this output (JSON text). Raises as `Tokens.beat`, and ApiError InvalidOutput."""
        _check_json("output", output, "InvalidOutput", "Invalid Output")
        self._on_loop(lambda: self._around.tokens.succeed(token, output))

    def task_failure(self, token: str, error: str | None, cause: str | None) -> None:
        """A task that waits for `token` has failed. Raises as `Tokens.beat`."""
        self._on_loop(lambda: self._around.tokens.fail(token, error, cause))

    def task_heartbeat(self, token: str) -> None:
        """A task that waits for `token` is at work. Raises as `Tokens.beat`."""
        self._on_loop(lambda: self._around.tokens.beat(token))

    def halt(self) -> None:
        """Take no more work, and leave what runs as it is, for the next engine. Calls under way are not waited for."""
        self._await(self._halt)

    def close(self) -> None:
        """Halt, wait for the calls under way, and end every thread. The cloud ends its functions before, or meanwhile."""
        if not self._thread.is_alive():
            return
        self.halt()
        self._calls.close()
        self._await(self._live.settle)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._journal.close()

    # --- in the loop's thread

    def _flush_soon(self, now: bool) -> None:
        self._loop.call_later(0 if now else _FLUSH_SECONDS, self._journal.flush)

    def _start(
        self, machine: StateMachine, program: Machine, name: str, document: Document, trace_header: str | None
    ) -> tuple[str, float]:
        arn = execution_arn(machine.arn, name)
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
        self._live.play(run, run.begin(), program)
        return arn, row.started

    def _resume(self) -> None:
        if not self._resumed:
            self._resumed = True
            for run in take_up(self._around):
                self._live.play_on(run)

    def _redrive(self, arn: str) -> float:
        row = self._queries.execution(arn)
        check_redrivable(row, self._queries.last_event(row), self._around.clock())
        run = redriven(self._around, row)
        self._live.play_on(run)
        return run.row.redriven or 0.0

    def _stop(self, arn: str, error: str | None, cause: str | None) -> float:
        known = self._queries.execution(arn)
        if known.stopped is not None:
            return known.stopped
        if known.map_run_arn is not None:
            raise ApiError("ValidationException", f"'{arn}' belongs to a map run: stop the execution that started it")
        stopped = self._live.stop(arn, error, cause)
        if stopped is None:  # nothing has gone on yet: see `resume`
            stopped = run_of_row(self._around, known).end("ABORTED", error=error, cause=cause)
            self._journal.flush()
        return stopped

    async def _halt(self) -> None:
        self._halted = True
        await self._live.halt()

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


def _check_json(field: str, text: str, code: str, said: str) -> None:
    """Refuse a text that is no JSON or larger than a state's payload. Raises ApiError."""
    if len(text.encode(errors="surrogatepass")) > limits.STATE_PAYLOAD_BYTES:
        raise ApiError(
            "ValidationException",
            f"1 validation error detected: Value at '{field}' failed to satisfy constraint: "
            f"Member must have length less than or equal to {limits.STATE_PAYLOAD_BYTES}",
        )
    try:
        text.encode()
        from_text(text)
    except ValueError as error:
        raise ApiError(code, f"{said}: '{error}'") from None

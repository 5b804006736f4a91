"""One function process: started, given one event after another, watched, killed.

The thread that wants an answer does all of it: it polls the Runtime API's sockets, the process's output and its end in
one place. So an invocation hands nothing from thread to thread, and a process that nobody invokes costs no thread.
"""

import contextlib
import os
import select
import shutil
import signal
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from edgetrain import limits
from edgetrain.local.children import spawn
from edgetrain.local.functions.environment import environment
from edgetrain.local.functions.interface import Credentials, FunctionConfiguration
from edgetrain.local.functions.logs import Event, ProcessLog
from edgetrain.local.functions.memory import Usage
from edgetrain.local.functions.runtime import Runtime
from edgetrain.local.functions.runtime_api import Call, RuntimeApi
from edgetrain.local.functions.wording import Ending, Outcome

#: How often memory is looked at.
TICK_SECONDS: Final = 0.05


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where processes of a function run: the runtime, the unpacked code and layers, folders that may be written."""

    runtime: Runtime
    task: Path
    opt: Path
    scratch: Path
    bytecode: Path
    region: str
    endpoint_url: str


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a process is asked: the event, and what the context object says of it. `deadline` is monotonic time."""

    request_id: str
    payload: bytes
    arn: str
    deadline: float
    trace_id: str
    client_context: str | None = None

    def headers(self) -> dict[str, str]:
        """The Runtime API's."""
        deadline = time.time() + self.deadline - time.monotonic()
        headers = {
            "Lambda-Runtime-Aws-Request-Id": self.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self.arn,
            "Lambda-Runtime-Trace-Id": self.trace_id,
        }
        if self.client_context is not None:
            headers["Lambda-Runtime-Client-Context"] = self.client_context
        return headers


class FunctionProcess:
    """A process of one function. One thread at a time uses it; `kill` may be called by any."""

    def __init__(
        self,
        configuration: FunctionConfiguration,
        place: Place,
        credentials: Credentials,
        write_log: Callable[[str, str, Sequence[Event]], None],
    ) -> None:
        """Start it; it initialises while nobody looks."""
        self.configuration = configuration
        self.log_stream = log_stream_name(configuration)
        self.started = time.monotonic()
        self._ready: Call | None = None
        self._memory_seen = self.started
        self._ending = threading.Lock()
        self._waited_for = False
        with contextlib.ExitStack() as undo:
            self._api = RuntimeApi(limits.LAMBDA_RESPONSE_BYTES)
            undo.callback(self._api.close)
            self._scratch = Path(tempfile.mkdtemp(dir=place.scratch, prefix=f"{configuration.name[:32]}-"))
            undo.callback(shutil.rmtree, self._scratch, ignore_errors=True)
            child = spawn(
                lambda lifeline: [
                    *(place.runtime.python, "-X", f"pycache_prefix={place.bytecode}"),
                    *(place.runtime.bootstrap, str(lifeline), place.opt),
                ],
                folder=place.task,
                variables=self._variables(place, credentials),
            )
            self._process, self._lifeline = child.process, child.lifeline
            undo.callback(os.close, self._lifeline)  # it dies of that
            self._exit = os.pidfd_open(self._process.pid)
            self.usage = Usage(self._process.pid)
            undo.pop_all()
        self.log = ProcessLog(child.output, lambda events: write_log(configuration.log_group, self.log_stream, events))
        self._poll = select.poll()
        for readable in (self._api, self.log, self._exit):
            self._poll.register(readable, select.POLLIN)

    @property
    def has_exited(self) -> bool:
        """Whether it ended, killed or not."""
        with self._ending:
            return self._waited_for or self._is_zombie()

    def initialise(self, deadline: float) -> Outcome | None:
        """Wait until the process takes an event; how it ended if it never will. `deadline` is monotonic time."""
        while self._ready is None:
            step = self._step(deadline)
            if isinstance(step, Outcome):
                return step
            if step.is_next:
                self._ready = step
            elif step.is_init_error:
                step.accept()
                return Outcome(Ending.INIT_ERROR, step.body)
            else:
                step.refuse(404, "InvalidRequest", "The runtime has no invocation yet.")
        return self._exited() if self._is_zombie() else None

    def run(self, order: Order) -> Outcome:
        """Give the process its event, once `initialise` has said that it takes one, and wait for the end of it."""
        assert self._ready is not None, "initialise() comes first"  # noqa: S101
        self._ready.connection.reply(200, order.payload, order.headers())
        self._ready = None
        while True:
            step = self._step(order.deadline)
            if isinstance(step, Outcome):
                return step
            for kind, ending in (("response", Ending.RESPONSE), ("error", Ending.ERROR)):
                if step.is_answer(order.request_id, kind):
                    return self._answered(step, ending)
            step.refuse(400, "InvalidRequestID", "Invalid request ID")

    def kill(self) -> None:
        """End it and all that it started, at once; more than once does nothing."""
        with self._ending:
            if self._waited_for:  # its id may be another's by now
                return
            family = [] if self._is_zombie() else self.usage.descendants()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            for process in family:
                with contextlib.suppress(psutil.Error):
                    process.kill()

    def close(self) -> None:
        """Kill it and let go of all that it holds; once, by the thread that uses it."""
        self.kill()
        self._wait()
        self.log.close()
        self._api.close()
        os.close(self._exit)
        os.close(self._lifeline)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _variables(self, place: Place, credentials: Credentials) -> dict[str, str]:
        return environment(
            self.configuration,
            credentials=credentials,
            runtime=place.runtime,
            task=place.task,
            opt=place.opt,
            scratch=self._scratch,
            runtime_api=self._api.address,
            log_stream=self.log_stream,
            region=place.region,
            endpoint_url=place.endpoint_url,
        )

    def _answered(self, call: Call, ending: Ending) -> Outcome:
        if call.too_large:
            return Outcome(Ending.TOO_LARGE)  # the runtime client gives up on a refusal, so none is sent
        call.accept()
        if self.usage.peak_bytes() > self._memory_bytes:
            return Outcome(Ending.MEMORY)  # between two looks it had more than there is
        return Outcome(ending, call.body)

    @property
    def _memory_bytes(self) -> int:
        return self.configuration.memory_mb * limits.MIB

    def _step(self, deadline: float) -> Call | Outcome:
        """The next request of the runtime client, or how the process ended. Its output is taken on the way."""
        while True:
            now = time.monotonic()
            if now >= deadline:
                return Outcome(Ending.TIMEOUT)
            if now - self._memory_seen >= TICK_SECONDS:
                self._memory_seen = now
                if self.usage.resident_bytes() > self._memory_bytes:
                    return Outcome(Ending.MEMORY)
            ready = {fd for fd, _ in self._poll.poll(max(1.0, min(TICK_SECONDS, deadline - now) * 1000))}
            if self.log.fileno() in ready and not self.log.drain():
                self._poll.unregister(self.log)
            heard = [self._api.connections[fd] for fd in ready & self._api.connections.keys()]
            for connection in heard:
                try:
                    call = connection.receive()
                except EOFError:
                    self._poll.unregister(connection)
                    del self._api.connections[connection.fileno()]
                    connection.close()
                else:
                    if call is not None:
                        return call
            if self._api.fileno() in ready and (connection_made := self._api.accept()):
                self._poll.register(connection_made, select.POLLIN)
            elif self._exit in ready and not heard:  # what it still said counts
                return self._exited()

    def _exited(self) -> Outcome:
        self.kill()
        return Outcome(Ending.EXIT, exit_status=self._wait())

    def _wait(self) -> int:
        with self._ending:
            self._waited_for = True
            return self._process.wait()

    def _is_zombie(self) -> bool:
        ended = select.poll()
        ended.register(self._exit, select.POLLIN)
        return bool(ended.poll(0))


def log_stream_name(configuration: FunctionConfiguration) -> str:
    """As Lambda names a process's stream; in a log group that is not the function's own, with its name."""
    own = configuration.log_group == f"/aws/lambda/{configuration.name}"
    name = "" if own else configuration.name
    return f"{time.strftime('%Y/%m/%d', time.gmtime())}/{name}[{configuration.version}]{uuid.uuid4().hex}"

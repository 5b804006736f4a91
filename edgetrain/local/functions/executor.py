"""Lambda's Invoke: from a function's name and an event to its answer."""

import logging
import os
import shutil
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from edgetrain import limits
from edgetrain.local.functions.asynchronous import RETRY_SECONDS, Event, EventQueue
from edgetrain.local.functions.content import ContentStore
from edgetrain.local.functions.interface import FunctionConfiguration, FunctionServices, InvocationError, Result
from edgetrain.local.functions.invocation import (
    Initialised,
    check_payload,
    initialise,
    perform,
    read_client_context,
)
from edgetrain.local.functions.logs import LogWriter
from edgetrain.local.functions.pool import Pool, PoolClosed
from edgetrain.local.functions.process import FunctionProcess, Place
from edgetrain.local.functions.runtime import make_runtime, name_of_this_python
from edgetrain.local.functions.slots import Closed, Slots

LOGGER: Final = logging.getLogger(__name__)
REAP_EVERY_SECONDS: Final = 15.0
#: A process that has answered asks for its next event at once; longer than this, and it is stuck.
WARM_SECONDS: Final = 5.0
PAYLOAD_LIMITS: Final = {
    "RequestResponse": limits.LAMBDA_SYNC_PAYLOAD_BYTES,
    "DryRun": limits.LAMBDA_SYNC_PAYLOAD_BYTES,
    "Event": limits.LAMBDA_ASYNC_PAYLOAD_BYTES,
}


class Executor:
    """Runs deployed functions in processes of their own, at most `running_at_once` at a time.

    `scratch` is a folder of its own for temporary files and for unpacked packages, which the next executor takes over.
    `endpoint_url` is where functions find the cloud; a callable is asked at each start of a process.
    """

    def __init__(
        self,
        services: FunctionServices,
        *,
        scratch: Path,
        endpoint_url: Callable[[], str] | str,
        region: str,
        running_at_once: int = os.cpu_count() or 1,
        event_retry_seconds: Sequence[float] = RETRY_SECONDS,
    ) -> None:
        self._services = services
        self._scratch = scratch.absolute()
        self._endpoint_url = endpoint_url if callable(endpoint_url) else lambda: endpoint_url
        self._region = region
        self._content = ContentStore(self._scratch)
        self._temporary = self._scratch / "tmp"
        shutil.rmtree(self._temporary, ignore_errors=True)  # what a process left that was killed
        self._temporary.mkdir(parents=True)
        self._logs = LogWriter(services.put_log_events)
        self._pool: Pool[FunctionProcess] = Pool(idle_per_function=running_at_once)
        self._slots = Slots(running_at_once, self._processor_seconds)
        self._events = EventQueue(self._perform_event, running_at_once, event_retry_seconds)
        self._under_way: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._preparing: list[threading.Thread] = []
        self._closing = threading.Event()
        self._reaper = threading.Thread(target=self._reap, name="function-reaper", daemon=True)
        self._reaper.start()

    def invoke(
        self,
        function: str,
        payload: bytes,
        *,
        invocation_type: str = "RequestResponse",
        client_context: str | None = None,
    ) -> Result:
        """Invoke a function: its name, a partial or a whole ARN, with a JSON event (6 MB; 1 MB for `Event`).

        `RequestResponse` waits for the answer (200), `Event` runs the function later (202), `DryRun` only looks whether
        it could be run (204). `client_context` is JSON, or base64 of it as in the header of Invoke.

        Raises:
            InvocationError: an error of Lambda's API; a function that fails is a result with `function_error`.
        """
        limit = PAYLOAD_LIMITS.get(invocation_type)
        if limit is None:
            raise InvocationError(
                "InvalidParameterValueException",
                400,
                f"InvocationType is {invocation_type!r}: expected one of {', '.join(PAYLOAD_LIMITS)}",
            )
        event = check_payload(payload, limit)
        context = read_client_context(client_context)
        configuration = self._services.configuration(function)
        _check_runtime(configuration)
        request_id = str(uuid.uuid4())
        if invocation_type == "RequestResponse":
            return self._perform(configuration, event, request_id, context)
        if invocation_type == "Event":
            self._events.put(function, event, request_id)
        status = 202 if invocation_type == "Event" else 204
        return Result(
            status_code=status,
            payload=b"",
            function_error=None,
            executed_version=configuration.version,
            log_tail=b"",
            request_id=request_id,
        )

    def prepare(self, function: str) -> None:
        """Unpack a function and start a process for it, in the background: its next invocation is then a warm one.

        Lambda does so now and then of its own accord. What goes wrong is left to that invocation to tell.

        Raises:
            InvocationError: there is no such function, or it has another runtime.
        """
        configuration = self._services.configuration(function)
        _check_runtime(configuration)
        thread = threading.Thread(target=self._prepare, args=(configuration,), name="function-prepare", daemon=True)
        with self._counting:
            self._preparing = [other for other in self._preparing if other.is_alive()]
            self._preparing.append(thread)
            thread.start()

    def flush_logs(self) -> None:
        """Wait until what functions have logged so far is in CloudWatch Logs."""
        self._logs.flush()

    def close(self) -> None:
        """Kill every function process and end all threads. Invocations that wait or run end with ServiceException."""
        self._closing.set()
        self._slots.close()
        self._pool.close()
        self._events.close()
        for thread in (*self._preparing, self._reaper):
            thread.join()
        self._logs.close()

    def _perform_event(self, event: Event) -> Result:
        configuration = self._services.configuration(event.function)
        _check_runtime(configuration)
        return self._perform(configuration, event.payload, event.request_id, None)

    def _prepare(self, configuration: FunctionConfiguration) -> None:
        try:
            with self._slots.one():
                process, init = self._process(configuration)
                fails = init is not None and init.failed is not None
                (self._pool.discard if fails else self._pool.give_back)(process)
        except (Closed, PoolClosed):
            return
        except Exception as error:  # of the package, the role, the machine: the invocation will say so
            LOGGER.warning("function %s could not be prepared: %s", configuration.name, error)

    def _perform(
        self, configuration: FunctionConfiguration, payload: bytes, request_id: str, client_context: str | None
    ) -> Result:
        try:
            with self._counted(configuration), self._slots.one():
                process, init = self._process(configuration)
                lives = False
                try:
                    result, lives = perform(
                        process, request_id=request_id, payload=payload, client_context=client_context, init=init
                    )
                finally:
                    (self._pool.give_back if lives else self._pool.discard)(process)
        except (Closed, PoolClosed) as error:
            raise _closed() from error
        if result.function_error and not lives and self._closing.is_set():
            raise _closed()
        return result

    def _process(self, configuration: FunctionConfiguration) -> tuple[FunctionProcess, Initialised | None]:
        """A process that is ready for an event, or has failed to get ready: warm (None), or fresh and how that went."""
        while (warm := self._pool.take(configuration)) is not None:
            if warm.initialise(time.monotonic() + WARM_SECONDS) is None:
                return warm, None
            self._pool.discard(warm)  # it ended after its last answer: none of this invocation's business
        fresh = FunctionProcess(
            configuration,
            self._place(configuration),
            self._services.credentials(configuration.role_arn, configuration.name),
            self._logs.write,
        )
        self._pool.add(fresh)
        try:
            return fresh, initialise(fresh)
        except BaseException:
            self._pool.discard(fresh)
            raise

    def _place(self, configuration: FunctionConfiguration) -> Place:
        return Place(
            runtime=make_runtime(self._scratch / "runtime"),
            task=self._content.unpacked(configuration.code_sha256, configuration.read_code),
            opt=self._content.opt(configuration.layers),
            scratch=self._temporary,
            bytecode=self._scratch / "bytecode",
            region=self._region,
            endpoint_url=self._endpoint_url(),
        )

    @contextmanager
    def _counted(self, configuration: FunctionConfiguration) -> Iterator[None]:
        """Hold one of the function's reserved places, if it has such."""
        reserved = configuration.reserved_concurrency
        with self._counting:
            if reserved is not None and self._under_way[configuration.name] >= reserved:
                raise InvocationError("TooManyRequestsException", 429, "Rate Exceeded.")
            self._under_way[configuration.name] += 1
        try:
            yield
        finally:
            with self._counting:
                self._under_way[configuration.name] -= 1

    def _processor_seconds(self) -> float:
        return sum(process.usage.processor_seconds() for process in self._pool.busy())

    def _reap(self) -> None:
        while not self._closing.wait(REAP_EVERY_SECONDS):
            self._pool.reap()


def _check_runtime(configuration: FunctionConfiguration) -> None:
    ours = name_of_this_python()
    if configuration.runtime != ours:
        raise InvocationError(
            "InvalidRuntimeException",
            502,
            f"Function {configuration.name} has runtime {configuration.runtime}, and this cloud runs on {ours}: deploy it "
            "for target host.",
        )


def _closed() -> InvocationError:
    return InvocationError("ServiceException", 500, "The cloud is being shut down.")

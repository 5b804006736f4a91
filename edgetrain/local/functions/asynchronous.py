"""Asynchronous invocations: a queue in memory, retries as Lambda does them."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from edgetrain import limits
from edgetrain.local.functions.interface import InvocationError, Result

LOGGER: Final = logging.getLogger(__name__)
#: A function that fails is run again after a minute, and once more after two.
RETRY_SECONDS: Final = (60.0, 120.0)
#: When it could not be run at all, Lambda tries for hours, ever more slowly.
FIRST_BACKOFF_SECONDS: Final = 1.0
LAST_BACKOFF_SECONDS: Final = 300.0


@dataclass(frozen=True, kw_only=True)
class Event:
    """An asynchronous invocation. `failures` of the function, `refusals` by Lambda; `arrived` in monotonic time."""

    function: str
    payload: bytes
    request_id: str
    arrived: float
    failures: int = 0
    refusals: int = 0


class EventQueue:
    """Runs events on `workers` threads, in the order in which they are due.

    `perform` invokes the function once. What fails to the end is logged and dropped; so is what is queued at `close`.
    """

    def __init__(
        self,
        perform: Callable[[Event], Result],
        workers: int,
        retry_seconds: Sequence[float] = RETRY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._perform = perform
        self._workers = workers
        self._retry_seconds = retry_seconds
        self._clock = clock
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Event]] = []
        self._sequence = itertools.count()
        self._threads: list[threading.Thread] = []
        self._closed = False

    def put(self, function: str, payload: bytes, request_id: str) -> None:
        """Take an event."""
        now = self._clock()
        self._push(now, Event(function=function, payload=payload, request_id=request_id, arrived=now))

    def close(self) -> None:
        """End the threads, once what they run has ended; more than once does nothing."""
        with self._changed:
            self._closed = True
            dropped, self._due = len(self._due), []
            self._changed.notify_all()
        if dropped:
            LOGGER.warning("%d asynchronous invocations were waiting and are dropped", dropped)
        for thread in self._threads:
            thread.join()

    def _push(self, due: float, event: Event) -> None:
        with self._changed:
            if self._closed:
                return
            heapq.heappush(self._due, (due, next(self._sequence), event))
            if len(self._threads) < self._workers:
                thread = threading.Thread(target=self._run, name="function-events", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._changed.notify()

    def _next(self) -> Event | None:
        with self._changed:
            while not self._closed:
                wait = self._due[0][0] - self._clock() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait)
            return None

    def _run(self) -> None:
        while (event := self._next()) is not None:
            again = self._attempt(event)
            if again is not None:
                self._push(*again)

    def _attempt(self, event: Event) -> tuple[float, Event] | None:
        """Run an event; when to run it again, and as what."""
        try:
            result = self._perform(event)
        except InvocationError as error:
            return self._refused(event, error)
        except Exception:  # the thread has other events to run
            LOGGER.exception("asynchronous invocation %s of %s", event.request_id, event.function)
            return None
        if result.function_error is None:
            return None
        if event.failures >= len(self._retry_seconds):
            LOGGER.warning("asynchronous invocation %s of %s failed for good", event.request_id, event.function)
            return None
        due = self._clock() + self._retry_seconds[event.failures]
        return due, replace(event, failures=event.failures + 1)

    def _refused(self, event: Event, error: InvocationError) -> tuple[float, Event] | None:
        transient = error.status == 429 or error.status >= 500
        backoff = min(LAST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2.0 ** min(event.refusals, 16))
        due = self._clock() + backoff
        if not transient or due - event.arrived > limits.LAMBDA_EVENT_AGE_SECONDS:
            LOGGER.warning(
                "asynchronous invocation %s of %s is dropped: %s", event.request_id, event.function, error.message
            )
            return None
        return due, replace(event, refusals=event.refusals + 1)

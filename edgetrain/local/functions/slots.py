"""How many invocations run at once: as many as there are cores; others wait in the order in which they came."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

#: A waiting invocation asks so often whether those that run do anything at all.
PATIENCE_SECONDS: Final = 1.0
#: Less than this share of one core is doing nothing.
IDLE_SHARE: Final = 0.05
#: So many may run beyond the cores when the others only wait.
BEYOND: Final = 16


class Closed(Exception):
    """There will be no more slots."""


class Slots:
    """`number` slots, given out first come, first served.

    A function that waits for another (it invokes it, or sleeps) holds its slot and no core. So that such functions
    neither lock each other out nor hold up the rest, the first in the queue goes ahead when those that run have used
    next to no processor time for a second. `processor_seconds` is what those that run have used so far.
    """

    def __init__(self, number: int, processor_seconds: Callable[[], float]) -> None:
        self._number = number
        self._processor_seconds = processor_seconds
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._running = 0
        self._closed = False

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a slot.

        Raises:
            Closed: `close` was called while it waited, or before.
        """
        self._acquire()
        try:
            yield
        finally:
            self._release()

    def close(self) -> None:
        """Turn away those that wait and those that come."""
        with self._lock:
            self._closed = True
            for turn in self._waiting:
                turn.set()
            self._waiting.clear()

    def _acquire(self) -> None:
        with self._lock:
            if self._closed:
                raise Closed
            if self._running < self._number and not self._waiting:
                self._running += 1
                return
            turn = threading.Event()
            self._waiting.append(turn)
        before = None
        while not turn.wait(PATIENCE_SECONDS):
            now = self._processor_seconds()
            if before is not None and 0 <= now - before < IDLE_SHARE * PATIENCE_SECONDS:
                self._let_ahead(turn)
            before = now
        if self._closed:
            raise Closed

    def _let_ahead(self, turn: threading.Event) -> None:
        with self._lock:
            if self._waiting and self._waiting[0] is turn and self._running < self._number + BEYOND:
                self._waiting.popleft()
                self._running += 1
                turn.set()

    def _release(self) -> None:
        with self._lock:
            self._running -= 1
            if self._waiting and self._running < self._number:
                self._running += 1
                self._waiting.popleft().set()

"""The processes there are: who is idle, whose function has changed, who has been idle too long."""

import threading
import time
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

from edgetrain.local.functions.interface import FunctionConfiguration

#: An idle process is kept this long,
IDLE_SECONDS: Final = 300.0
#: and no process longer than this: its role's credentials were made for an hour when it started.
AGE_SECONDS: Final = 45 * 60.0
#: So many idle processes are kept; of more, the one that was used least recently ends.
IDLE_ALTOGETHER: Final = 24


class Pooled(Protocol):
    """What the pool knows of a process."""

    configuration: FunctionConfiguration
    started: float

    @property
    def has_exited(self) -> bool:
        """It ended by itself."""
        ...

    def kill(self) -> None:
        """End it; from any thread."""
        ...

    def close(self) -> None:
        """End it and let go of what it holds."""
        ...


Process = TypeVar("Process", bound=Pooled)


class PoolClosed(Exception):
    """The pool takes no processes any more."""


class Pool(Generic[Process]):
    """Processes that are in use (`busy`) and those that wait for an event, the most recently used last.

    `idle_per_function` bounds the second kind for each function. `clock` is monotonic time.
    """

    def __init__(self, idle_per_function: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._idle_per_function = idle_per_function
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: list[tuple[float, Process]] = []
        self._busy: set[Process] = set()
        self._revisions: dict[str, str] = {}
        self._closed = False

    def take(self, configuration: FunctionConfiguration) -> Process | None:
        """The function's warmest process, now busy; None when a new one has to be started.

        Idle processes of another revision of the function end here.
        """
        found: Process | None = None
        with self._lock:
            self._revisions[configuration.arn] = configuration.revision
            leaving = self._leave_out(lambda _, process: not self._is_fit(process))
            for entry in reversed(self._idle):
                if entry[1].configuration.arn == configuration.arn:
                    self._idle.remove(entry)
                    found = entry[1]
                    self._busy.add(found)
                    break
        _close(leaving)
        return found

    def add(self, process: Process) -> None:
        """A process that was just started, and is busy.

        Raises:
            PoolClosed: too late; the process is closed.
        """
        with self._lock:
            if not self._closed:
                self._busy.add(process)
                return
        process.close()
        raise PoolClosed

    def give_back(self, process: Process) -> None:
        """It answered and may serve again, if its function is still the same."""
        with self._lock:
            self._busy.discard(process)
            keep = not self._closed and self._is_fit(process)
            if keep:
                self._idle.append((self._clock(), process))
            leaving = [] if keep else [process]
            leaving += self._beyond_the_limits(process.configuration.arn)
        _close(leaving)

    def discard(self, process: Process) -> None:
        """It ended, or is to end."""
        with self._lock:
            self._busy.discard(process)
        process.close()

    def reap(self) -> None:
        """End what has been idle, or has lived, for too long."""
        with self._lock:
            oldest = self._clock() - IDLE_SECONDS
            leaving = self._leave_out(lambda since, process: since <= oldest or not self._is_fit(process))
        _close(leaving)

    def busy(self) -> list[Process]:
        """Those in use."""
        with self._lock:
            return list(self._busy)

    def close(self) -> None:
        """End all of them. Who uses one learns it from the process, and gives it back or discards it as ever."""
        with self._lock:
            self._closed = True
            busy = list(self._busy)
            leaving = self._leave_out(lambda *_: True)
        for process in busy:
            process.kill()
        _close(leaving)

    def _is_fit(self, process: Process) -> bool:
        current = self._revisions.get(process.configuration.arn) == process.configuration.revision
        return current and self._clock() - process.started < AGE_SECONDS and not process.has_exited

    def _leave_out(self, leaves: Callable[[float, Process], bool]) -> list[Process]:
        """Take those idle ones out that `leaves(idle since, process)` names."""
        leaving = [process for since, process in self._idle if leaves(since, process)]
        self._idle = [entry for entry in self._idle if entry[1] not in leaving]
        return leaving

    def _beyond_the_limits(self, arn: str) -> list[Process]:
        same = [process for _, process in self._idle if process.configuration.arn == arn]
        leaving = same[: max(0, len(same) - self._idle_per_function)]
        if not leaving and len(self._idle) > IDLE_ALTOGETHER:
            leaving = [self._idle[0][1]]
        self._idle = [entry for entry in self._idle if entry[1] not in leaving]
        return leaving


def _close(processes: list[Process]) -> None:
    for process in processes:
        process.close()

"""The containers of one configuration of an endpoint: kept alive, asked in turn, drained when others have taken over."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Final, Protocol

from edgetrain import limits
from edgetrain.local.sagemaker.container import (
    GRACE_SECONDS,
    Answer,
    Broken,
    Container,
    NotReached,
    TimedOut,
    await_ready,
)

logger = logging.getLogger(__name__)

#: How long a container may take until it answers, and how often its first start is tried (its port may have been taken meanwhile).
START_SECONDS: Final = 120.0
FIRST_STARTS: Final = 2
#: Between restarts of a container that ends again and again.
BACK_OFF_SECONDS: Final = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
#: One that has answered for so long has not failed at its start.
SETTLED_SECONDS: Final = 30.0
#: A container that broke a connection, and ends, has ended by then.
ENDING_SECONDS: Final = 0.2


class Throttled(Exception):
    """More requests at once than the configuration allows."""


class Starts(Protocol):
    """Starts a container."""

    def __call__(self) -> Container: ...


class Replica:
    """One container's place: when the container ends, another takes it."""

    def __init__(self, start: Starts, changed: threading.Condition) -> None:
        self._start = start
        self._changed = changed
        self.container: Container | None = None
        self.is_ready = False
        #: Why the first container did not come up.
        self.failure: str | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="replica", daemon=True)
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """End the container, and start no other."""
        self._stopped.set()
        container = self.container
        if container is not None:
            container.close(seconds)
        self._thread.join()
        if self.container is not None and self.container is not container:  # it was being started just then
            self.container.close(seconds)

    def _keep(self) -> None:
        try:
            if self._come_up():
                self._stay_up()
        except Exception as error:  # a place that nobody keeps must not look as if it came up
            logger.exception("a container cannot be started")
            self._tell(failure=f"{type(error).__name__}: {error}")

    def _come_up(self) -> bool:
        reason: str | None = None
        for _ in range(FIRST_STARTS):
            reason = self._try()
            if reason is None or self._stopped.is_set():
                break
        if reason is not None:
            self._tell(failure=reason)
        return reason is None

    def _try(self) -> str | None:
        """Start a container and wait until it answers; why it does not, or None."""
        container = self.container = self._start()
        reason = await_ready(container, START_SECONDS, lambda: not self._stopped.is_set())
        if reason is None:
            self._tell(is_ready=True)
        elif not self._stopped.is_set():
            container.close(0)
        return reason

    def _stay_up(self) -> None:
        failures = 0
        while True:
            began = time.monotonic()
            if self.container is not None and self.is_ready:
                status = self.container.wait()
                self._tell(is_ready=False)
                if self._stopped.is_set():
                    return
                logger.warning("a container ended (exit status %s): another is started", status)
            failures = 0 if time.monotonic() - began > SETTLED_SECONDS else failures + 1
            pause = BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS)) - 1] if failures else 0.0
            if self._stopped.wait(pause):
                return
            if (reason := self._try()) is not None and not self._stopped.is_set():
                logger.warning("a container does not start: %s", reason)
            if self._stopped.is_set():
                return

    def _tell(self, *, is_ready: bool = False, failure: str | None = None) -> None:
        with self._changed:
            self.is_ready, self.failure = is_ready, failure
            self._changed.notify_all()


class Fleet:
    """All containers of one configuration. `most` is how many requests it takes at once; None: any number."""

    def __init__(self, start: Starts, *, size: int, most: int | None, after: Callable[[], None]) -> None:
        """Start `size` containers; `after` is called when all have ended."""
        self._changed = threading.Condition()
        self._turns = count()
        self._most = most
        self._after = after
        self._under_way = 0
        self._stopping = threading.Lock()
        self.is_stopped = False
        self._replicas = [Replica(start, self._changed) for _ in range(size)]

    @property
    def pids(self) -> list[int]:
        """The containers' processes."""
        return [each.container.pid for each in self._replicas if each.container is not None]

    def await_in_service(self) -> str | None:
        """Wait until all answer; why one does not, or None."""
        with self._changed:
            self._changed.wait_for(lambda: self._failure() or all(each.is_ready for each in self._replicas))
            return self._failure()

    def _failure(self) -> str | None:
        return next((each.failure for each in self._replicas if each.failure is not None), None)

    @contextmanager
    def reserved(self) -> Iterator[None]:
        """A place for one request: the fleet does not end meanwhile.

        Raises:
            Throttled: there is none.
        """
        with self._changed:
            if self._most is not None and self._under_way >= self._most:
                raise Throttled
            self._under_way += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def ask(self, headers: dict[str, str], body: bytes) -> Answer:
        """Ask a container, once more when the first one ended before it answered.

        Raises:
            TimedOut: no answer within SageMaker's 60 seconds.
            Broken: the container ended twice.
        """
        deadline = time.monotonic() + limits.SAGEMAKER_MODEL_SECONDS
        breaks = 0
        while True:
            container = self._next(deadline)
            try:
                return container.ask(headers, body, max(0.001, deadline - time.monotonic()))
            except NotReached:
                time.sleep(0.01)
            except Broken:
                breaks += 1
                if breaks > 1:
                    raise
                if container.ends_within(ENDING_SECONDS):
                    self._pass_by(container)

    def _pass_by(self, container: Container) -> None:
        """It has ended, and its place may not know yet: it is not asked again."""
        with self._changed:
            for replica in self._replicas:
                if replica.container is container:
                    replica.is_ready = False

    def _next(self, deadline: float) -> Container:
        """One that answers, in turn; waits while none does."""
        with self._changed:
            while True:
                ready = [each.container for each in self._replicas if each.is_ready and each.container is not None]
                if ready:
                    return ready[next(self._turns) % len(ready)]
                if not self._changed.wait(deadline - time.monotonic()) and time.monotonic() >= deadline:
                    raise TimedOut

    def drain(self) -> None:
        """Wait until what is under way is answered, then stop."""
        with self._changed:
            self._changed.wait_for(lambda: self._under_way == 0, limits.SAGEMAKER_MODEL_SECONDS)
        self.stop()

    def stop(self, seconds: float = GRACE_SECONDS) -> None:
        """End all containers; once more waits for the first time."""
        with self._stopping:
            if self.is_stopped:
                return
            self.is_stopped = True
            closing = [threading.Thread(target=each.stop, args=(seconds,)) for each in self._replicas]
            for thread in closing:
                thread.start()
            for thread in closing:
                thread.join()
            self._after()

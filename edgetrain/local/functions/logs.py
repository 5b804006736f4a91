"""What functions print, on its way to CloudWatch Logs."""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from edgetrain import limits

LOGGER: Final = logging.getLogger(__name__)
READ_BYTES: Final = 64 * limits.KIB
#: Events wait this long for others of their stream: writing costs processor time that invocations would have.
GATHER_SECONDS: Final = 0.5
#: PutLogEvents takes no more events at once.
BATCH_EVENTS: Final = 10_000

Event = tuple[int, str]  # (milliseconds since the epoch, text)


class ProcessLog:
    """The log stream of one function process: its output, line by line, and the platform's own lines between.

    `descriptor` is the reading end of the pipe that is the process's standard output and error; it is owned (closed)
    here. Not for several threads at once: a process does one thing at a time.
    """

    def __init__(self, descriptor: int, sink: Callable[[Sequence[Event]], None]) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._sink = sink
        self._partial = b""
        self._tail = bytearray()

    def fileno(self) -> int:
        """For polling."""
        return self._descriptor

    def drain(self) -> bool:
        """Take all that has been printed; whether more can come."""
        while True:
            try:
                chunk = os.read(self._descriptor, READ_BYTES)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            *lines, self._partial = (self._partial + chunk).split(b"\n")
            if len(self._partial) > limits.LAMBDA_LOG_EVENT_BYTES:
                lines.append(self._partial)
                self._partial = b""
            self._emit(lines)

    def write(self, *lines: str) -> None:
        """The platform's own lines, after all that was printed before."""
        self.drain()
        printed = [self._partial] if self._partial else []
        self._partial = b""
        self._emit([*printed, *(line.encode() for line in lines)])

    def tail(self) -> bytes:
        """The last 4 KB since `forget`."""
        return bytes(self._tail[-limits.LAMBDA_LOG_TAIL_BYTES :])

    def forget(self) -> None:
        """A new invocation begins: what came before is not in its tail."""
        self._tail.clear()

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._descriptor)

    def _emit(self, lines: Sequence[bytes]) -> None:
        now = time.time_ns() // 1_000_000
        events = []
        for line in lines:
            # The runtime client writes an error as one line and parts it by carriage returns, so that it is one event.
            text = line.rstrip(b"\r").replace(b"\r", b"\n")
            self._tail += text + b"\n"
            for start in range(0, len(text) or 1, limits.LAMBDA_LOG_EVENT_BYTES):
                part = text[start : start + limits.LAMBDA_LOG_EVENT_BYTES]
                events.append((now, part.decode("utf-8", errors="replace")))
        del self._tail[: -limits.LAMBDA_LOG_TAIL_BYTES]
        if events:
            self._sink(events)


class LogWriter:
    """Carries events to the log streams on a thread of its own, so that no invocation waits for its log.

    `put` is PutLogEvents: (log group, log stream, events).
    """

    def __init__(self, put: Callable[[str, str, Sequence[Event]], None]) -> None:
        self._put = put
        self._changed = threading.Condition()
        self._pending: dict[tuple[str, str], list[Event]] = {}
        self._writing = False
        self._hurry = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="function-logs", daemon=True)
        self._thread.start()

    def write(self, group: str, stream: str, events: Sequence[Event]) -> None:
        """Take events for a stream; those of one stream arrive in order."""
        with self._changed:
            if not self._pending:  # else the thread knows, and gathers
                self._changed.notify_all()
            self._pending.setdefault((group, stream), []).extend(events)

    def flush(self) -> None:
        """Wait until all that was written before has arrived."""
        with self._changed:
            self._hurry += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._pending and not self._writing)
            self._hurry -= 1

    def close(self) -> None:
        """Deliver what there is, and end the thread; once more does nothing."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending or self._closed)
                self._changed.wait_for(lambda: self._hurry or self._closed, timeout=GATHER_SECONDS)
                batch, self._pending = self._pending, {}
                if not batch:
                    return
                self._writing = True
            for (group, stream), events in batch.items():
                self._deliver(group, stream, events)
            with self._changed:
                self._writing = False
                self._changed.notify_all()

    def _deliver(self, group: str, stream: str, events: list[Event]) -> None:
        try:
            for start in range(0, len(events), BATCH_EVENTS):
                self._put(group, stream, events[start : start + BATCH_EVENTS])
        except Exception:  # a log that cannot be written must end neither this thread nor a function
            LOGGER.exception("%d log events of %s, %s could not be written", len(events), group, stream)

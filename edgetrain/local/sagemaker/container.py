"""One container, as a process: started, asked, stopped."""

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import urllib3

from edgetrain.local.children import spawn
from edgetrain.local.functions.logs import Event, ProcessLog
from edgetrain.local.place import LOOPBACK

BOOTSTRAP: Final = Path(__file__).with_name("bootstrap.py")
LOOK_SECONDS: Final = 0.03
PING_SECONDS: Final = 2.0
#: Connections to one container that are kept.
CONNECTIONS: Final = 64
#: Of what a container that does not start has printed, this many lines are told.
LAST_LINES: Final = 3
#: What a container's program gets as its way out: SageMaker kills after 30 seconds.
GRACE_SECONDS: Final = 30.0


@dataclass(frozen=True, kw_only=True)
class Program:
    """What a container runs: Python's arguments, the folder that it runs in, its variables but for the port."""

    arguments: Sequence[str]
    folder: Path
    variables: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """What a container answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NotReached(Exception):
    """The container took no request: it may be asked again."""


class Broken(Exception):
    """The container took the request and gave no answer: it ended, or closed the connection."""


class TimedOut(Exception):
    """The container took the request and has not answered in time."""


class Container:
    """A process of a serving program. `close` may be called by any thread; the others, too."""

    def __init__(self, program: Program, write_log: Callable[[Sequence[Event]], None]) -> None:
        """Start it. It answers once `is_ready` says so."""
        self._port = free_port()
        self._pool = urllib3.HTTPConnectionPool(LOOPBACK, self._port, maxsize=CONNECTIONS, retries=False)
        self._last: list[str] = []
        self._write_log = write_log
        child = spawn(
            lambda lifeline: [sys.executable, BOOTSTRAP, str(lifeline), *program.arguments],
            folder=program.folder,
            variables={**program.variables, "SAGEMAKER_BIND_TO_PORT": str(self._port), "SERVE_HOST": LOOPBACK},
        )
        self._process, self._lifeline = child.process, child.lifeline
        self._log = ProcessLog(child.output, self._printed)
        self._reader = threading.Thread(target=self._read, name=f"container-{self._process.pid}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def last_words(self) -> str:
        """The end of what it has printed, in one line."""
        return " ".join(self._last[-LAST_LINES:])

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def ends_within(self, seconds: float) -> bool:
        """Whether it ends, or has ended, in that time."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def wait(self) -> int:
        """Until it has ended and all that it printed was taken; its exit status."""
        status = self._process.wait()
        self._reader.join()
        return status

    def is_ready(self) -> bool:
        """Whether `/ping` answers 200."""
        try:
            return bool(self._pool.request("GET", "/ping", timeout=PING_SECONDS).status == 200)
        except urllib3.exceptions.HTTPError:
            return False

    def ask(self, headers: Mapping[str, str], body: bytes, seconds: float) -> Answer:
        """POST `/invocations`.

        Raises:
            NotReached, Broken, TimedOut: there is no answer.
        """
        try:
            reply = self._pool.request(
                "POST",
                "/invocations",
                headers=dict(headers),
                body=body,
                timeout=urllib3.Timeout(connect=PING_SECONDS, read=seconds),
            )
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
            raise NotReached from error
        except urllib3.exceptions.ReadTimeoutError as error:
            raise TimedOut from error
        except urllib3.exceptions.HTTPError as error:
            raise Broken from error
        return Answer(reply.status, dict(reply.headers), reply.data)

    def close(self, seconds: float = GRACE_SECONDS) -> None:
        """Ask it to end, wait, and kill it when it does not; once more does nothing."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._reader.join()
        self._pool.close()

    def _printed(self, events: Sequence[Event]) -> None:
        self._last = [*self._last, *(text for _, text in events)][-LAST_LINES:]
        self._write_log(events)

    def _read(self) -> None:
        """Take its output until it ends."""
        poll = select.poll()
        poll.register(self._log, select.POLLIN)
        while True:
            poll.poll()
            if not self._log.drain():
                break
        self._log.write()
        self._log.close()
        self._process.wait()
        os.close(self._lifeline)


def await_ready(container: Container, seconds: float, is_wanted: Callable[[], bool]) -> str | None:
    """Wait until it answers; why it never will, or None."""
    deadline = time.monotonic() + seconds
    while is_wanted():
        if container.has_ended():
            status = container.wait()
            return f"it ended with exit status {status}: {container.last_words or 'it printed nothing'}"
        if container.is_ready():
            return None
        if time.monotonic() > deadline:
            return f"it does not answer /ping after {seconds:g} seconds: {container.last_words or 'it printed nothing'}"
        time.sleep(LOOK_SECONDS)
    return "the endpoint was stopped"


def free_port() -> int:
    """A port of the loopback that nobody listens on, for now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])

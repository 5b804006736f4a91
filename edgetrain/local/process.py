"""The embedded cloud as a process: start it, find it, stop it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from edgetrain import errors
from edgetrain.errors import CloudAlreadyRunning, EdgetrainError, ExtraMissing, PortInUse

if TYPE_CHECKING:
    from edgetrain.local.server import CloudServer

DEFAULT_PORT: Final = 4566
PID_FILE: Final = "cloud.pid"
LOCK_FILE: Final = "cloud.lock"
LOG_FILE: Final = "cloud.log"
#: How long a start may take before it is given up, and a stop before it is forced, in seconds.
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 15.0
LOOK_SECONDS: Final = 0.02
#: Processes of one number that started closer to each other are the same (clocks are set now and then).
SAME_START_SECONDS: Final = 2.0
#: The child writes one line of JSON here: where it runs, or why it does not.
REPORT_FD: Final = "EDGETRAIN_CLOUD_REPORT"
#: What the cloud imports beyond the core install.
NEEDED: Final = ("awslambdaric", "cheroot", "moto", "psutil")


class CloudDidNotStart(EdgetrainError):
    """The embedded cloud ended while it started, for a reason that its log has."""


@dataclass(frozen=True)
class RunningCloud:
    """A cloud that answers: AWS's APIs at `endpoint`, the web site at `web` (URLs without a slash at the end).

    `started_at` is when its process started, in seconds since the epoch.
    """

    pid: int
    endpoint: str
    data_dir: Path
    started_at: float
    web: str


def status(data_dir: Path) -> RunningCloud | None:
    """The cloud that runs on a data directory, or None. The file that a killed cloud left is removed."""
    file = data_dir.absolute() / PID_FILE
    try:
        written: dict[str, Any] = json.loads(file.read_text())
        running = _read(written, data_dir.absolute())
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        file.unlink(missing_ok=True)
        return None
    if not _runs(running):
        file.unlink(missing_ok=True)
        return None
    return running


def _described(running: RunningCloud) -> dict[str, Any]:
    """A cloud as its file and its report to its starter describe it."""
    return {**asdict(running), "data_dir": str(running.data_dir)}


def _read(described: Mapping[str, Any], data_dir: Path) -> RunningCloud:
    """The cloud on `data_dir` out of its description."""
    return RunningCloud(
        int(described["pid"]), described["endpoint"], data_dir, described["started_at"], described["web"]
    )


def _runs(cloud: RunningCloud) -> bool:
    """Whether the cloud's process is there, and not another one that has its number by now."""
    started_at = _started_at(cloud.pid)
    return started_at is not None and abs(started_at - cloud.started_at) < SAME_START_SECONDS


def start(data_dir: Path, *, port: int = DEFAULT_PORT) -> RunningCloud:
    """Start a cloud that goes on without us, and wait until it answers. Port 0: any that is free.

    Raises:
        ExtraMissing: the packages of the embedded cloud are not installed.
        CloudAlreadyRunning: there is one on this data directory.
        PortInUse: somebody else listens there.
        CloudDidNotStart: it ended at once; its log says why.
    """
    if missing := [package for package in NEEDED if find_spec(package) is None]:
        raise ExtraMissing(f"the embedded cloud needs {', '.join(missing)}: pip install 'edgetrain[local]'")
    data_dir = data_dir.absolute()
    _refuse_second(data_dir)
    data_dir.mkdir(parents=True, exist_ok=True)
    log = data_dir / LOG_FILE
    reading, writing = os.pipe()
    command = [sys.executable, "-m", __name__, str(data_dir), str(port)]
    with log.open("ab") as output, os.fdopen(reading, "rb") as report:
        try:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=[writing],
                env={**os.environ, REPORT_FD: str(writing)},
            )
        finally:
            os.close(writing)
        try:
            return _await_report(child, report, log, data_dir)
        except BaseException:
            child.kill()
            child.wait()
            raise


def _await_report(child: "subprocess.Popen[bytes]", report: Any, log: Path, data_dir: Path) -> RunningCloud:
    timer = threading.Timer(START_SECONDS, child.kill)
    timer.start()
    try:
        line = report.readline()
    finally:
        timer.cancel()
    if not line:
        code = child.wait()
        raise CloudDidNotStart(f"the embedded cloud ended while it started (exit code {code}): see {log}")
    told = json.loads(line)
    if "error" in told:
        child.wait()
        raise getattr(errors, told["error"], CloudDidNotStart)(told["message"])
    # It is nobody's child to wait for: let the interpreter not warn of it.
    child.returncode = 0
    return _read(told, data_dir)


def _refuse_second(data_dir: Path) -> None:
    running = status(data_dir)
    if running is not None:
        raise CloudAlreadyRunning(
            f"an embedded cloud already runs on {data_dir} (process {running.pid}, {running.endpoint}): "
            "stop it with `edgetrain down`, or choose another --data-dir"
        )


def stop(data_dir: Path) -> RunningCloud | None:
    """Stop the cloud of a data directory and wait until its process is gone; the cloud that ran, or None."""
    running = status(data_dir)
    if running is None:
        return None
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(running.pid, how)
        if _is_gone_within(STOP_SECONDS, running):
            break
    (running.data_dir / PID_FILE).unlink(missing_ok=True)
    return running


def _is_gone_within(seconds: float, running: RunningCloud) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(ChildProcessError):  # it may be our own child, which ends as a zombie
            os.waitpid(running.pid, os.WNOHANG)
        if not _runs(running):
            return True
        time.sleep(LOOK_SECONDS)
    return False


def serve(data_dir: Path, *, port: int, on_ready: Callable[[RunningCloud], None]) -> None:
    """Run a cloud in this process until SIGINT or SIGTERM; call it in the main thread.

    `on_ready` is called once it answers; a signal meanwhile interrupts it, and what it raises ends the cloud.

    Raises:
        CloudAlreadyRunning: there is one on this data directory.
        PortInUse: somebody else listens there.
    """
    data_dir = data_dir.absolute()
    data_dir.mkdir(parents=True, exist_ok=True)
    with _only_one(data_dir), _signals() as signals, suppress(_Interrupted):
        from edgetrain.local.server import CloudServer, stop_servers, web_server

        server = CloudServer(port)
        servers = [server]
        try:
            servers.append(web_server(server.port, free=port == 0))
            _serve(server, servers[-1], data_dir, on_ready, signals)
        finally:
            stop_servers(servers)


def _serve(
    server: "CloudServer",
    web: "CloudServer",
    data_dir: Path,
    on_ready: Callable[[RunningCloud], None],
    signals: "_Signals",
) -> None:
    from edgetrain.local.cloud import EmbeddedCloud

    cloud = EmbeddedCloud(data_dir, server.endpoint, web.endpoint)
    try:
        server.start(cloud.application)
        web.start(cloud.web)
        started_at = _started_at(os.getpid()) or 0.0
        running = RunningCloud(os.getpid(), server.endpoint, data_dir, started_at, web.endpoint)
        _write_pid_file(running)
        cloud.warm_up()
        on_ready(running)
        signals.wait()
    finally:
        signals.ignore()
        (data_dir / PID_FILE).unlink(missing_ok=True)
        cloud.close()


class _Interrupted(BaseException):
    """A signal came while the main thread did something else than to wait for it."""


class _Signals:
    """SIGINT and SIGTERM: raised in the main thread, once."""

    def __init__(self) -> None:
        self._ignored = False

    def handle(self, _number: int, _frame: FrameType | None) -> None:
        if not self._ignored:
            self._ignored = True
            raise _Interrupted

    def ignore(self) -> None:
        self._ignored = True

    @staticmethod
    def wait() -> None:
        """Until a signal comes."""
        while True:
            signal.pause()


@contextmanager
def _signals() -> Iterator[_Signals]:
    signals = _Signals()
    before = {number: signal.signal(number, signals.handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _only_one(data_dir: Path) -> Iterator[None]:
    """Hold the data directory, or raise `CloudAlreadyRunning`. The lock goes with the process, however it ends."""
    import fcntl

    with (data_dir / LOCK_FILE).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            _refuse_second(data_dir)
            raise CloudAlreadyRunning(f"an embedded cloud starts or stops on {data_dir} at this moment") from error
        yield


def _write_pid_file(running: RunningCloud) -> None:
    new = running.data_dir / f"{PID_FILE}.new"
    new.write_text(json.dumps(_described(running)) + "\n")
    new.replace(running.data_dir / PID_FILE)


def _started_at(pid: int) -> float | None:
    """When a process started; None of one that is not there, or is no more than its exit code."""
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.NoSuchProcess:
        return None


def main(arguments: list[str]) -> int:
    """What `start` runs: a cloud that reports to its starter."""
    import logging

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    data_dir, port = Path(arguments[0]), int(arguments[1])
    report = int(os.environ.pop(REPORT_FD))

    def tell(what: dict[str, Any]) -> None:
        with suppress(BrokenPipeError), os.fdopen(report, "w") as pipe:
            pipe.write(json.dumps(what) + "\n")

    def ready(running: RunningCloud) -> None:
        tell(_described(running))

    try:
        serve(data_dir, port=port, on_ready=ready)
    except (CloudAlreadyRunning, PortInUse) as error:
        tell({"error": type(error).__name__, "message": str(error)})
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

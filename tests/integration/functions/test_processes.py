"""Which process serves an invocation, how many there are, and that none is left behind."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from edgetrain.local.functions import Executor, InvocationError
from edgetrain.local.functions.process import FunctionProcess
from tests.integration.functions.deployed import REGION, Deployment, SmallCloud
from tests.waiting import eventually

PID = "import os\n\ndef handler(event, context):\n    return os.getpid()\n"
WAITS = """
import os, pathlib, signal, subprocess, time

def handler(event, context):
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "600"], start_new_session=bool(event.get("apart")))
    pathlib.Path(event["pids"]).write_text(f"{os.getpid()} {child.pid}")
    time.sleep(600)
"""
PARENT = """
import json, os, sys, threading, pathlib
sys.path.insert(0, os.getcwd())
from edgetrain.local.functions import Executor
from tests.integration.functions.deployed import REGION, SmallCloud
from tests.integration.functions.test_processes import WAITS

folder = pathlib.Path(sys.argv[1])
cloud = SmallCloud()
cloud.deploy("waits", WAITS, timeout_seconds=900)
executor = Executor(cloud, scratch=folder / "scratch", endpoint_url="http://127.0.0.1:9", region=REGION)
executor.invoke("waits", json.dumps({"pids": str(folder / "pids")}).encode())
"""


def pids(path: Path) -> list[int]:
    """What WAITS wrote, once it is whole."""
    return [int(pid) for pid in path.read_text().split()] if path.exists() and " " in path.read_text() else []


def is_running(pid: int) -> bool:
    """A zombie is not; somewhere else's init may not have waited for it yet."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_warm_process_serves_again_and_starts_once(deployment: Deployment) -> None:
    deployment.deploy(
        "warm",
        "import os\nCALLS = []\n\ndef handler(event, context):\n"
        "    CALLS.append(1)\n    return [os.getpid(), len(CALLS)]\n",
    )

    first, second = deployment.answer("warm"), deployment.answer("warm")

    assert first[0] == second[0]
    assert (first[1], second[1]) == (1, 2)
    reports = [line for line in deployment.log("warm") if line.startswith("REPORT")]
    assert ["Init Duration" in line for line in reports] == [True, False]


def test_a_prepared_function_is_warm(deployment: Deployment) -> None:
    deployment.deploy("prepared", PID)

    deployment.executor.prepare("prepared")
    eventually(lambda: not any(thread.is_alive() for thread in deployment.executor._preparing), "it is ready")
    deployment.answer("prepared")

    (report,) = [line for line in deployment.log("prepared") if line.startswith("REPORT")]
    assert "Init Duration" not in report
    with pytest.raises(InvocationError, match="not found"):
        deployment.executor.prepare("nobody")


def test_a_function_that_cannot_be_prepared_tells_when_it_is_invoked(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    deployment.deploy("fails-to-load", "raise RuntimeError('no table')")
    deployment.deploy("torn", "# torn", read_code=lambda: b"PK")

    for name in ("fails-to-load", "torn"):
        deployment.executor.prepare(name)
    eventually(lambda: not any(thread.is_alive() for thread in deployment.executor._preparing), "both were tried")

    assert "function torn could not be prepared" in caplog.text
    assert deployment.failure("fails-to-load")["errorMessage"] == "no table"


def test_another_revision_has_other_processes(deployment: Deployment) -> None:
    old = deployment.deploy("revised", PID)
    before = deployment.answer("revised")

    deployment.cloud.functions["revised"] = replace(old, environment={"NEW": "1"}, revision="2")

    assert deployment.answer("revised") != before
    assert not is_running(before)


def test_a_process_that_ends_after_its_answer_is_replaced(deployment: Deployment) -> None:
    deployment.deploy(
        "leaves-later",
        "import os, threading\n\ndef handler(event, context):\n"
        "    threading.Timer(0.05, os._exit, [0]).start()\n    return os.getpid()\n",
    )
    first = deployment.answer("leaves-later")
    eventually(lambda: not is_running(first), "the process has ended")

    assert deployment.answer("leaves-later") != first


def test_a_process_that_is_found_dead_is_replaced(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment.deploy("dies", PID)
    first = deployment.answer("dies")
    idle = deployment.executor._pool._idle[-1][1]
    eventually(lambda: idle._poll.poll(0), "it has asked for its next event")
    os.kill(first, signal.SIGKILL)
    eventually(lambda: not is_running(first), "it is dead")
    monkeypatch.setattr(FunctionProcess, "has_exited", False)  # it died a moment after the pool looked

    assert deployment.answer("dies") != first


def test_a_crash_takes_along_what_the_function_started(deployment: Deployment, tmp_path: Path) -> None:
    deployment.deploy(
        "starts-and-exits",
        "import os, pathlib, subprocess\n\ndef handler(event, context):\n"
        "    child = subprocess.Popen(['sleep', '600'])\n    pathlib.Path(event).write_text(f'{os.getpid()} {child.pid}')\n"
        "    os._exit(1)\n",
    )

    deployment.failure("starts-and-exits", str(tmp_path / "pids"))

    eventually(lambda: not any(is_running(pid) for pid in pids(tmp_path / "pids")), "the child is gone")


def test_no_more_run_at_once_than_there_are_slots(deployment: Deployment, tmp_path: Path) -> None:
    deployment.deploy(
        "counts",
        "import os, pathlib, time\n\ndef handler(event, context):\n"
        "    folder = pathlib.Path(event)\n    mark = folder / context.aws_request_id\n    mark.touch()\n"
        "    time.sleep(0.05)\n    seen = len(list(folder.iterdir()))\n    mark.unlink()\n    return seen\n",
    )
    with ThreadPoolExecutor(8) as callers:
        seen = list(callers.map(lambda _: deployment.answer("counts", str(tmp_path)), range(8)))

    assert max(seen) == 2


def test_reserved_concurrency(deployment: Deployment, tmp_path: Path) -> None:
    function = deployment.deploy(
        "reserved",
        "import pathlib, time\n\ndef handler(event, context):\n    pathlib.Path(event, 'began').touch()\n"
        "    while not pathlib.Path(event, 'go').exists():\n        time.sleep(0.01)\n",
        reserved_concurrency=1,
    )
    with ThreadPoolExecutor(1) as caller:
        first = caller.submit(deployment.answer, "reserved", str(tmp_path))
        eventually((tmp_path / "began").exists, "the first runs")
        with pytest.raises(InvocationError) as refused:
            deployment.invoke("reserved", str(tmp_path))
        (tmp_path / "go").touch()
        first.result()

    assert (refused.value.code, refused.value.status) == ("TooManyRequestsException", 429)
    deployment.answer("reserved", str(tmp_path))
    assert function.reserved_concurrency == 1


def test_functions_that_wait_for_functions(tmp_path: Path, deployment: Deployment) -> None:
    """Both slots are held by functions that wait for a third one."""
    deployment.deploy(
        "waits-for",
        "import pathlib, time\n\ndef handler(event, context):\n"
        "    while not pathlib.Path(event).exists():\n        time.sleep(0.01)\n",
    )
    deployment.deploy("makes", "import pathlib\n\ndef handler(event, context):\n    pathlib.Path(event).touch()\n")
    made = str(tmp_path / "made")
    with ThreadPoolExecutor(3) as callers:
        waiting = [callers.submit(deployment.answer, "waits-for", made) for _ in range(2)]
        eventually(lambda: len(deployment.executor._pool.busy()) == 2, "both hold a slot")
        deployment.answer("makes", made)
        for each in waiting:
            each.result()


def test_closing_ends_every_process_and_every_invocation(tmp_path: Path) -> None:
    cloud = SmallCloud()
    cloud.deploy("waits", WAITS)
    cloud.deploy("idle", PID)
    before = set(threading.enumerate())
    executor = Executor(
        cloud, scratch=tmp_path / "scratch", endpoint_url=lambda: "http://127.0.0.1:9", region=REGION, running_at_once=1
    )
    small = Deployment(cloud, executor)
    idle = small.answer("idle")
    with ThreadPoolExecutor(2) as callers:
        running = callers.submit(small.invoke, "waits", {"pids": str(tmp_path / "pids"), "apart": True})
        started = eventually(lambda: pids(tmp_path / "pids"), "the function runs")
        queued = callers.submit(small.invoke, "idle")
        executor.close()
        for future in (running, queued):
            with pytest.raises(InvocationError) as ended:
                future.result()
            assert ended.value.code == "ServiceException"

    executor.close()
    eventually(lambda: not any(is_running(pid) for pid in (idle, *started)), "all are gone")
    assert set(threading.enumerate()) <= before
    assert list((tmp_path / "scratch" / "tmp").iterdir()) == []
    with pytest.raises(InvocationError, match="shut down"):
        small.invoke("idle")


def test_nothing_is_left_when_we_are_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, tmp_path], cwd=Path(__file__).parents[3])
    try:
        left = eventually(lambda: pids(tmp_path / "pids"), "the function runs")
        assert all(is_running(pid) for pid in left)
    finally:
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()

    eventually(lambda: not any(is_running(pid) for pid in left), "function and what it started are gone")

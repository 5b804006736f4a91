"""Whatever ends a command that has started something, nothing of it is left."""

import signal
import subprocess
import sys

import psutil
import pytest

from edgetrain.cli import reference
from edgetrain.errors import RunFailed
from edgetrain.local import process
from tests.integration.cli.conftest import PATIENCE_SECONDS, Shell, family, left_over, wait_for


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_up_in_the_foreground_stops_its_cloud(tmp_path, how):
    shell = Shell(tmp_path / "cloud")
    up = shell.start("up", "--no-deploy", "--port", "0")
    wait_for(up, "Ctrl-C stops it")
    cloud = process.status(shell.data_dir)
    started = family(cloud.pid)
    up.send_signal(how)
    rest, _ = up.communicate(timeout=PATIENCE_SECONDS)
    assert (up.returncode, "The embedded cloud is stopped." in rest) == (0, True), rest
    assert left_over(started) == []
    assert process.status(shell.data_dir) is None


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_up_that_is_interrupted_while_it_deploys_stops_its_cloud(tmp_path, how):
    shell = Shell(tmp_path / "cloud")
    up = shell.start("up", "--detach", "--port", "0")
    wait_for(up, "publishing")
    started = family(process.status(shell.data_dir).pid)
    up.send_signal(how)
    rest, _ = up.communicate(timeout=PATIENCE_SECONDS)
    assert up.returncode == 1, rest
    assert "EdgetrainFederated: CREATE_COMPLETE" not in rest  # it was in time
    assert left_over(started) == []
    assert process.status(shell.data_dir) is None


@pytest.mark.parametrize(("how", "when"), [(signal.SIGINT, "[3/6]"), (signal.SIGTERM, "creating stack")])
def test_a_demonstration_that_is_interrupted_leaves_nothing(shell, tmp_path, how, when):
    mine = shell.json("status")["pid"]
    out = tmp_path / "demo"
    demo = shell.start("demo", "--out", str(out))
    wait_for(demo, when)
    # The cloud is in a session of its own and so is the central trainer: the one is found by its file, the other as a child.
    started = [*family(process.status(out / "cloud").pid), *psutil.Process(demo.pid).children(recursive=True)]
    assert len(started) > 1
    demo.send_signal(how)
    rest, _ = demo.communicate(timeout=PATIENCE_SECONDS)
    assert (demo.returncode, "cloud is taken down" in rest) == (1, True), rest
    assert left_over(started) == []
    assert process.status(out / "cloud") is None
    assert shell.json("status")["pid"] == mine  # the user's own cloud is not disturbed


# --- the central trainer that runs beside the demonstration


def stand_in(monkeypatch, code):
    """A process that prints what `code` prints, in the trainer's place."""
    real = subprocess.Popen
    monkeypatch.setattr(
        reference.subprocess, "Popen", lambda _command, **how: real([sys.executable, "-c", code], **how)
    )


def test_the_trainers_document_is_read(tmp_path, monkeypatch):
    stand_in(monkeypatch, """print('{"task": "digits", "metrics": {"accuracy": 0.5}, "seconds": 1, "folder": "f"}')""")
    with reference.central_training("digits", tmp_path, tmp_path / "log") as training:
        assert training.result().metrics == {"accuracy": 0.5}


def test_a_trainer_that_fails_is_told_with_its_log(tmp_path, monkeypatch):
    stand_in(monkeypatch, "import sys; sys.stderr.write('broken'); sys.exit(3)")
    beside = reference.central_training("digits", tmp_path, tmp_path / "log")
    with beside as training, pytest.raises(RunFailed, match=r"exit code 3: see .*log"):
        training.result()
    assert (tmp_path / "log").read_text() == "broken"


def test_a_trainer_that_nobody_waits_for_goes_with_its_children(tmp_path, monkeypatch):
    grandchild = (
        "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"
    )
    stand_in(monkeypatch, grandchild + "; print('ready', flush=True); time.sleep(600)")
    with reference.central_training("digits", tmp_path, tmp_path / "log") as training:
        assert training.process.stdout.readline() == b"ready\n"
        started = family(training.process.pid)
        assert len(started) == 2
    assert left_over(started) == []

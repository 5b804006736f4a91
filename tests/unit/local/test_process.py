"""Finding a cloud by its pid file, whatever became of it."""

import json
import os

import psutil
import pytest

from edgetrain.errors import CloudAlreadyRunning
from edgetrain.local import process

ME = psutil.Process().create_time()


def write(folder, **changes):
    written = {"pid": os.getpid(), "endpoint": "http://127.0.0.1:1", "web": "http://127.0.0.1:2"}
    written |= {"started_at": ME, **changes}
    (folder / process.PID_FILE).write_text(json.dumps(written))


def test_nothing_runs_where_nothing_was(tmp_path):
    assert process.status(tmp_path) is None
    assert process.status(tmp_path / "not there") is None
    assert process.stop(tmp_path) is None


def test_a_running_cloud_is_found(tmp_path):
    write(tmp_path)
    running = process.status(tmp_path)
    assert running == process.RunningCloud(os.getpid(), "http://127.0.0.1:1", tmp_path, ME, "http://127.0.0.1:2")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"started_at": ME - 3600}, id="another process has the number"),
        pytest.param({"pid": 2**22 + 1}, id="no such process"),
        pytest.param({"pid": "many"}, id="not a number"),
    ],
)
def test_a_stale_file_is_removed(tmp_path, changes):
    write(tmp_path, **changes)
    assert process.status(tmp_path) is None
    assert not (tmp_path / process.PID_FILE).exists()


def test_half_a_file_is_removed(tmp_path):
    (tmp_path / process.PID_FILE).write_text('{"pid": 1')
    assert process.status(tmp_path) is None
    assert not (tmp_path / process.PID_FILE).exists()


def test_a_second_start_is_refused(tmp_path):
    write(tmp_path)
    with pytest.raises(CloudAlreadyRunning, match=f"process {os.getpid()}"):
        process.start(tmp_path)

"""The cloud as a process: where it listens, what it leaves, and what is said to who starts it wrongly."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from edgetrain.errors import CloudAlreadyRunning, PortInUse
from edgetrain.local import process
from edgetrain.local.place import LOOPBACK
from tests.integration.cloud.conftest import make_client

PROJECT = Path(__file__).parents[3]
TEMPLATE = {"Resources": {"Data": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}}}


def descendants(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def test_a_life(tmp_path):
    running = process.start(tmp_path, port=0)
    try:
        assert running.endpoint.startswith(f"http://{LOOPBACK}:")
        assert process.status(tmp_path) == running
        connection = http.client.HTTPConnection(running.endpoint.removeprefix("http://"))
        connection.request("GET", "/_edgetrain/health")
        assert json.loads(connection.getresponse().read())["pid"] == running.pid
        with pytest.raises(CloudAlreadyRunning, match=str(running.pid)):
            process.start(tmp_path, port=0)
        port = int(running.endpoint.rsplit(":", 1)[1])
        with pytest.raises(PortInUse, match=str(port)):
            process.start(tmp_path / "second", port=port)
        assert process.status(tmp_path / "second") is None
    finally:
        stopped = process.stop(tmp_path)
    assert stopped == running
    assert process.status(tmp_path) is None
    assert not psutil.pid_exists(running.pid)


def test_it_listens_on_the_loopback_only(empty_cloud):
    listening = [each for each in psutil.Process(empty_cloud.pid).net_connections("tcp") if each.status == "LISTEN"]
    assert {each.laddr.ip for each in listening} == {LOOPBACK}


def test_names_outlast_a_restart(tmp_path):
    names = []
    for _ in range(2):
        running = process.start(tmp_path, port=0)
        try:
            formation = make_client(running.endpoint, "cloudformation")
            formation.create_stack(StackName="Kept", TemplateBody=json.dumps(TEMPLATE))
            (resource,) = formation.list_stack_resources(StackName="Kept")["StackResourceSummaries"]
            names.append(resource["PhysicalResourceId"])
        finally:
            process.stop(tmp_path)
    assert names[0] == names[1]


def test_a_killed_cloud_is_not_in_the_way(tmp_path):
    killed = process.start(tmp_path, port=0)
    os.kill(killed.pid, signal.SIGKILL)
    os.waitpid(killed.pid, 0)
    (tmp_path / "scratch" / "left").write_text("of a dead cloud")
    assert process.status(tmp_path) is None
    running = process.start(tmp_path, port=0)
    try:
        assert running.pid != killed.pid
        assert not (tmp_path / "scratch" / "left").exists()
    finally:
        process.stop(tmp_path)


def test_in_the_foreground_ctrl_c_ends_it_with_all_that_it_started(tmp_path):
    code = (
        "import sys; from pathlib import Path; from edgetrain.local import process;"
        "process.serve(Path(sys.argv[1]), port=0, on_ready=lambda running: print(running.endpoint, flush=True));"
        "print('stopped', flush=True)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as cloud:
        endpoint = cloud.stdout.readline().strip()
        invoke_something(endpoint)
        started = descendants(cloud.pid)
        assert started
        cloud.send_signal(signal.SIGINT)
        assert cloud.stdout.read() == "stopped\n"
        assert cloud.wait() == 0
    _, alive = psutil.wait_procs(started, timeout=10)
    assert not alive
    with socket.socket() as probe:
        assert probe.connect_ex((LOOPBACK, int(endpoint.rsplit(":", 1)[1]))) != 0


def invoke_something(endpoint: str) -> None:
    """Leave a warm process of a function behind."""
    from tests.integration.cloud.test_functions import deploy_function

    function = deploy_function(lambda service: make_client(endpoint, service), "Warm")
    assert make_client(endpoint, "lambda").invoke(FunctionName=function, Payload=b"{}")["StatusCode"] == 200

"""Asynchronous invocations, dry runs, and what the logs say."""

import json
import re
from pathlib import Path

import pytest

from edgetrain import limits
from tests.integration.functions.deployed import Deployment
from tests.waiting import eventually

NOTES = """
import pathlib

def handler(event, context):
    with pathlib.Path(event["notes"]).open("a") as notes:
        notes.write(context.aws_request_id + "\\n")
    if event.get("fails"):
        raise RuntimeError("again")
"""


def test_an_event_is_accepted_and_run_later(deployment: Deployment, tmp_path: Path) -> None:
    deployment.deploy("notes", NOTES)

    accepted = deployment.invoke("notes", {"notes": str(tmp_path / "notes")}, invocation_type="Event")

    assert (accepted.status_code, accepted.payload, accepted.function_error) == (202, b"", None)
    eventually(lambda: (tmp_path / "notes").exists() and (tmp_path / "notes").read_text(), "it ran")
    assert (tmp_path / "notes").read_text().split() == [accepted.request_id]


def test_an_event_that_fails_is_run_three_times(
    deployment: Deployment, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    deployment.deploy("fails", NOTES)
    path = tmp_path / "notes"

    accepted = deployment.invoke("fails", {"notes": str(path), "fails": True}, invocation_type="Event")
    eventually(lambda: f"{accepted.request_id} of fails failed for good" in caplog.text, "it was given up")

    assert path.read_text().split() == [accepted.request_id] * 3


def test_a_dry_run_runs_nothing(deployment: Deployment, tmp_path: Path) -> None:
    deployment.deploy("dry", NOTES)

    result = deployment.invoke("dry", {"notes": str(tmp_path / "notes")}, invocation_type="DryRun")

    assert (result.status_code, result.payload) == (204, b"")
    assert not (tmp_path / "notes").exists()
    assert deployment.log("dry") == []


def test_the_log_of_an_invocation(deployment: Deployment) -> None:
    deployment.deploy(
        "logs",
        "import logging, sys\nprint('loading')\n\n"
        "def handler(event, context):\n"
        "    print('out')\n    logging.warning('careful')\n    print('err', file=sys.stderr)\n"
        "    print('no newline', end='')\n    return 1\n",
    )

    cold, warm = deployment.invoke("logs"), deployment.invoke("logs")
    log = deployment.log("logs")
    streams = [stream for group, stream in deployment.cloud.logs if group == "/aws/lambda/logs"]

    assert len(streams) == 1
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", streams[0])
    assert log[0].startswith("INIT_START Runtime Version: python:3.")
    assert log[1:4] == ["loading", f"START RequestId: {cold.request_id} Version: $LATEST", "out"]
    assert re.fullmatch(rf"\[WARNING\]\t\S+Z\t{cold.request_id}\tcareful", log[4])
    assert log[5:8] == ["err", "no newline", f"END RequestId: {cold.request_id}"]
    numbers = r"Duration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB\tMax Memory Used: \d+ MB"
    assert re.fullmatch(rf"REPORT RequestId: {cold.request_id}\t{numbers}\tInit Duration: \d+\.\d\d ms", log[8])
    assert re.fullmatch(rf"REPORT RequestId: {warm.request_id}\t{numbers}", log[-1])
    assert warm.log_tail.decode() == "\n".join(log[9:]) + "\n"


def test_the_tail_of_a_long_log(deployment: Deployment) -> None:
    deployment.deploy("chatty", "def handler(event, context):\n    for i in range(100_000):\n        print(i)\n")

    result = deployment.invoke("chatty")

    assert len(result.log_tail) == limits.LAMBDA_LOG_TAIL_BYTES
    assert result.log_tail.endswith(b" MB\tInit Duration: " + result.log_tail.rpartition(b": ")[2])
    assert b"\n99999\nEND" in result.log_tail
    assert [line for line in deployment.log("chatty") if line.isdigit()] == [str(i) for i in range(100_000)]


def test_a_log_in_a_group_of_another_name(deployment: Deployment) -> None:
    deployment.deploy("elsewhere", "def handler(event, context):\n    return event\n", log_group="/federation/logs")

    assert json.loads(deployment.invoke("elsewhere", 5).payload) == 5
    deployment.executor.flush_logs()

    (stream,) = [stream for group, stream in deployment.cloud.logs if group == "/federation/logs"]
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/elsewhere\[\$LATEST\][0-9a-f]{32}", stream)

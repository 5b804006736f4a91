"""From `up` to a downloaded model, with nothing between the command line and the deployed state machine."""

import hashlib
import json
import signal
import subprocess
import sys
import time

import pytest
from jsonschema import validate

from edgetrain.cli import photographs
from edgetrain.client.connection import Connection
from edgetrain.detection.pictures import read_picture
from tests.integration.cli.conftest import PATIENCE_SECONDS, PROJECT, wait_for

REFERENCE = PROJECT / "docs" / "reference"
EXAMPLE = PROJECT / "docs" / "examples" / "recompute_round.py"


def valid(document, name):
    validate(document, json.loads((REFERENCE / f"{name}.schema.json").read_text()))
    return document


@pytest.fixture(scope="session")
def run(shell):
    """A run of two rounds."""
    return shell.json(
        *[
            "federate",
            "--task",
            "digits",
            "--rounds",
            "2",
            "--clients-per-round",
            "6",
            "--epochs",
            "1",
            "--seed",
            "3",
            "--run-id",
            "two",
        ]
    )


def recompute(shell, document):
    return subprocess.run(
        [sys.executable, str(EXAMPLE)],
        input=json.dumps(document),
        env=shell.aws(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )


def test_a_run_is_printed_as_its_schema_says(shell, run):
    valid(run, "run")
    assert (run["run_id"], run["status"], run["model"]["task"]) == ("two", "SUCCEEDED", "digits")
    assert [(each["round"], len(each["updates"]), each["refused"]) for each in run["rounds"]] == [
        (1, 6, []),
        (2, 6, []),
    ]
    assert shell.json("runs", "show", "two") == run


def test_an_outsider_recomputes_every_round_from_what_is_printed(shell, run):
    done = recompute(shell, run)
    assert (done.returncode, done.stdout.count("the same bits")) == (0, 2), done.stderr


def test_the_outsider_would_have_seen_another_model(shell, run):
    forged = json.loads(json.dumps(run))
    forged["rounds"][1]["updates"][0]["num_examples"] += 1
    done = recompute(shell, forged)
    assert done.returncode == 1
    assert "round 1: 6 updates, the same bits" in done.stdout
    assert "round 2: 6 updates, ANOTHER MODEL" in done.stdout


def test_documents_of_a_real_cloud_are_valid(shell, run):
    status = valid(shell.json("status"), "status")
    assert set(status["stacks"].values()) == {"CREATE_COMPLETE"}
    assert status["data_dir"] == str(shell.data_dir)
    assert {"DataBucket", "RunsBucket", "ModelsBucket", "LedgerTable", "StateMachineArn"} <= set(shell.json("outputs"))
    assert "two" in {each["run_id"] for each in valid(shell.json("runs", "list"), "runs")["runs"]}
    assert valid(shell.json("models", "list"), "models")["models"]
    lines = valid(shell.json("logs", "start_run"), "logs")["lines"]
    assert any("START RequestId" in line["message"] for line in lines)
    assert {line["function"] for line in lines} == {"StartRun"}


def test_a_model_is_downloaded_as_its_manifest_says(shell, run, tmp_path):
    version = str(run["model"]["version"])
    told = shell.json("models", "download", "digits", "--version", version, "--out", str(tmp_path))
    for entry in valid(told, "download")["files"]:
        assert hashlib.sha256((tmp_path / entry["name"]).read_bytes()).hexdigest() == entry["sha256"]


def test_after_up_and_import_boto3_alone_starts_a_run(shell):
    settings = shell.json("env")
    connection = Connection.embedded(settings["AWS_ENDPOINT_URL"])
    given = {"task": "digits", "rounds": 1, "clients_per_round": 3, "client": {"epochs": 1}}
    connection.client("stepfunctions").start_execution(
        stateMachineArn=shell.json("outputs")["StateMachineArn"], name="by-boto3", input=json.dumps(given)
    )
    # StartRun writes the run's row a moment after the execution has started.
    deadline = time.monotonic() + PATIENCE_SECONDS
    while "by-boto3" not in shell.run("runs", "list").stdout:
        assert time.monotonic() < deadline, "the execution never became a run"
        time.sleep(0.2)
    lines = shell.run("runs", "follow", "by-boto3").stdout.splitlines()
    assert lines[1].startswith("round 1/1: 3 trained, 0 refused")
    assert lines[-1].startswith("run by-boto3: 1 round, model digits version")


def test_what_only_the_cloud_knows_is_the_users_mistake(shell):
    told = shell.json(*["federate", "--task", "digits", "--clients-per-round", "50"], code=2)
    assert valid(told, "error")["error"]["code"] == "InvalidRunInput"
    assert "expected at most 20" in told["error"]["message"]


def test_another_input_under_a_runs_id_is_refused_and_does_not_speak_for_it(shell, run):
    told = shell.json(*["federate", "--task", "digits", "--rounds", "3", "--run-id", "two"], code=2)
    assert told["error"]["code"] == "RunInputDiffers"
    assert shell.json("runs", "show", "two") == run


def test_ctrl_c_leaves_the_run_going(shell):
    following = shell.start(
        *["federate", "--task", "digits", "--rounds", "500", "--clients-per-round", "3", "--run-id", "long"]
    )
    wait_for(following, "round 1/500")
    following.send_signal(signal.SIGINT)
    rest, _ = following.communicate(timeout=PATIENCE_SECONDS)
    assert following.returncode == 1
    assert "`edgetrain runs follow long`" in rest
    assert shell.json("runs", "show", "long")["status"] == "RUNNING"
    stopped = shell.json("runs", "stop", "long")
    assert (stopped["status"], stopped["error"]) == ("ABORTED", "RunStopped")
    assert "RunStopped" in shell.run("runs", "follow", "long", code=1).stderr


def test_a_second_up_is_refused_and_the_first_goes_on(shell):
    pid = shell.json("status")["pid"]
    assert shell.json("up", "--detach", "--port", "0", code=2)["error"]["code"] == "CloudAlreadyRunning"
    assert shell.json("status")["pid"] == pid


def test_a_picture_is_sent_by_a_machine_user_and_drawn(shell, tmp_path):
    """The whole way: the token, the API, the endpoint and the first detector, which `up` has registered."""
    assert valid(shell.json("models", "verify", "objects"), "verify")["intact"]
    shell.run("users", "add", "scanner", "--scopes", "detect")
    drawn, photograph = tmp_path / "boxes.jpg", tmp_path / "coffee.jpg"
    photograph.write_bytes(photographs.photograph("coffee"))
    words = ("detect", str(photograph), "--user", "scanner", "--out", str(drawn))
    told = valid(shell.json(*words), "detections")
    assert [each["label"] for each in told["detections"]] == [photographs.PHOTOGRAPHS["coffee"]]
    assert (told["model_version"], told["out"]) == (1, str(drawn))
    assert read_picture(drawn.read_bytes()).rgb.shape == (told["height"], told["width"], 3)

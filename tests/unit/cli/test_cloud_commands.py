"""`up`, `down`, `status`, `env`, `outputs`, `logs`: the commands about a cloud as a whole."""

import os
import shlex
from datetime import UTC, datetime

import pytest

from edgetrain.client import documents, logs, outputs
from edgetrain.errors import BuildFailed, DeploymentFailed, NodeMissing, PortInUse
from tests.unit.fakes.federation import OUTPUTS

FLAT = {
    "DataBucket": OUTPUTS.data_bucket,
    "RunsBucket": OUTPUTS.runs_bucket,
    "ModelsBucket": OUTPUTS.models_bucket,
    "LedgerTable": OUTPUTS.ledger_table,
    "StateMachineArn": OUTPUTS.state_machine_arn,
}
WEB = "http://127.0.0.1:4567"
STACKS = {"EdgetrainStorage": "CREATE_COMPLETE", "EdgetrainFederated": "CREATE_COMPLETE"}


@pytest.fixture
def cloud(process, tmp_path, monkeypatch):
    """An embedded cloud with the application in it."""
    monkeypatch.setattr(outputs, "read_outputs", lambda _client: dict(FLAT))
    monkeypatch.setattr(outputs, "read_stacks", lambda _client: (dict(STACKS), dict(FLAT)))
    return process.start(tmp_path / "cloud")


@pytest.fixture(autouse=True)
def _furnished(process, monkeypatch):
    """What `up` does after it has deployed."""

    def furnish(cloud):
        process.events.append(f"furnish {cloud.endpoint}")
        return WEB

    monkeypatch.setattr("edgetrain.cli.commands.up.furnish", furnish)


# --- up and down


def test_up_detached_deploys_and_stays(edgetrain_, process, deployment):
    outcome = edgetrain_("up", "--detach", "--json")
    assert outcome.code == 0
    told = documents.StatusDocument.model_validate(outcome.document)
    assert (told.running, told.pid, told.endpoint) == (True, 42, "http://127.0.0.1:4566")
    assert told.stacks == STACKS
    assert told.web == WEB
    assert process.events == ["start 4566", "deploy http://127.0.0.1:4566", "furnish http://127.0.0.1:4566"]
    assert "synthesising" in outcome.stderr


def test_up_says_where_the_web_app_is(edgetrain_, process, deployment):
    assert f"Web app: {WEB}/ " in edgetrain_("up", "--detach").stderr


def test_up_without_the_web_app(edgetrain_, process, deployment):
    outcome = edgetrain_("up", "--detach", "--no-web")
    assert (outcome.code, process.events) == (0, ["start 4566", "deploy http://127.0.0.1:4566"])
    assert "Web app" not in outcome.stderr


def test_a_web_app_that_does_not_build_leaves_no_cloud(edgetrain_, process, deployment, monkeypatch):
    def fails(_cloud):
        raise BuildFailed("the web app does not build: no")

    monkeypatch.setattr("edgetrain.cli.commands.up.furnish", fails)
    outcome = edgetrain_("up", "--detach")
    assert (outcome.code, outcome.sentence) == (1, "the web app does not build: no")
    assert process.running == {}


def test_up_without_deploying_on_another_port(edgetrain_, process, deployment):
    assert edgetrain_("up", "--detach", "--no-deploy", "--port", "5000").code == 0
    assert process.events == ["start 5000"]


def test_up_in_the_foreground_until_ctrl_c(edgetrain_, process, deployment, monkeypatch):
    def press_ctrl_c(_seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr("edgetrain.cli.commands.up.time.sleep", press_ctrl_c)
    outcome = edgetrain_("up")
    assert outcome.code == 0
    assert "is stopped" in outcome.stderr
    assert process.events[-1] == "stop"
    assert process.running == {}


def test_up_in_the_foreground_ends_when_kill_is_what_stops_it(edgetrain_, process, deployment, monkeypatch):
    monkeypatch.setattr("edgetrain.cli.commands.up.time.sleep", lambda _: os.kill(os.getpid(), 15))
    outcome = edgetrain_("up")
    assert (outcome.code, process.running) == (0, {})


def test_up_in_the_foreground_sees_the_cloud_go(edgetrain_, process, deployment, monkeypatch):
    monkeypatch.setattr("edgetrain.cli.commands.up.time.sleep", lambda _: process.running.clear())
    outcome = edgetrain_("up")
    assert outcome.code == 0
    assert "has ended" in outcome.stderr


def test_ctrl_c_while_it_deploys_stops_the_cloud(edgetrain_, process, deployment):
    deployment.failure = KeyboardInterrupt()
    assert edgetrain_("up", "--detach").code == 1
    assert process.running == {}
    assert edgetrain_("up").code == 0
    assert process.running == {}


@pytest.mark.parametrize(
    ("failure", "code"),
    [(DeploymentFailed("stack EdgetrainFederated, resource X: no"), 1), (NodeMissing("Node.js >= 20 is needed"), 2)],
)
def test_a_deployment_that_fails_leaves_no_cloud(edgetrain_, process, deployment, failure, code):
    deployment.failure = failure
    outcome = edgetrain_("up", "--detach", "--json")
    assert outcome.code == code
    assert outcome.document["error"] == {"code": type(failure).__name__, "message": str(failure)}
    assert process.running == {}


def test_a_second_up_is_refused_and_the_first_goes_on(edgetrain_, process, deployment):
    edgetrain_("up", "--detach")
    outcome = edgetrain_("up", "--detach", "--json")
    assert outcome.code == 2
    assert outcome.document["error"]["code"] == "CloudAlreadyRunning"
    assert len(process.running) == 1


def test_a_port_in_use(edgetrain_, process, deployment, monkeypatch):
    def taken(_folder, *, port=4566):
        raise PortInUse(f"port {port} is in use")

    monkeypatch.setattr(process, "start", taken)
    outcome = edgetrain_("up", "--port", "4999")
    assert (outcome.code, outcome.sentence) == (2, "port 4999 is in use")


def test_down(edgetrain_, process, cloud):
    outcome = edgetrain_("down")
    assert outcome.code == 0
    assert "process 42" in outcome.stderr
    assert process.running == {}
    again = edgetrain_("down", "--json")
    assert (again.code, again.document["running"]) == (0, False)


# --- status, env, outputs


def test_status_of_nothing(edgetrain_, process):
    told = edgetrain_("status", "--json")
    assert (told.code, told.document["running"], told.document["pid"]) == (0, False, None)
    assert "edgetrain up --detach" in edgetrain_("status").stdout


def test_status_of_an_embedded_cloud(edgetrain_, cloud, tmp_path):
    told = documents.StatusDocument.model_validate(edgetrain_("status", "--json").document)
    assert told == documents.StatusDocument(
        running=True,
        cloud="embedded",
        pid=42,
        endpoint="http://127.0.0.1:4566",
        data_dir=str(tmp_path / "cloud"),
        stacks=STACKS,
    )
    plain = edgetrain_("status").stdout
    assert "CREATE_COMPLETE" in plain
    assert "process 42" in plain


def test_status_says_where_the_web_app_is(edgetrain_, cloud, monkeypatch):
    assert "web app" not in edgetrain_("status").stdout
    monkeypatch.setattr(outputs, "read_stacks", lambda _client: (STACKS, {**FLAT, "WebUrl": WEB}))
    assert edgetrain_("status", "--json").document["web"] == WEB
    assert f"web app: {WEB}/" in edgetrain_("status").stdout


def test_status_knows_its_own_endpoint_in_the_environment(edgetrain_, cloud, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    assert edgetrain_("status", "--json").document["pid"] == 42
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://somewhere:4566")
    told = edgetrain_("status", "--json").document
    assert (told["cloud"], told["endpoint"], told["pid"]) == ("endpoint", "http://somewhere:4566", None)


def test_env_is_what_a_shell_evaluates(edgetrain_, cloud):
    told = edgetrain_("env", "--json").document
    assert told["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert (told["AWS_REGION"], told["EDGETRAIN_TARGET"]) == ("us-east-1", "host")
    words = [shlex.split(line) for line in edgetrain_("env").stdout.splitlines()]
    assert words == [["export", f"{name}={value}"] for name, value in told.items()]


def test_outputs_are_one_flat_object(edgetrain_, cloud):
    assert edgetrain_("outputs", "--json").document == FLAT
    assert "runs-bucket" in edgetrain_("outputs").stdout


def test_outputs_of_an_empty_cloud(edgetrain_, cloud, monkeypatch):
    monkeypatch.setattr(outputs, "read_outputs", lambda _client: {})
    outcome = edgetrain_("outputs", "--json")
    assert outcome.code == 2
    assert outcome.document["error"]["code"] == "NotDeployed"


@pytest.mark.parametrize(
    "words",
    [
        ("env",),
        ("outputs",),
        ("logs",),
        ("data", "import", "--task", "digits"),
        ("federate", "--task", "digits"),
        ("runs", "list"),
        ("runs", "show", "x"),
        ("models", "list"),
        ("models", "download", "digits"),
    ],
)
def test_no_cloud(edgetrain_, process, words):
    outcome = edgetrain_(*words, "--json")
    assert outcome.code == 2
    assert outcome.document["error"]["code"] == "CloudNotRunning"
    assert "edgetrain up --detach" in outcome.sentence


def test_aws_with_an_endpoint_in_the_environment_is_refused(edgetrain_, process, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    outcome = edgetrain_("runs", "list", "--cloud", "aws")
    assert outcome.code == 2
    assert "unset" in outcome.sentence


# --- logs


@pytest.fixture
def written(cloud, monkeypatch):
    """Two functions and what they wrote."""
    line = documents.LogLine(function="TrainClient", timestamp="2026-01-02T03:04:05.000+00:00", message="START")
    monkeypatch.setattr(logs, "log_groups", lambda _connection: {"StartRun": "/a", "TrainClient": "/b"})

    class Reader:
        def __init__(self, _client, groups, *, since):
            self.groups, self.since = groups, since

        def read(self):
            asked.append((dict(self.groups), self.since))
            return [line]

    asked: list = []
    monkeypatch.setattr(logs, "LogReader", Reader)
    return asked


def test_logs_of_one_function(edgetrain_, written):
    outcome = edgetrain_("logs", "train_client", "--minutes", "5")
    assert outcome.stdout == "2026-01-02T03:04:05.000+00:00 START\n"
    groups, since = written[0]
    assert groups == {"TrainClient": "/b"}
    assert 0 < datetime.now(UTC).timestamp() - since - 300 < 60


def test_logs_of_all_name_the_function(edgetrain_, written):
    assert edgetrain_("logs").stdout == "2026-01-02T03:04:05.000+00:00 TrainClient START\n"
    told = documents.LogsDocument.model_validate(edgetrain_("logs", "--json").document)
    assert [each.message for each in told.lines] == ["START"]


def test_logs_until_ctrl_c(edgetrain_, written, monkeypatch):
    def follow(reader, *, interval):
        assert interval == 0.5
        yield from reader.read()
        raise KeyboardInterrupt

    monkeypatch.setattr(logs, "follow_logs", follow)
    outcome = edgetrain_("logs", "TrainClient", "--follow")
    assert (outcome.code, outcome.stdout.count("START")) == (0, 1)


def test_logs_of_nobody(edgetrain_, written):
    outcome = edgetrain_("logs", "Nobody")
    assert outcome.code == 2
    assert "expected one of StartRun, TrainClient" in outcome.sentence


def test_logs_without_an_end_are_no_document(edgetrain_, written):
    assert edgetrain_("logs", "--follow", "--json").code == 2

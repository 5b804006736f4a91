"""`edgetrain federate`: start a run and follow it."""

import json

import pytest

from edgetrain.client import documents, following
from tests.unit.fakes.federation import PlayedRun, play


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr("edgetrain.cli.cloud.LOCAL_PAUSE", 0.0)


@pytest.fixture
def succeeding(federation):
    federation.executions.on_start = lambda arn, document: play(federation, arn, document)
    return federation


def only_input(federation):
    (document,) = federation.executions.inputs.values()
    return document


def ends_at_once(federation):
    """For tests in which nothing may start: if something does, they fail and do not follow it for ever."""
    return lambda arn, _document: federation.executions.end(arn, "FAILED", "RunFailed", "it should not have started")


def test_a_run_is_followed_with_a_plain_line_for_each_round(edgetrain_, succeeding):
    outcome = edgetrain_("federate", "--task", "digits", "--rounds", "2", "--run-id", "mine")
    assert outcome.code == 0
    lines = outcome.stdout.splitlines()
    assert lines[0] == "run mine"
    assert lines[1] == "round 1/2: 2 trained, 1 refused, 20 examples, loss 0.5000, accuracy 50.0 %, 1.5 s"
    assert lines[2] == "round 2/2: 3 trained, 0 refused, 30 examples, loss 0.1000, accuracy 90.0 %, 1.5 s"
    assert lines[3] == "run mine: 2 rounds, model digits version 1 (accuracy 0.9000, loss 0.1000)"
    assert len(lines) == 4
    assert "edgetrain models download digits" in outcome.stderr
    assert "\x1b" not in outcome.stdout + outcome.stderr


def test_json_is_the_run_and_the_lines_go_elsewhere(edgetrain_, succeeding):
    outcome = edgetrain_("federate", "--task", "digits", "--rounds", "2", "--run-id", "mine", "--json")
    assert outcome.code == 0
    run = documents.RunDocument.model_validate(outcome.document)
    assert (run.run_id, run.status, run.model.version) == ("mine", "SUCCEEDED", 1)
    assert [each.accuracy for each in run.rounds] == [0.5, 0.9]
    assert [each.client for each in run.rounds[0].refused] == ["client-002"]
    assert "round 2/2" in outcome.stderr


def test_only_what_was_given_is_sent(edgetrain_, succeeding):
    edgetrain_("federate", "--task", "digits")
    assert only_input(succeeding) == {"task": "digits"}


def test_options_of_the_step_reach_their_fields(edgetrain_, succeeding):
    words = "--strategy fedadam --steps 7 --proximal-mu 0.01 --clip-norm 1.5"
    assert edgetrain_("federate", "--task", "digits", *words.split()).code == 0
    assert only_input(succeeding) == {
        "task": "digits",
        "strategy": {"name": "fedadam"},
        "client": {"steps": 7, "proximal_mu": 0.01, "clip_norm": 1.5},
    }


def test_every_option_reaches_its_field(edgetrain_, succeeding):
    words = "--rounds 3 --clients-per-round 5 --strategy fedavg --server-learning-rate 0.5 --weighting uniform --target loss=0.2"
    words += " --seed 9 --run-id r --epochs 2 --batch-size 8 --learning-rate 0.05 --min-clients 4 --round-timeout 60"
    outcome = edgetrain_("federate", "--task", "digits", *words.split(), "--max-concurrency", "2")
    assert outcome.code == 0
    assert only_input(succeeding) == {
        "task": "digits",
        "rounds": 3,
        "clients_per_round": 5,
        "strategy": {"name": "fedavg", "server_learning_rate": 0.5, "weighting": "uniform"},
        "target": {"metric": "loss", "value": 0.2},
        "seed": 9,
        "run_id": "r",
        "client": {"epochs": 2, "batch_size": 8, "learning_rate": 0.05},
        "min_clients": 4,
        "round_timeout_seconds": 60,
        "max_concurrency": 2,
    }


def test_options_are_stronger_than_the_file(edgetrain_, succeeding, tmp_path):
    file = tmp_path / "run.json"
    file.write_text(json.dumps({"task": "digits", "rounds": 20, "client": {"epochs": 5, "batch_size": 10}}))
    edgetrain_("federate", "--input", str(file), "--rounds", "2", "--epochs", "1")
    assert only_input(succeeding) == {"task": "digits", "rounds": 2, "client": {"epochs": 1, "batch_size": 10}}


def test_the_input_may_come_from_standard_input(edgetrain_, succeeding):
    assert edgetrain_("federate", "--input", "-", stdin='{"task": "digits"}').code == 0
    assert only_input(succeeding) == {"task": "digits"}


def test_target_without_a_metric_is_accuracy(edgetrain_, succeeding):
    edgetrain_("federate", "--task", "digits", "--target", "0.95")
    assert only_input(succeeding)["target"] == {"metric": "accuracy", "value": 0.95}


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("{", "is not JSON"),
        ("[]", "holds list: expected a JSON object"),
        ("{}", "no task is named"),
        ('{"task": "digits", "rouns": 3}', "rouns is not a field"),
        ('{"task": "digits", "client": 3}', "client is 3"),
    ],
)
def test_a_file_that_is_wrong(edgetrain_, federation, tmp_path, file, told):
    federation.executions.on_start = ends_at_once(federation)
    path = tmp_path / "run.json"
    path.write_text(file)
    outcome = edgetrain_("federate", "--input", str(path), "--epochs", "1")
    assert outcome.code == 2
    assert told in outcome.sentence
    assert federation.executions.inputs == {}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--input", "nowhere.json"), "nowhere.json: No such file"),
        (("--task", "digits", "--rounds", "0"), "rounds is 0"),
        (("--task", "digits", "--min-clients", "11"), "min_clients: expected at most clients_per_round (10)"),
        (("--task", "digits", "--strategy", "magic"), "strategy.name is 'magic'"),
        (("--task", "digits", "--target", "high"), "--target is 'high': expected METRIC=VALUE"),
        (("--task", "digits", "--target", "accuracy=nan"), "target.value is nan"),
        (("--task", "digits", "--run-id", "a b"), "run_id is 'a b'"),
        ((), "no task is named"),
    ],
)
def test_a_mistake_is_told_before_anything_starts(edgetrain_, federation, words, told):
    federation.executions.on_start = ends_at_once(federation)
    outcome = edgetrain_("federate", *words, "--json")
    assert outcome.code == 2
    assert told in outcome.document["error"]["message"]
    assert federation.executions.inputs == {}


def test_what_only_the_cloud_can_know_is_the_users_mistake_too(edgetrain_, federation):
    def refuse(arn, document):
        federation.executions.end(arn, "FAILED", "InvalidRunInput", "clients_per_round is 50: expected at most 20")

    federation.executions.on_start = refuse
    outcome = edgetrain_("federate", "--task", "digits", "--clients-per-round", "50", "--json")
    assert outcome.code == 2
    assert outcome.document["error"] == {
        "code": "InvalidRunInput",
        "message": "clients_per_round is 50: expected at most 20",
    }


@pytest.mark.parametrize(("error", "code"), [("TaskNotBuilt", 2), ("QuorumNotReached", 1), ("States.Runtime", 1)])
def test_a_run_that_fails_ends_with_its_typed_error(edgetrain_, federation, error, code):
    def fail(arn, document):
        run = PlayedRun.begin(federation, arn, document)
        run.evaluated(1, 0.5)
        run.fail(error, "because")

    federation.executions.on_start = fail
    told = edgetrain_("federate", "--task", "digits", "--json")
    assert told.code == code
    assert (told.document["status"], told.document["error"], told.document["cause"]) == ("FAILED", error, "because")
    assert len(told.document["rounds"]) == 1
    assert "because" in told.sentence

    plain = edgetrain_("federate", "--task", "digits")
    assert plain.code == code
    assert "because" in plain.sentence


def test_a_refused_execution_does_not_speak_for_the_run_of_that_id(edgetrain_, federation):
    play(federation, federation.executions.start("other", "{}"), {"task": "digits", "run_id": "mine"})

    def refuse(arn, document):
        federation.executions.end(arn, "FAILED", "RunInputDiffers", "run 'mine' exists")

    federation.executions.on_start = refuse
    outcome = edgetrain_("federate", "--task", "digits", "--run-id", "mine", "--json")
    assert outcome.code == 2
    assert outcome.document["error"]["code"] == "RunInputDiffers"
    assert "round 1" not in outcome.stderr


def test_ctrl_c_leaves_the_run_going_and_says_what_to_type(edgetrain_, federation, monkeypatch):
    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt
        yield

    federation.executions.on_start = lambda arn, document: PlayedRun.begin(federation, arn, document)
    monkeypatch.setattr(following, "follow_run", interrupted)
    outcome = edgetrain_("federate", "--task", "digits", "--run-id", "mine", "--json")
    assert outcome.code == 1
    assert "run mine goes on" in outcome.sentence
    assert "`edgetrain runs follow mine`" in outcome.sentence
    assert "`edgetrain runs stop mine`" in outcome.sentence
    assert outcome.document["error"]["code"] == "Interrupted"
    assert [each.status for each in federation.executions.known.values()] == ["RUNNING"]


def test_detach_starts_and_leaves(edgetrain_, federation):
    outcome = edgetrain_("federate", "--task", "digits", "--run-id", "mine", "--detach")
    assert (outcome.code, outcome.stdout) == (0, "mine\n")
    assert "edgetrain runs follow mine" in outcome.stderr
    told = edgetrain_("federate", "--task", "digits", "--run-id", "other", "--detach", "--json").document
    assert documents.StartedDocument.model_validate(told).run_id == "other"


def test_defaults_in_the_help_are_the_contracts():
    import inspect

    from edgetrain.cli.commands.federate import federate
    from edgetrain.contracts import RunInput, StrategySettings

    shown = {
        name: parameter.annotation.__metadata__[0].show_default
        for name, parameter in inspect.signature(federate).parameters.items()
    }
    fields = RunInput.model_fields
    for option, field in {
        "rounds": fields["rounds"],
        "clients_per_round": fields["clients_per_round"],
        "seed": fields["seed"],
        "round_timeout": fields["round_timeout_seconds"],
        "max_concurrency": fields["max_concurrency"],
        "strategy": StrategySettings.model_fields["name"],
        "weighting": StrategySettings.model_fields["weighting"],
    }.items():
        assert shown[option] == str(field.default), option
    assert shown["min_clients"] == "80 % of the clients"
    assert RunInput(task="t", clients_per_round=10).quorum == 8

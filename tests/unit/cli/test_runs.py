"""`edgetrain runs`."""

import pytest

from edgetrain.client import documents
from tests.unit.fakes.federation import PlayedRun, play


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr("edgetrain.cli.cloud.LOCAL_PAUSE", 0.0)


@pytest.fixture
def played(federation):
    arn = federation.executions.start("played", "{}")
    return play(federation, arn, {"task": "digits", "rounds": 2})


@pytest.fixture
def going(federation):
    run = PlayedRun.begin(federation, federation.executions.start("going", "{}"), {"task": "digits"})
    run.cohort(1)
    return run


def test_no_runs_yet(edgetrain_, federation):
    assert edgetrain_("runs", "list", "--json").document == {"runs": []}
    plain = edgetrain_("runs", "list")
    assert (plain.code, plain.stdout) == (0, "")
    assert "edgetrain federate" in plain.stderr


def test_list(edgetrain_, played, going):
    listed = documents.RunsDocument.model_validate(edgetrain_("runs", "list", "--json").document)
    assert {(run.run_id, run.status, run.model_version) for run in listed.runs} == {
        ("played", "SUCCEEDED", 1),
        ("going", "RUNNING", None),
    }
    table = edgetrain_("runs", "list").stdout
    assert "played" in table
    assert "2/2" in table


def test_show(edgetrain_, played):
    run = documents.RunDocument.model_validate(edgetrain_("runs", "show", "played", "--json").document)
    assert [(each.round, each.accuracy, each.loss) for each in run.rounds] == [
        (1, 0.5, 0.5),
        (2, 0.9, pytest.approx(0.1)),
    ]
    shown = edgetrain_("runs", "show", "played").stdout
    assert "SUCCEEDED" in shown
    assert "90.0 %" in shown
    assert "UpdateNotFinite" in shown


def test_show_of_a_run_that_failed(edgetrain_, going):
    going.fail("QuorumNotReached", "2 of 8 updates were left")
    shown = edgetrain_("runs", "show", "going")
    assert shown.code == 0
    assert "QuorumNotReached" in shown.stdout
    assert "2 of 8 updates were left" in shown.stdout


def test_follow_to_the_end(edgetrain_, federation, going):
    looks = iter([None, lambda: going.evaluated(1, 0.8), lambda: going.publish(0.8)])

    def look():
        step = next(looks, None)
        if step is not None:
            step()

    federation.executions.on_look = look
    outcome = edgetrain_("runs", "follow", "going")
    assert outcome.code == 0
    assert "round 1/10: 3 trained" in outcome.stdout
    assert "model digits version 1" in outcome.stdout


def test_follow_json_is_one_document_at_the_end(edgetrain_, played):
    assert edgetrain_("runs", "follow", "played", "--json").document["status"] == "SUCCEEDED"


def test_stop(edgetrain_, federation, going):
    told = edgetrain_("runs", "stop", "going", "--json")
    assert (told.code, told.document["status"], told.document["error"]) == (0, "ABORTED", "RunStopped")
    again = edgetrain_("runs", "stop", "going")
    assert again.code == 2
    assert "not running: it is ABORTED" in again.sentence


def test_stop_says_how_to_resume(edgetrain_, going):
    assert "--run-id going" in edgetrain_("runs", "stop", "going").stderr


def test_following_a_run_that_somebody_stops(edgetrain_, federation, going):
    federation.executions.on_look = lambda: federation.executions.stop(going.arn, "stopped elsewhere")
    outcome = edgetrain_("runs", "follow", "going")
    assert outcome.code == 1
    assert "stopped elsewhere" in outcome.sentence


@pytest.mark.parametrize("command", ["show", "follow", "stop"])
@pytest.mark.parametrize("run", ["nobody", "../etc", "a b"])
def test_an_unknown_run(edgetrain_, federation, command, run):
    outcome = edgetrain_("runs", command, run, "--json")
    assert outcome.code == 2
    assert outcome.document["error"]["code"] == "RunNotFound"
    assert "edgetrain runs list" in outcome.sentence

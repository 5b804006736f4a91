"""`edgetrain demo`: all steps, in a folder, and nothing left running."""

import itertools
import json
from contextlib import contextmanager
from dataclasses import dataclass
from xml.etree import ElementTree

import pytest

import edgetrain.client.federation
from edgetrain import keys
from edgetrain.cli import plot, reference
from edgetrain.cli.commands import demo
from edgetrain.client import documents
from edgetrain.client.runs import read_run
from edgetrain.errors import DeploymentFailed
from edgetrain.tasks import building
from tests.unit.cli.test_tasks_and_data import built
from tests.unit.fakes.federation import PlayedRun, memory_federation, play

CLIMBING = (0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.88, 0.9, 0.95)
CENTRAL = documents.TrainDocument(
    task="digits", metrics={"accuracy": 0.98, "loss": 0.07}, seconds=9.0, folder="central"
)


@dataclass
class Playing:
    """What the demonstration plays on."""

    federation: edgetrain.client.federation.Federation
    process: object
    deployment: object

    def with_accuracies(self, *accuracies):
        self.federation.executions.on_start = lambda arn, document: play(self.federation, arn, document, accuracies)


@pytest.fixture
def playing(process, deployment, monkeypatch):
    federation = memory_federation()
    central = []

    @contextmanager
    def training(task, folder, log):
        central.append(task)
        try:
            yield reference.CentralTraining(None, log)
        finally:
            process.events.append("central gone")

    monkeypatch.setattr("edgetrain.cli.cloud.LOCAL_PAUSE", 0.0)
    monkeypatch.setattr(reference, "central_training", training)
    monkeypatch.setattr(reference.CentralTraining, "result", lambda _self: CENTRAL)
    monkeypatch.setattr(building, "load_or_build", lambda task, model=None, **_: built(task, model))
    monkeypatch.setattr(edgetrain.client.federation, "connect", lambda _connection: federation)
    made = Playing(federation, process, deployment)
    made.with_accuracies(*CLIMBING)
    return made


def test_the_whole_demonstration(edgetrain_, playing, tmp_path):
    out = tmp_path / "demo"
    outcome = edgetrain_("demo", "--out", str(out))
    assert outcome.code == 0, outcome.stderr
    summary = documents.RunDocument.model_validate_json((out / "summary.json").read_text())
    assert [each.accuracy for each in summary.rounds] == list(CLIMBING)
    assert (summary.input.rounds, summary.input.clients_per_round, summary.status) == (10, 10, "SUCCEEDED")
    assert json.loads((out / "reference.json").read_text())["metrics"]["accuracy"] == 0.98
    assert (out / "rounds.png").read_bytes()[:4] == b"\x89PNG"
    ElementTree.parse(out / "rounds.svg")  # noqa: S314 (our own file)
    assert (out / "model" / keys.MANIFEST_FILE).exists()
    assert not (out / "cloud").exists()
    assert [f"[{number}/6]" in outcome.stderr for number in range(1, 7)] == [True] * 6
    assert "95.0 % of 360 held-out" in outcome.stdout
    assert "98.0 %" in outcome.stdout
    assert "edgetrain up --detach" in outcome.stdout.split("Try next")[1]
    assert playing.process.events == [
        "start 0",
        "deploy http://127.0.0.1:0 EdgetrainFederated",
        "stop",
        "central gone",
    ]


def test_json_is_the_summary(edgetrain_, playing, tmp_path):
    outcome = edgetrain_("demo", "--out", str(tmp_path), "--json")
    assert outcome.document == json.loads((tmp_path / "summary.json").read_text())
    assert "Try next" in outcome.stderr


def test_too_low_an_accuracy_is_a_failure_with_everything_kept(edgetrain_, playing, tmp_path):
    playing.with_accuracies(0.5, 0.89)
    outcome = edgetrain_("demo", "--out", str(tmp_path))
    assert outcome.code == 1
    assert outcome.sentence == "the federation reached 89.0 % on held-out digits: expected at least 90 %"
    assert (tmp_path / "rounds.png").exists()
    again = edgetrain_("demo", "--out", str(tmp_path), "--json")
    assert (again.code, again.document["status"]) == (1, "SUCCEEDED")
    assert playing.process.running == {}


def test_ctrl_c_takes_the_cloud_down(edgetrain_, playing, tmp_path):
    playing.deployment.failure = KeyboardInterrupt()
    outcome = edgetrain_("demo", "--out", str(tmp_path))
    assert outcome.code == 1
    assert "cloud is taken down" in outcome.sentence
    assert playing.process.events == ["start 0", "stop", "central gone"]


def test_a_failure_takes_the_cloud_down(edgetrain_, playing, tmp_path):
    playing.deployment.failure = DeploymentFailed("stack X: no")
    outcome = edgetrain_("demo", "--out", str(tmp_path))
    assert (outcome.code, outcome.sentence) == (1, "stack X: no")
    assert playing.process.running == {}


def test_a_run_that_fails_is_told_with_its_error(edgetrain_, playing, tmp_path):
    def fail(arn, document):
        PlayedRun.begin(playing.federation, arn, document).fail("QuorumNotReached", "2 of 8 updates were left")

    playing.federation.executions.on_start = fail
    outcome = edgetrain_("demo", "--out", str(tmp_path), "--json")
    assert outcome.code == 1
    assert outcome.document["error"] == {"code": "QuorumNotReached", "message": "2 of 8 updates were left"}
    assert playing.process.running == {}


def test_another_demonstration_is_not_disturbed(edgetrain_, playing, tmp_path):
    playing.process.start(tmp_path / "cloud")
    outcome = edgetrain_("demo", "--out", str(tmp_path))
    assert outcome.code == 2
    assert "another demonstration plays" in outcome.sentence
    assert len(playing.process.running) == 1


def test_what_the_last_paragraph_says_can_be_typed(edgetrain_):
    lines = [line.split() for line in demo.NEXT.splitlines()[1:]]
    assert len(lines) == 5
    for program, *words in lines:
        command = list(itertools.takewhile(lambda word: word not in {"digits"} and not word.startswith("--"), words))
        shown = edgetrain_(*command, "--help")
        assert (program, shown.code) == ("edgetrain", 0)
        assert all(f" {word} " in shown.stdout for word in words if word.startswith("--")), words


# --- the plot


@pytest.fixture
def rounds():
    federation = memory_federation()
    play(federation, federation.executions.start("run", "{}"), {"task": "digits"}, CLIMBING)
    return read_run(federation, "run").rounds


def draw(rounds, folder, central=CENTRAL.metrics):
    return plot.draw_rounds(rounds, folder, title="T", held_out=360, aim=0.9, central=central)


def test_the_same_run_gives_the_same_picture(rounds, tmp_path):
    (tmp_path / "again").mkdir()
    first, second = draw(rounds, tmp_path), draw(rounds, tmp_path / "again")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_one_round_without_anything_beside_it_can_be_drawn(rounds, tmp_path):
    bare = replace_all(rounds[:1], train_loss=None)
    png, svg = draw(bare, tmp_path, central={})
    assert png.stat().st_size > 1000
    assert svg.stat().st_size > 1000


def replace_all(rounds, **fields):
    return tuple(each.model_copy(update=fields) for each in rounds)

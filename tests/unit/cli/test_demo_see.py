"""`edgetrain demo-see`: all steps, in a folder, and nothing left running."""

import json
from types import SimpleNamespace

import pytest

from edgetrain.cli import photographs
from edgetrain.cli.commands import demo_see
from edgetrain.cli.photographs import PHOTOGRAPHS
from edgetrain.client.detecting import Reply
from edgetrain.errors import DeploymentFailed

LABELS = ["Person", "Cat", "Coffee cup"]


class Playing:
    """What the demonstration plays on: its cloud is the fake one, and the API finds what `sees` says, picture by picture."""

    def __init__(self, process, deployment):
        self.process, self.deployment = process, deployment
        self.sees = list(range(len(LABELS)))
        self.asked = 0

    def send(self, method, url, headers, body):
        assert headers["Authorization"] == "Bearer token"
        if method == "GET":
            return Reply(200, {}, json.dumps({"task": "objects", "version": 1, "labels": LABELS}).encode())
        label = self.sees[self.asked]
        self.asked += 1
        row = [label, 0.75, 0.1, 0.1, 0.9, 0.9]
        return Reply(200, {"x-model-version": "1"}, json.dumps([{"prediction": [row]}]).encode())


@pytest.fixture
def playing(process, deployment, monkeypatch):
    made = Playing(process, deployment)
    replaced = {
        "edgetrain.client.federation.connect_registry": lambda _connection: None,
        "edgetrain.client.pretrained.import_pretrained": lambda _registry: SimpleNamespace(source="npm:x", licence="A"),
        "edgetrain.client.sign_in.connect_sign_in": lambda _connection: None,
        "edgetrain.client.users.invite": lambda _s, name: SimpleNamespace(name=name, password="Made-up-1", web="w"),
        "edgetrain.client.users.add_machine": lambda *_: None,
        "edgetrain.client.tokens.fetch_token": lambda *_: "token",
        "edgetrain.client.outputs.read_outputs": lambda _client: {"ApiUrl": "http://127.0.0.1:1/api"},
        "edgetrain.client.detecting.http_send": lambda: made.send,
        "edgetrain.cli.commands.demo_see.publish_site": lambda *_: SimpleNamespace(url="http://127.0.0.1:2"),
        "edgetrain.cli.commands.demo_see.find_browser": lambda: None,
    }
    for name, fake in replaced.items():
        monkeypatch.setattr(name, fake)
    return made


def test_the_whole_demonstration(edgetrain_, playing, tmp_path):
    out = tmp_path / "see"
    outcome = edgetrain_("demo-see", "--out", str(out))
    assert outcome.code == 0, outcome.stderr
    assert [f"[{number}/7]" in outcome.stderr for number in range(1, 8)] == [True] * 7
    assert "astronaut: person 0.75" in outcome.stderr
    for name in PHOTOGRAPHS:
        assert (out / f"{name}.jpg").read_bytes() != (out / f"{name}-boxes.jpg").read_bytes()
    assert not (out / "cloud").exists()
    assert playing.process.events == ["start 0", "deploy http://127.0.0.1:0 EdgetrainEdge", "stop"]
    assert "edgetrain users invite NAME" in outcome.stdout.split("Try next")[1]


def test_without_a_browser_it_says_how_to_see_the_page(edgetrain_, playing, tmp_path):
    outcome = edgetrain_("demo-see", "--out", str(tmp_path))
    assert "there is no browser here (chromium, chromium-browser, google-chrome)" in outcome.stderr
    assert "edgetrain demo-see --stay" in outcome.stderr


def test_json_is_what_was_seen(edgetrain_, playing, tmp_path):
    outcome = edgetrain_("demo-see", "--out", str(tmp_path), "--json")
    seen = {each["name"]: each for each in outcome.document["photographs"]}
    assert {name: each["expected"] for name, each in seen.items()} == PHOTOGRAPHS
    assert [each["found"] for each in seen.values()] == [True] * 3
    assert outcome.document["screenshots"] == []


def test_what_is_not_found_is_a_failure_with_everything_kept(edgetrain_, playing, tmp_path):
    playing.sees = [0, 0, 0]
    outcome = edgetrain_("demo-see", "--out", str(tmp_path))
    assert (outcome.code, outcome.sentence) == (1, "the detector found no cat in chelsea and no coffee cup in coffee")
    assert (tmp_path / "coffee-boxes.jpg").exists()
    playing.asked = 0
    again = edgetrain_("demo-see", "--out", str(tmp_path), "--json")
    assert (again.code, [each["found"] for each in again.document["photographs"]]) == (1, [True, False, False])
    assert playing.process.running == {}


def test_it_stays_until_ctrl_c_which_is_no_failure(edgetrain_, playing, tmp_path, monkeypatch):
    def pressed(_seconds):
        playing.process.events.append("Ctrl-C")
        raise KeyboardInterrupt

    monkeypatch.setattr(demo_see.time, "sleep", pressed)
    outcome = edgetrain_("demo-see", "--out", str(tmp_path), "--stay")
    assert outcome.code == 0, outcome.stderr
    assert "http://127.0.0.1:2/ - sign in as ada with the password Made-up-1" in outcome.stderr
    assert playing.process.events[-2:] == ["Ctrl-C", "stop"]


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (KeyboardInterrupt(), "interrupted: the demonstration's cloud is taken down"),
        (DeploymentFailed("stack X: no"), "stack X: no"),
    ],
)
def test_whatever_ends_it_takes_the_cloud_down(edgetrain_, playing, tmp_path, failure, sentence):
    playing.deployment.failure = failure
    outcome = edgetrain_("demo-see", "--out", str(tmp_path))
    assert (outcome.code, outcome.sentence) == (1, sentence)
    assert playing.process.running == {}


def test_what_is_not_installed_is_said_before_anything_starts(edgetrain_, playing, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "skimage", None)
    outcome = edgetrain_("demo-see", "--out", str(tmp_path))
    assert outcome.code == 2
    assert outcome.sentence.endswith("pip install 'edgetrain[see]'")
    assert playing.process.events == []


def test_the_browsers_driver_is_missed_only_where_there_is_a_browser(edgetrain_, playing, tmp_path, monkeypatch):
    monkeypatch.setattr(demo_see, "find_browser", lambda: "/usr/bin/chromium")
    monkeypatch.setattr("edgetrain.cli.browser.find_spec", lambda _name: None)
    outcome = edgetrain_("demo-see", "--out", str(tmp_path))
    assert (outcome.code, playing.process.events) == (2, [])
    assert "playwright drives the browser and is not installed" in outcome.sentence


def test_photographs_are_jpeg_files_of_even_sides():
    """A camera's film wants them so."""
    from edgetrain.detection.pictures import read_picture

    first = read_picture(photographs.photograph("astronaut"))
    assert (first.media_type, first.width % 2, first.height % 2) == ("image/jpeg", 0, 0)

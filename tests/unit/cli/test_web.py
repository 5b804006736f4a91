"""`edgetrain web`, and what `edgetrain up` brings into a cloud besides its stacks."""

import pytest

import edgetrain.client.federation
from edgetrain.cli.commands import up, web
from edgetrain.client import outputs, pretrained
from edgetrain.client.connection import Connection
from edgetrain.client.documents import PublishedDocument
from edgetrain.local import web_bundle
from tests.unit.fakes.federation import memory_federation

PUBLISHED = PublishedDocument(
    url="https://d1.cloudfront.net",
    bucket="b",
    uploaded=("index.html",),
    unchanged=3,
    removed=("old.js",),
    invalidation="I1",
)
NOTHING_NEW = PublishedDocument(
    url="http://127.0.0.1:4567", bucket="b", uploaded=(), unchanged=4, removed=(), invalidation=None
)


class FakePublisher:
    """Tells which folder it was given."""

    def __init__(self, document):
        self.document = document
        self.folders = []

    def publish(self, folder, say):
        self.folders.append(folder)
        return self.document

    def remove(self):
        return self.document


@pytest.fixture
def publisher(monkeypatch, process, tmp_path):
    process.start(tmp_path / "cloud")
    made = FakePublisher(PUBLISHED)
    monkeypatch.setattr(web, "_publisher", lambda _cloud: made)
    return made


def test_what_is_built_is_published(edgetrain_, publisher, monkeypatch, tmp_path):
    monkeypatch.setattr(web_bundle, "web_bundle", lambda _project, _say: tmp_path / "built")
    outcome = edgetrain_("web", "publish")
    assert (outcome.code, outcome.stdout) == (0, "https://d1.cloudfront.net/\n")
    assert "1 files uploaded, 3 there already, 1 old ones deleted." in outcome.stderr
    assert "edge locations" in outcome.stderr
    assert publisher.folders == [tmp_path / "built"]


def test_a_folder_of_ones_own_is_not_built(edgetrain_, publisher, monkeypatch, tmp_path):
    monkeypatch.setattr(web_bundle, "web_bundle", None)
    publisher.document = NOTHING_NEW
    outcome = edgetrain_("web", "publish", "--dist", str(tmp_path), "--json")
    assert PublishedDocument.model_validate(outcome.document) == NOTHING_NEW
    assert publisher.folders == [tmp_path]


def test_nothing_built_and_nothing_to_be(edgetrain_, publisher, monkeypatch, tmp_path):
    monkeypatch.setattr(web, "project_dir", lambda: tmp_path)
    outcome = edgetrain_("web", "publish", "--no-build")
    assert outcome.code == 2
    assert "build the web app first" in outcome.sentence


def test_a_site_that_is_not_deployed(edgetrain_, process, monkeypatch, tmp_path):
    process.start(tmp_path / "cloud")
    monkeypatch.setattr(outputs, "read_outputs", lambda _client: {"WebUrl": "https://d1.cloudfront.net"})
    outcome = edgetrain_("web", "publish", "--dist", str(tmp_path), "--json")
    assert (outcome.code, outcome.document["error"]["code"]) == (2, "NotDeployed")


def test_taking_it_off(edgetrain_, publisher):
    assert "1 files are deleted" in edgetrain_("web", "remove").stdout
    assert edgetrain_("web", "remove", "--json").document["removed"] == ["old.js"]


@pytest.mark.parametrize("is_there", [False, True])
def test_the_first_detector_is_brought_where_there_is_none(monkeypatch, is_there):
    said, imported = [], []
    monkeypatch.setattr(edgetrain.client.federation, "connect", lambda _cloud: memory_federation())
    monkeypatch.setattr(
        "edgetrain.client.models.list_models", lambda _federation, task: iter([task] if is_there else [])
    )

    def bring(federation):
        imported.append(federation)
        return pretrained._told(_manifest(), "models/objects/000001/manifest.json", imported=True)

    monkeypatch.setattr(pretrained, "import_pretrained", bring)
    monkeypatch.setattr(web, "publish_site", lambda _cloud, _say: NOTHING_NEW)
    assert up.furnish(Connection.embedded("http://127.0.0.1:1"), said.append) == NOTHING_NEW.url
    assert len(imported) == int(not is_there)
    assert [line.startswith("registered objects version 1") for line in said] == [True] * len(imported)


def _manifest():
    from edgetrain.contracts import FileEntry, Manifest

    entry = FileEntry(name="model.tflite", key="models/objects/000001/model.tflite", sha256="0" * 64, size=1)
    return Manifest(
        task="objects", version=1, created_at="2026-01-01T00:00:00.000+00:00", files=(entry,), metrics={}, lineage={}
    )

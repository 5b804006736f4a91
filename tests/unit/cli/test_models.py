"""`edgetrain models`."""

import json

import pytest

from edgetrain import keys
from edgetrain.client import model_documents, pretrained
from tests.unit.fakes.federation import play


@pytest.fixture
def published(federation):
    """Two versions."""
    for name, accuracy in (("first", 0.8), ("second", 0.9)):
        play(federation, federation.executions.start(name, "{}"), {"task": "digits"}, (accuracy,))
    return federation


def test_list(edgetrain_, published):
    told = model_documents.ModelsDocument.model_validate(edgetrain_("models", "list", "--json").document)
    assert [(each.version, each.lineage["run_id"]) for each in told.models] == [(2, "second"), (1, "first")]
    assert "accuracy 0.9000" in edgetrain_("models", "list", "--task", "digits").stdout


def test_nothing_is_published_yet(edgetrain_, federation):
    assert edgetrain_("models", "list", "--json").document == {"models": []}
    assert "edgetrain federate" in edgetrain_("models", "list").stderr


def test_show(edgetrain_, published):
    told = model_documents.ModelVersion.model_validate(edgetrain_("models", "show", "digits", "--json").document)
    assert (told.version, told.metrics["accuracy"]) == (2, 0.9)
    assert edgetrain_("models", "show", "digits", "--version", "1", "--json").document["version"] == 1
    assert keys.WEIGHTS_FILE in edgetrain_("models", "show", "digits").stdout


def test_download(edgetrain_, published, tmp_path):
    folder = tmp_path / "model"
    outcome = edgetrain_("models", "download", "digits", "--version", "1", "--out", str(folder), "--json")
    assert model_documents.DownloadDocument.model_validate(outcome.document).folder == str(folder)
    assert (folder / keys.WEIGHTS_FILE).read_bytes() == b"weights"
    assert json.loads((folder / keys.MANIFEST_FILE).read_text())["version"] == 1


def test_download_goes_to_a_folder_of_its_own(edgetrain_, published, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert edgetrain_("models", "download", "digits").stdout == "digits version 2 is in models/digits/2\n"
    assert (tmp_path / "models" / "digits" / "2" / keys.PROGRAM_FILE).exists()


def test_a_file_that_was_changed_is_not_downloaded(edgetrain_, published, tmp_path):
    published.models.put(keys.model_file("digits", 2, keys.WEIGHTS_FILE), b"WEIGHTS")
    outcome = edgetrain_("models", "download", "digits", "--out", str(tmp_path), "--json")
    assert outcome.code == 1
    assert outcome.document["error"]["code"] == "DataInvalid"
    assert not (tmp_path / keys.WEIGHTS_FILE).exists()
    assert not (tmp_path / keys.MANIFEST_FILE).exists()


@pytest.mark.parametrize("command", ["show", "download"])
@pytest.mark.parametrize("words", [("digits", "--version", "7"), ("femnist",)])
def test_a_version_that_is_not_there(edgetrain_, published, command, words):
    outcome = edgetrain_("models", command, *words, "--json")
    assert outcome.code == 2
    assert outcome.document["error"]["code"] == "ModelNotFound"


def test_verify(edgetrain_, published):
    told = model_documents.VerifyDocument.model_validate(edgetrain_("models", "verify", "digits", "--json").document)
    assert (told.version, told.intact) == (2, True)
    assert edgetrain_("models", "verify", "digits", "--version", "1").stdout.count("intact") == 3


@pytest.mark.parametrize(("body", "verdict"), [(b"WEIGHTS", "differs"), (None, "missing")])
def test_verify_names_the_file_that_is_not_what_it_was(edgetrain_, published, body, verdict):
    key = keys.model_file("digits", 1, keys.WEIGHTS_FILE)
    published.models.objects[key] = [] if body is None else [body]
    outcome = edgetrain_("models", "verify", "digits", "--version", "1")
    assert outcome.code == 1
    assert key in outcome.sentence
    assert outcome.stdout.count("intact") == 2
    assert verdict in outcome.stdout
    outcome = edgetrain_("models", "verify", "digits", "--version", "1", "--json")
    assert outcome.code == 1
    assert [each["name"] for each in outcome.document["files"] if not each["intact"]] == [keys.WEIGHTS_FILE]


def test_import_pretrained(edgetrain_, federation, monkeypatch):
    monkeypatch.setattr(pretrained.import_pretrained, "__defaults__", (lambda: {keys.MODEL_FILE: b"model"},))
    told = model_documents.PretrainedDocument.model_validate(
        edgetrain_("models", "import-pretrained", "--json").document
    )
    assert (told.task, told.version, told.imported) == ("objects", 1, True)
    assert "was there already" in edgetrain_("models", "import-pretrained").stdout
    assert "npm:@mediapipe/objectron" in edgetrain_("models", "list").stdout
    assert "Apache-2.0" in edgetrain_("models", "show", "objects").stdout

"""`edgetrain tasks`, `edgetrain data`, `edgetrain train`."""

import sys
from importlib.metadata import EntryPoint
from types import SimpleNamespace

import numpy as np
import pytest

from edgetrain import keys
from edgetrain.client import documents
from edgetrain.client.programs import current_program
from edgetrain.contracts import ClientSettings, TaskSpec, TensorSpec
from edgetrain.errors import LayerNotSupported
from edgetrain.tasks import building, own
from edgetrain.tasks.digits import Digits
from tests.unit.fakes import leaf


def built(task, model=None):
    """A program that is none, of the right shape."""
    name = model or "cnn"
    spec = TaskSpec(
        task=task.name,
        title=task.title,
        model=name,
        program_batch=20,
        x=task.x,
        y=(TensorSpec(name="y", shape=(), dtype="int32"),),
        weights=(TensorSpec(name="w", shape=(3, 4)),),
        loss="softmax_cross_entropy",
        client=ClientSettings(),
    )
    files = {
        keys.PROGRAM_FILE: name.encode(),
        keys.WEIGHTS_FILE: b"weights",
        keys.SPEC_FILE: spec.model_dump_json().encode(),
    }
    return building.BuiltProgram(task.name, name, f"program-{name}", spec, files)


@pytest.fixture(autouse=True)
def _no_tensorflow(monkeypatch):
    def build(task, model=None, *, progress=None, cache=None):
        progress("converting")
        return built(task, model)

    monkeypatch.setattr(building, "build_program", build)
    monkeypatch.setattr(building, "load_or_build", build)


# --- tasks


def test_list(edgetrain_):
    told = documents.TasksDocument.model_validate(edgetrain_("tasks", "list", "--json").document)
    assert [task.name for task in told.tasks] == ["digits", "femnist"]
    assert "digits" in edgetrain_("tasks", "list").stdout


def test_show(edgetrain_):
    told = documents.TaskDocument.model_validate(edgetrain_("tasks", "show", "digits", "--json").document)
    assert (told.models, told.example_shape, told.client) == (("cnn", "mlp"), (8, 8, 1), Digits.client)
    assert "8 x 8 x 1" in edgetrain_("tasks", "show", "digits").stdout


@pytest.mark.parametrize(
    "words",
    [
        ("tasks", "show", "x"),
        ("tasks", "build", "x"),
        ("data", "import", "--task", "x"),
        ("train", "--task", "x", "--local"),
    ],
)
def test_an_unknown_task(edgetrain_, words):
    outcome = edgetrain_(*words, "--json")
    assert outcome.code == 2
    assert outcome.document["error"] == {
        "code": "TaskNotFound",
        "message": "there is no task 'x': expected one of digits, femnist",
    }


@pytest.fixture
def flowers(edgetrain_, tmp_path):
    """A new task's file."""
    file = str(tmp_path / "flowers.py")
    told = edgetrain_("tasks", "new", "flowers", "--out", file, "--json").document
    assert documents.NewTaskDocument.model_validate(told).file == file
    return file


def test_new_shows_the_file_and_what_is_next(edgetrain_, tmp_path):
    file = str(tmp_path / "stones.py")
    outcome = edgetrain_("tasks", "new", "stones", "--out", file)
    assert (outcome.code, outcome.stdout) == (0, f"{file}\n")
    assert f"edgetrain data import --task {file}" in outcome.stderr
    again = edgetrain_("tasks", "new", "stones", "--out", file)
    assert (again.code, again.sentence) == (2, f"{file} exists already: expected a file that does not")


def test_a_task_of_ones_own_by_its_file(edgetrain_, federation, flowers, tmp_path):
    assert edgetrain_("tasks", "show", flowers, "--json").document["name"] == "flowers"
    outcome = edgetrain_("tasks", "build", flowers, "--model", "dense", "--out", str(tmp_path / "built"))
    assert "of task flowers (12 parameters)" in outcome.stdout
    assert current_program(federation.models, "flowers").program_id == "program-dense"

    told = edgetrain_("data", "import", "--task", flowers, "--clients", "5", "--model", "dense", "--json").document
    assert (told["task"], told["clients"], told["examples"]) == ("flowers", 5, 1000)
    held_out = edgetrain_("data", "hold-out", "--task", flowers, "--json").document
    assert held_out["task"] == "flowers"

    tables = tmp_path / "tables"
    tables.mkdir()
    (tables / "a.csv").write_text("label,a,b,c,d\n" + "high,1,2,3,4\n0,1,2,3,4\n" * 5)
    words = ("data", "import", "--task", flowers, "--csv", str(tables), "--json")
    assert edgetrain_(*words).document["examples_per_client"] == {"a": 9}
    assert "edgetrain federate --task flowers" in edgetrain_(*words[:-1]).stderr


def test_a_file_that_is_no_task_is_the_users_mistake(edgetrain_, federation, flowers, tmp_path):
    (tmp_path / "flowers.py").write_text("1 / 0\n")
    sentence = f"{flowers}, line 1 cannot be imported: ZeroDivisionError: division by zero"
    for words in (
        ("tasks", "show", flowers),
        ("data", "import", "--task", flowers),
        ("data", "hold-out", "--task", flowers),
        ("train", "--local", "--task", flowers),
        ("federate", "--task", flowers),
    ):
        outcome = edgetrain_(*words, "--json")
        assert outcome.code == 2
        assert outcome.document["error"] == {"code": "TaskInvalid", "message": sentence}


def test_a_broken_package_leaves_the_other_tasks(edgetrain_, monkeypatch):
    points = [
        EntryPoint("theirs", "a_package_of_nobody:Task", own.GROUP),
        EntryPoint("starter", "edgetrain.tasks.starter:OwnTask", own.GROUP),
    ]
    monkeypatch.setattr(own, "entry_points", lambda *, group: points)
    outcome = edgetrain_("tasks", "list", "--json")
    assert [task["name"] for task in outcome.document["tasks"]] == ["digits", "femnist", "starter"]
    assert "Left out: entry point theirs" in outcome.stderr


def test_build_uploads_to_the_cloud_that_runs(edgetrain_, federation, tmp_path):
    outcome = edgetrain_("tasks", "build", "digits", "--model", "mlp", "--out", str(tmp_path / "built"), "--json")
    told = documents.BuildDocument.model_validate(outcome.document)
    assert (told.model, told.program_id, told.parameters) == ("mlp", "program-mlp", 12)
    assert told.uploaded_to == "models-bucket"
    assert (tmp_path / "built" / keys.PROGRAM_FILE).read_bytes() == b"mlp"
    assert current_program(federation.models, "digits").program_id == "program-mlp"
    assert "converting" in outcome.stderr


def test_build_without_a_cloud(edgetrain_, process, tmp_path):
    outcome = edgetrain_("tasks", "build", "digits", "--out", str(tmp_path))
    assert outcome.code == 0
    assert "12 parameters" in outcome.stdout
    assert "nothing was uploaded" in outcome.stderr
    assert edgetrain_("tasks", "build", "digits", "--out", str(tmp_path), "--json").document["uploaded_to"] is None


def test_a_layer_that_cannot_be_lowered_is_the_users_mistake(edgetrain_, process, monkeypatch, tmp_path):
    def refuse(task, model=None, *, progress=None):
        raise LayerNotSupported("layer lstm (LSTM) has no lowering")

    monkeypatch.setattr(building, "build_program", refuse)
    outcome = edgetrain_("tasks", "build", "digits", "--out", str(tmp_path))
    assert (outcome.code, outcome.sentence) == (2, "layer lstm (LSTM) has no lowering")


# --- data


def test_import_stores_one_object_for_each_client_and_the_program(edgetrain_, federation):
    outcome = edgetrain_("data", "import", "--task", "digits", "--clients", "20", "--alpha", "0.3", "--json")
    assert outcome.code == 0
    told = documents.ImportDocument.model_validate(outcome.document)
    assert (told.clients, told.examples, told.test_examples) == (20, 1437, 360)
    assert sum(told.examples_per_client.values()) == 1437
    assert (told.program_id, told.program_uploaded) == ("program-cnn", True)
    assert told.index_key in federation.data
    assert keys.client_data("digits", told.dataset_id, "client-019") in federation.data

    again = edgetrain_("data", "import", "--task", "digits", "--clients", "20", "--alpha", "0.3", "--json").document
    assert (again["dataset_id"], again["program_uploaded"]) == (told.dataset_id, False)


def test_another_seed_is_another_split(edgetrain_, federation):
    ids = {edgetrain_("data", "import", "--task", "digits", "--seed", s, "--json").document["dataset_id"] for s in "01"}
    assert len(ids) == 2


def test_import_keeps_the_model_in_use(edgetrain_, federation, tmp_path):
    edgetrain_("tasks", "build", "digits", "--model", "mlp", "--out", str(tmp_path))
    assert edgetrain_("data", "import", "--task", "digits", "--json").document["program_id"] == "program-mlp"
    told = edgetrain_("data", "import", "--task", "digits", "--model", "cnn", "--json").document
    assert told["program_id"] == "program-cnn"


def test_import_in_words(edgetrain_, federation):
    outcome = edgetrain_("data", "import", "--task", "digits")
    assert "1,437 examples of task digits over 20 clients" in outcome.stdout
    assert "edgetrain federate --task digits" in outcome.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--clients", "5000"), "clients is 5000: expected 1 to 718"),
        (("--alpha", "0"), "alpha is 0"),
        (("--alpha", "-1"), "alpha is -1"),
        (("--alpha", "nan"), "alpha is nan"),
        (("--clients", "0"), "--clients"),
        (("--model", "rnn"), "no model 'rnn': expected one of cnn, mlp"),
    ],
)
def test_what_cannot_be_imported(edgetrain_, federation, words, told):
    outcome = edgetrain_("data", "import", "--task", "digits", *words, "--json")
    assert outcome.code == 2
    assert told in outcome.document["error"]["message"]
    assert len(federation.data) == 0


def test_import_leaf(edgetrain_, federation, tmp_path):
    folder = leaf.write_folder(tmp_path, [{"f1": 3, "f2": 4}])
    outcome = edgetrain_("data", "import", "--task", "femnist", "--leaf", str(folder), "--json")
    assert outcome.code == 0
    told = documents.ImportDocument.model_validate(outcome.document)
    assert (told.source, told.examples_per_client, told.test_examples) == ("LEAF", {"f1": 3, "f2": 4}, 4)
    words = edgetrain_("data", "import", "--task", "femnist", "--leaf", str(folder)).stdout
    assert "7 examples of task femnist over 2 clients (3 to 4 each), 4 held out" in words
    assert "source: LEAF" in words


def test_import_generated_writers(edgetrain_, federation):
    words = ("data", "import", "--task", "femnist", "--generate-writers", "2", "--seed")
    told = edgetrain_(*words, "3", "--json").document
    assert told["source"] == "generated"
    assert list(told["examples_per_client"]) == ["generated-00000", "generated-00001"]
    assert edgetrain_(*words, "3", "--json").document == {**told, "program_uploaded": False}
    assert edgetrain_(*words, "4", "--json").document["dataset_id"] != told["dataset_id"]
    assert "source: generated" in edgetrain_(*words, "3").stdout


def test_import_arrays_and_tables(edgetrain_, federation, tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((10, 8, 8), np.float32), y=np.arange(10))
    words = ("data", "import", "--task", "digits", "--test-share", "0.2", "--json")
    told = edgetrain_(*words, "--npz", str(tmp_path)).document
    assert (told["source"], told["examples_per_client"], told["test_examples"]) == ("npz", {"a": 8}, 2)
    header = ",".join(["digit", *(f"p{number}" for number in range(64))])
    rows = [",".join([str(digit), *["0.5"] * 64]) for digit in range(10)]
    (tmp_path / "b.csv").write_text("\n".join([header, *rows]))
    told = edgetrain_(*words, "--csv", str(tmp_path), "--label-column", "digit").document
    assert (told["source"], told["examples_per_client"], told["test_examples"]) == ("csv", {"b": 8}, 2)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--leaf", "{}", "--npz", "{}"), "--leaf and --npz: expected one of them"),
        (("--leaf", "{}", "--clients", "3"), "--clients does not go with --leaf"),
        (("--npz", "{}", "--label-column", "y"), "--label-column does not go with --npz"),
        (("--test-share", "0.5"), "--test-share does not go with data that the task brings"),
        (("--generate-writers", "3", "--alpha", "1"), "--alpha does not go with --generate-writers"),
        (("--generate-writers", "20000"), "writers to generate: 20000: expected 1 to 10,000"),
        (("--generate-writers", "0"), "--generate-writers"),
        (("--leaf", "{}/nowhere"), "nowhere: expected a folder"),
        (("--leaf", "{}"), "no train/*.json in it"),
        (("--csv", "{}"), "no *.csv in it"),
        ((), "task femnist brings no data: import LEAF's with `--leaf DIR`"),
    ],
)
def test_what_cannot_be_imported_from_a_folder(edgetrain_, federation, tmp_path, words, told):
    outcome = edgetrain_("data", "import", "--task", "femnist", *(each.format(tmp_path) for each in words), "--json")
    assert outcome.code == 2
    assert told in outcome.document["error"]["message"]
    assert len(federation.data) == 0


def test_a_bad_sample_is_the_users_mistake(edgetrain_, federation, tmp_path):
    folder = leaf.write_folder(tmp_path, [{"f1": 2}])
    document = leaf.document({"f1": 2})
    document["user_data"]["f1"]["x"][1].pop()
    path = leaf.write(folder / "test" / "0.json", document)
    outcome = edgetrain_("data", "import", "--task", "femnist", "--leaf", str(folder))
    assert outcome.code == 2
    assert outcome.sentence == f"{path}, writer f1, sample 1 has 783 numbers: expected 784 numbers"
    assert keys.dataset_pointer("femnist") not in federation.data


# --- train


@pytest.fixture
def trainer(monkeypatch, tmp_path):
    def train_locally(task, folder, *, epochs=None, progress):
        progress(f"{task} for {epochs} epochs")
        return SimpleNamespace(metrics={"accuracy": 0.97, "loss": 0.1}, folder=folder, seconds=3.0)

    monkeypatch.setitem(sys.modules, "training_jobs.local", SimpleNamespace(train_locally=train_locally))


def test_train_locally(edgetrain_, trainer, tmp_path):
    outcome = edgetrain_("train", "--task", "digits", "--local", "--epochs", "2", "--out", str(tmp_path), "--json")
    told = documents.TrainDocument.model_validate(outcome.document)
    assert (told.metrics["accuracy"], told.folder) == (0.97, str(tmp_path))
    assert "digits for 2 epochs" in outcome.stderr
    assert "accuracy 0.9700" in edgetrain_("train", "--task", "digits", "--local", "--out", str(tmp_path)).stdout


def test_train_on_sagemaker_is_not_there_yet(edgetrain_):
    outcome = edgetrain_("train", "--task", "digits")
    assert outcome.code == 2
    assert "--local" in outcome.sentence


# --- hold-out


def test_clients_keep_examples_to_be_tested_on(edgetrain_, federation):
    imported = edgetrain_("data", "import", "--task", "digits", "--clients", "5", "--json").document
    outcome = edgetrain_("data", "hold-out", "--task", "digits", "--share", "0.25", "--json")
    told = documents.HoldOutDocument.model_validate(outcome.document)
    assert (told.clients, told.tested_clients) == (5, 5)
    assert told.examples + told.tested_examples == imported["examples"]
    assert told.dataset_id != imported["dataset_id"]
    again = edgetrain_("data", "hold-out", "--task", "digits")
    assert again.code == 2
    assert "have a test part already" in again.stderr


def test_what_is_held_out_is_told(edgetrain_, federation):
    edgetrain_("data", "import", "--task", "digits", "--clients", "5")
    outcome = edgetrain_("data", "hold-out", "--task", "digits")
    assert "5 of 5 clients are tested on" in outcome.stdout
    assert "--evaluation-clients 5" in outcome.stderr

"""FEMNIST from LEAF's files to a published model: writers are imported, and the deployed state machine trains on them."""

import json
import time

import numpy as np
import pytest
from safetensors.numpy import load

from edgetrain import keys
from edgetrain.client.documents import ImportDocument, RunDocument
from edgetrain.client.importing import import_task
from edgetrain.contracts import DataIndex, TaskSpec
from edgetrain.datasets.leaf import LeafSource
from edgetrain.stores.base import read_record
from edgetrain.tasks.registry import get_task
from tests.integration.cli.conftest import Shell
from tests.integration.federation.conftest import Player
from tests.unit.fakes import leaf

TASK = "femnist"
#: LEAF's own network is the same kind of model, 56 times as large.
MODEL = "small"
#: Far more than an import of so few writers takes.
PATIENCE_SECONDS = 120
WRITERS = {f"f{number:04d}_00": 10 + number for number in range(6)}


@pytest.fixture(scope="module")
def imported(player: Player, tmp_path_factory: pytest.TempPathFactory) -> ImportDocument:
    folder = leaf.write_folder(tmp_path_factory.mktemp("leaf"), [WRITERS], held_out=3)
    task = get_task(TASK)
    return import_task(player.federation, task, LeafSource(task, folder), model=MODEL, progress=lambda _: None)


@pytest.fixture(scope="module")
def run(player: Player, imported: ImportDocument) -> RunDocument:
    client = {"epochs": 5, "batch_size": 20, "learning_rate": 0.1}
    ended = player.play(run_id="writers", task=TASK, rounds=2, clients_per_round=5, client=client)
    assert (ended.status, ended.error, ended.cause) == ("SUCCEEDED", None, None)
    return player.document("writers")


def test_what_is_imported_can_be_read_by_anybody(player: Player, imported: ImportDocument) -> None:
    assert (imported.source, imported.examples_per_client, imported.test_examples) == ("LEAF", WRITERS, 18)
    index = read_record(player.federation.data, imported.index_key, DataIndex)
    for entry in (*index.clients, *index.client_tests):
        tensors = load(player.federation.data.get(entry.key))
        assert tensors["x"].shape == (entry.num_examples, 28, 28, 1)
        assert (tensors["x"].dtype, tensors["y"].dtype) == (np.float32, np.int32)
    spec_key = keys.program_file(TASK, imported.program_id, keys.SPEC_FILE)
    assert read_record(player.federation.models, spec_key, TaskSpec).parameters == 117_694


def test_writers_train_and_the_model_is_published(player: Player, imported: ImportDocument, run: RunDocument) -> None:
    assert run.dataset_id == imported.dataset_id
    for each in run.rounds:
        assert len(each.updates) == 5
        assert {update.client: update.num_examples for update in each.updates}.items() <= WRITERS.items()
        assert not each.refused
    first, last = (each.train_loss for each in run.rounds)
    assert last < first
    assert run.model is not None
    manifest = json.loads(player.federation.models.get(keys.model_file(TASK, run.model.version, keys.MANIFEST_FILE)))
    assert manifest["task"] == TASK


def test_an_import_that_is_killed_goes_on_where_it_was(player: Player, imported: ImportDocument) -> None:
    """Nothing of it is current, and what it stored is not stored again."""
    data = player.federation.data
    current, before = data.get(keys.dataset_pointer(TASK)), set(data.keys(f"datasets/{TASK}/"))
    words = ("data", "import", "--task", TASK, "--model", MODEL, "--generate-writers", "40", "--seed", "5", "--json")
    shell = Shell(player.cloud.data_dir)
    first = shell.start(*words)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(left := set(data.keys(f"datasets/{TASK}/")) - before) < 10:
        assert first.poll() is None, "it ended too soon to be killed"
        assert time.monotonic() < deadline
    first.kill()
    first.communicate()
    assert data.get(keys.dataset_pointer(TASK)) == current
    left = set(data.keys(f"datasets/{TASK}/")) - before
    assert not [key for key in left if key.endswith(".json")], "no index"
    versions = {key: data.find(key) for key in left}

    told = ImportDocument.model_validate_json(shell.run(*words).stdout)
    assert (told.source, told.clients) == ("generated", 40)
    index = read_record(data, told.index_key, DataIndex)
    assert left < {each.key for each in (*index.clients, *index.client_tests)}
    assert {key: data.find(key) for key in left} == versions
    assert json.loads(data.get(keys.dataset_pointer(TASK)))["dataset_id"] == told.dataset_id
    data.put(keys.dataset_pointer(TASK), current)

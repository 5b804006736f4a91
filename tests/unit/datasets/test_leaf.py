"""LEAF's layout: what comes out of good files, and the sentence for each bad one."""

import json

import numpy as np
import pytest

from edgetrain.datasets.leaf import LeafSource
from edgetrain.errors import DataFileInvalid
from edgetrain.tasks.registry import get_task
from tests.unit.fakes import leaf

FEMNIST = get_task("femnist")


def test_every_writer_is_a_client_with_its_own_held_out_part(tmp_path):
    folder = leaf.write_folder(tmp_path, [{"f0001_00": 3, "f0002_11": 5}, {"f0003_22": 4}])
    source = LeafSource(FEMNIST, folder)
    parts = list(source)
    assert len(source) == len(parts) == 6
    assert [(part.client, part.held_out, len(part.y)) for part in parts] == [
        ("f0001_00", False, 3),
        ("f0002_11", False, 5),
        ("f0003_22", False, 4),
        ("f0001_00", True, 2),
        ("f0002_11", True, 2),
        ("f0003_22", True, 2),
    ]
    wanted = json.loads((folder / "train" / "0.json").read_text())["user_data"]["f0002_11"]
    np.testing.assert_array_equal(parts[1].x.reshape(5, 784), np.float32(wanted["x"]))
    np.testing.assert_array_equal(parts[1].y, wanted["y"])
    assert (parts[1].x.shape, parts[1].x.dtype, parts[1].y.dtype) == ((5, 28, 28, 1), np.float32, np.int32)


def test_one_file_for_each_half_will_do(tmp_path):
    leaf.write(tmp_path / "train.json", leaf.document({"f1": 2}))
    leaf.write(tmp_path / "test.json", leaf.document({"f1": 1}))
    assert [part.held_out for part in LeafSource(FEMNIST, tmp_path)] == [False, True]


def test_the_lists_may_come_after_the_data(tmp_path):
    folder = leaf.write_folder(tmp_path, [{"f1": 2}])
    path = folder / "train" / "0.json"
    leaf.write(path, dict(reversed(json.loads(path.read_text()).items())))
    assert [part.client for part in LeafSource(FEMNIST, folder)] == ["f1", "f1"]


def test_the_description_changes_with_any_byte_of_any_file(tmp_path):
    folder = leaf.write_folder(tmp_path, [{"f1": 2}, {"f2": 2}])
    before = LeafSource(FEMNIST, folder).description()
    assert LeafSource(FEMNIST, folder).description() == before
    path = folder / "test" / "1.json"
    path.write_text(path.read_text() + " ")
    assert LeafSource(FEMNIST, folder).description() != before


# --- bad files: each change of a good one, and what its reader is told


def _row(document, value):
    document["user_data"]["f2"]["x"][3] = value


def _pixel(document, value):
    document["user_data"]["f2"]["x"][3][40] = value


def _label(document, value):
    document["user_data"]["f2"]["y"][3] = value


def _count(document, value):
    document["num_samples"][1] = value


def _renamed(document):
    document["user_data"]["f9"] = document["user_data"].pop("f2")


def _without_labels(document):
    del document["user_data"]["f2"]["y"]


def _one_label_less(document):
    document["user_data"]["f2"]["y"].pop()


BAD = {
    "a short sample": (lambda d: _row(d, [1.0] * 783), "f2, sample 3 has 783 numbers: expected 784 numbers"),
    "a sample that is none": (lambda d: _row(d, 1.0), "f2, sample 3 has 1.0: expected 784 numbers"),
    "a pixel above 1": (lambda d: _pixel(d, 255), "f2, sample 3: number 40 is 255: expected 0 to 1"),
    "a pixel below 0": (lambda d: _pixel(d, -0.5), "f2, sample 3: number 40 is -0.5: expected 0 to 1"),
    "a pixel beyond float32": (lambda d: _pixel(d, 1e300), "f2, sample 3: number 40 is inf: expected 0 to 1"),
    "a word for a pixel": (lambda d: _pixel(d, "ink"), "f2, sample 3: number 40 is 'ink': expected a number"),
    "null for a pixel": (lambda d: _pixel(d, None), "f2, sample 3: number 40 is nan: expected 0 to 1"),
    "a list for a pixel": (lambda d: _pixel(d, [1]), "f2, sample 3: number 40 is '[1]': expected a number"),
    "a label of no class": (lambda d: _label(d, 62), "f2, sample 3 has label 62: expected 0 to 61"),
    "a negative label": (lambda d: _label(d, -1), "f2, sample 3 has label -1: expected 0 to 61"),
    "half a label": (lambda d: _label(d, 1.5), "f2, sample 3 has label 1.5: expected 0 to 61"),
    "a letter for a label": (lambda d: _label(d, "A"), "f2, sample 3 has label 'A': expected 0 to 61"),
    "no labels": (_without_labels, "f2: no lists x and y: expected both"),
    "one label less": (_one_label_less, "f2: 5 samples in x, 4 labels in y: expected as many"),
    "another count": (lambda d: _count(d, 6), "f2: 5 samples, and num_samples says 6: expected as many"),
    "a count of none": (lambda d: _count(d, 0), "f2: num_samples is 0: expected 1 to 10,000"),
    "a count that is no number": (lambda d: _count(d, "5"), "f2: num_samples is '5': expected 1 to 10,000"),
    "a count too few": (lambda d: d["num_samples"].pop(), "2 users and 1 num_samples: expected as many"),
    "a user without data": (lambda d: d["user_data"].pop("f2"), "f2 is in users and not in user_data"),
    "data of no user": (_renamed, "f9 is in user_data and not in users"),
    "a user twice": (lambda d: d["users"].__setitem__(0, "f2"), "f2 is in users twice: expected every writer once"),
    "a user of another file": (lambda d: d["users"].__setitem__(1, "f3"), "f3 is in "),
    "a user's name with a slash": (lambda d: d["users"].__setitem__(1, "a/b"), "'a/b': expected 1 to 64 of A-Z"),
    "a number for a user": (lambda d: d["users"].__setitem__(1, 7), "users[1] is 7: expected a name"),
    "no users": (
        lambda d: d.pop("users"),
        "no list users in it: expected an object with users, num_samples and user_data",
    ),
    "no one": (lambda d: d.update(users=[], num_samples=[], user_data={}), "has no users: expected at least one"),
    "no data": (lambda d: d.pop("user_data"), "f1 is in users and not in user_data"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_is_named_with_writer_and_sample(tmp_path, what):
    change, told = BAD[what]
    folder = leaf.write_folder(tmp_path, [{"f1": 4, "f2": 5}, {"f3": 2}])
    path = folder / "train" / "0.json"
    document = json.loads(path.read_text())
    change(document)
    leaf.write(path, document)
    with pytest.raises(DataFileInvalid) as caught:
        list(LeafSource(FEMNIST, folder))
    sentence = str(caught.value)
    assert told in sentence
    assert str(folder / "train") in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty: expected an object with users, num_samples and user_data"),
        ("{", "is not JSON ("),
        ("[]", "no list users in it"),
        ("7", "no list users in it"),
        ("\x00\x01", "is not JSON ("),
        ('{"users": ["f1"], "num_samples": [1], "user_data": {"f1": {"x": [[1.0', "is not JSON ("),
        ('{"users": ["f1"], "num_samples": [1], "user_data": []}', "f1 is in users and not in user_data"),
        ('{"users": ["f1"], "num_samples": [1], "user_data": {"f1": 3}}', "f1: no lists x and y"),
        ('{"users": {"f1": 1}, "num_samples": [1], "user_data": {}}', "no list users in it"),
    ],
)
def test_what_is_no_such_json(tmp_path, text, told):
    folder = leaf.write_folder(tmp_path, [{"f1": 1}])
    path = folder / "test" / "0.json"
    path.write_text(text)
    with pytest.raises(DataFileInvalid) as caught:
        list(LeafSource(FEMNIST, folder))
    assert str(caught.value).startswith(str(path))
    assert told in str(caught.value)


def test_a_file_that_breaks_off_says_after_which_writer(tmp_path):
    folder = leaf.write_folder(tmp_path, [{"f1": 2, "f2": 2}])
    path = folder / "train" / "0.json"
    path.write_text(path.read_text()[:-100])
    with pytest.raises(DataFileInvalid, match=r"0\.json is not JSON, after writer f1 \("):
        list(LeafSource(FEMNIST, folder))


def test_a_writer_twice_in_one_file(tmp_path):
    folder = leaf.write_folder(tmp_path, [{"f1": 1}])
    path = folder / "train" / "0.json"
    text = path.read_text()
    data = json.dumps(json.loads(text)["user_data"]["f1"])
    path.write_text(text.replace('"user_data": {', f'"user_data": {{"f1": {data}, '))
    with pytest.raises(DataFileInvalid, match="f1 is in user_data twice"):
        list(LeafSource(FEMNIST, folder))


@pytest.mark.parametrize("half", ["train", "test"])
def test_both_halves_are_needed(tmp_path, half):
    folder = leaf.write_folder(tmp_path, [{"f1": 1}])
    (folder / half / "0.json").unlink()
    with pytest.raises(DataFileInvalid, match=rf"no {half}/\*\.json in it: expected LEAF's layout"):
        LeafSource(FEMNIST, folder)

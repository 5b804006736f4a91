"""Building a task's program, and the cache of what was built."""

import hashlib
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from edgetrain import keys
from edgetrain.contracts import TaskSpec
from edgetrain.errors import ExtraMissing, ProgramInvalid, UsageError
from edgetrain.federated import weights
from edgetrain.runtime.program import TrainingProgram
from edgetrain.tasks import building, exporting
from edgetrain.tasks.building import BuiltProgram, build_program, default_cache, load_or_build
from edgetrain.tasks.registry import get_task

DIGITS = get_task("digits")


def made_up(task, model=None, *, progress=None):
    """A build that costs nothing."""
    name = model or "cnn"
    spec = building.task_spec(task, name, ())
    files = {
        keys.PROGRAM_FILE: name.encode(),
        keys.WEIGHTS_FILE: b"weights",
        keys.SPEC_FILE: spec.model_dump_json().encode(),
    }
    return BuiltProgram(task.name, name, building._program_id(files), spec, files)


@pytest.fixture
def builds(monkeypatch):
    """Models that were built, instead of taken from the cache."""
    built = []

    def build(task, model=None, *, progress=None):
        built.append(model)
        return made_up(task, model)

    monkeypatch.setattr(building, "build_program", build)
    return built


# --- a build ------------------------------------------------------------------------------------------------


def test_a_build_is_a_program_with_its_weights_and_task_json(digits_program):
    built = digits_program
    assert (built.task, built.model) == ("digits", "cnn")
    assert set(built.files) == {keys.PROGRAM_FILE, keys.WEIGHTS_FILE, keys.SPEC_FILE}
    assert TaskSpec.model_validate_json(built.files[keys.SPEC_FILE]) == built.spec
    assert keys.checked_id(built.program_id, "program") == built.program_id
    initial = weights.decode(built.files[keys.WEIGHTS_FILE])
    assert [(name, array.shape) for name, array in initial.items()] == [(w.name, w.shape) for w in built.spec.weights]
    assert all(np.isfinite(array).all() for array in initial.values())
    assert initial["conv1/kernel"].std() > 0.05
    assert (built.spec.program_batch, len(built.spec.labels), built.spec.x.shape) == (20, 10, (8, 8, 1))


def test_the_programs_answers_are_numbers_that_depend_on_the_weights(digits_program):
    program = TrainingProgram(digits_program.files[keys.PROGRAM_FILE], digits_program.spec)
    initial = weights.decode(digits_program.files[keys.WEIGHTS_FILE])
    x = DIGITS.load().test_x[:30]
    logits = program.infer(initial, x)
    assert np.isfinite(logits).all()
    for name in initial:
        other = program.infer({**initial, name: initial[name] + 0.5}, x)
        assert not np.allclose(logits, other), name


def test_the_same_task_builds_to_the_same_bytes(digits_program):
    again = build_program(DIGITS, "cnn")
    assert (again.files, again.program_id) == (digits_program.files, digits_program.program_id)


def test_another_model_and_another_id(digits_program):
    said = []
    built = build_program(DIGITS, "mlp", progress=said.append)
    assert (built.model, built.spec.model) == ("mlp", "mlp")
    assert built.program_id != digits_program.program_id
    assert said == [
        "importing TensorFlow",
        "converting digits/mlp (6,570 parameters)",
        "checking the program against Keras",
    ]


@pytest.mark.parametrize("function", [build_program, load_or_build])
def test_an_unknown_model_is_the_users_mistake(function):
    with pytest.raises(UsageError, match=r"no model 'resnet': expected one of cnn, mlp"):
        function(DIGITS, "resnet")


def test_without_tensorflow_the_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "edgetrain.tasks.exporting", None)
    monkeypatch.delattr("edgetrain.tasks.exporting", raising=False)
    with pytest.raises(ExtraMissing, match=r"pip install 'edgetrain\[tasks\]'"):
        build_program(DIGITS)


@pytest.mark.parametrize("lost", ["w4", "logits"])
def test_a_conversion_that_loses_something_is_seen(digits_program, monkeypatch, lost):
    model = exporting.seeded(DIGITS.models()["cnn"], 1)
    if lost == "logits":
        monkeypatch.setattr(TrainingProgram, "infer", lambda self, given, x: np.full((len(x), 10), np.nan, np.float32))
    else:
        step = TrainingProgram._step

        def without_one(self, *arguments):
            kept = self._view[lost]().copy()
            loss = step(self, *arguments)
            self._view[lost]()[...] = kept
            return loss

        monkeypatch.setattr(TrainingProgram, "_step", without_one)
    with pytest.raises(ProgramInvalid, match=r"dense1/kernel|logits"):
        exporting.check_program(digits_program.files[keys.PROGRAM_FILE], model, digits_program.spec)


# --- what TensorFlow says ------------------------------------------------------------------------------------


def test_standard_error_is_held_back_and_goes_with_an_error(capfd):
    def fail():
        with building.quiet():
            os.write(2, b"what the converter said\n")
            raise ValueError("no")

    with building.quiet():
        os.write(2, b"chatter\n")
    with pytest.raises(ValueError) as caught:
        fail()
    os.write(2, b"after\n")
    assert caught.value.__notes__ == ["what the converter said\n"]
    assert capfd.readouterr().err == "after\n"


# --- the cache ----------------------------------------------------------------------------------------------


def test_built_once_and_then_taken_from_the_cache(builds, tmp_path):
    first = load_or_build(DIGITS, cache=tmp_path)
    assert load_or_build(DIGITS, "cnn", cache=tmp_path) == first
    assert load_or_build(DIGITS, "mlp", cache=tmp_path).model == "mlp"
    assert builds == ["cnn", "mlp"]


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"other"), lambda path: path.unlink()])
@pytest.mark.parametrize("name", [*building.FILES, building.RECORD])
def test_a_damaged_entry_is_built_again(builds, tmp_path, name, damage):
    load_or_build(DIGITS, cache=tmp_path)
    (path,) = tmp_path.rglob(name)
    damage(path)
    assert load_or_build(DIGITS, cache=tmp_path) == made_up(DIGITS)
    assert load_or_build(DIGITS, cache=tmp_path) == made_up(DIGITS)
    assert builds == ["cnn", "cnn"]
    assert [entry.name for entry in tmp_path.rglob(".fresh-*")] == []


def test_nothing_half_written_is_left(builds, tmp_path, monkeypatch):
    def fail(path, body):
        raise OSError("no space left")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OSError, match="no space left"):
        load_or_build(DIGITS, cache=tmp_path)
    assert list((tmp_path / "digits").iterdir()) == []


def test_the_entry_of_somebody_quicker_is_good_enough(tmp_path, monkeypatch):
    def meanwhile(task, model=None, *, progress=None):
        building._write(tmp_path / "digits" / building._cache_key(DIGITS, "cnn"), made_up(DIGITS))
        return made_up(DIGITS)

    monkeypatch.setattr(building, "build_program", meanwhile)
    assert load_or_build(DIGITS, cache=tmp_path) == made_up(DIGITS)


def test_the_key_follows_what_determines_the_program(monkeypatch):
    key = building._cache_key(DIGITS, "cnn")
    assert building._cache_key(DIGITS, "cnn") == key
    assert building._cache_key(DIGITS, "mlp") != key
    monkeypatch.setattr(building.metadata, "version", lambda package: "99")
    assert building._cache_key(DIGITS, "cnn") != key
    monkeypatch.undo()
    read = Path.read_bytes
    for part in ("digits.py", "convolution.py", "exporting.py", "signatures.py"):
        monkeypatch.setattr(Path, "read_bytes", lambda path, part=part: read(path) + b"#" * (path.name == part))
        assert building._cache_key(DIGITS, "cnn") != key, part
    monkeypatch.undo()
    assert building._cache_key(DIGITS, "cnn") == key


def test_every_source_of_the_key_exists():
    root = Path(building.edgetrain.__file__).parent
    assert all(list(root.glob(part)) for part in building.SOURCES)


def test_a_task_without_a_source_file_is_built_every_time(builds, tmp_path, monkeypatch):
    monkeypatch.setattr(building.inspect, "getfile", lambda kind: "<notebook>")
    load_or_build(DIGITS, cache=tmp_path)
    load_or_build(DIGITS, cache=tmp_path)
    assert (builds, list(tmp_path.iterdir())) == (["cnn", "cnn"], [])


def test_the_cache_is_where_the_users_caches_are(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "edgetrain" / "programs"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache() == tmp_path / ".cache" / "edgetrain" / "programs"


def test_the_id_is_the_hash_of_all_files(digits_program):
    for name, body in digits_program.files.items():
        changed = {**digits_program.files, name: body + b"\0"}
        assert building._program_id(changed) != digits_program.program_id, name
    assert len(digits_program.program_id) == building.ID_DIGITS < len(hashlib.sha256().hexdigest())

"""Loading a program: its signatures must fit its task.json; and inference."""

import numpy as np
import pytest

from edgetrain.contracts import TensorSpec
from edgetrain.errors import DataInvalid, ProgramInvalid
from edgetrain.runtime.program import TrainingProgram
from tests.unit.tasks.networks import BATCH, exported


def weight(spec, position, **changes):
    weights = list(spec.weights)
    weights[position] = weights[position].model_copy(update=changes)
    return {"weights": tuple(weights)}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            lambda spec: {"program_batch": 7},
            r"arguments of gradients, x: is float32 \[6, 10, 10, 1\], task.json says float32 \[7,",
        ),
        (lambda spec: {"x": TensorSpec(name="x", shape=(10, 10, 3))}, "arguments of gradients, x"),
        (lambda spec: {"y": (TensorSpec(name="label", shape=()),)}, r"missing \['label'\], not in task.json \['y'\]"),
        (
            lambda spec: {"y": (TensorSpec(name="y", shape=(), dtype="int32"),)},
            r"y: is float32 \[6\], task.json says int32 \[6\]",
        ),
        (lambda spec: {"weights": spec.weights[:-1]}, r"not in task.json \['w7'\]"),
        (lambda spec: {"weights": (*spec.weights, spec.weights[0])}, r"missing \['w8'\]"),
        (
            lambda spec: weight(spec, 2, shape=(5, 5, 3, 5)),
            r"w2: is float32 \[5, 5, 3, 4\], task.json says float32 \[5, 5, 3, 5\]",
        ),
        (lambda spec: {"labels": ("a", "b")}, "tells 4 classes apart, task.json names 2"),
    ],
)
def test_a_task_json_of_another_program_is_refused(network, changes, sentence):
    with pytest.raises(ProgramInvalid, match=sentence):
        TrainingProgram(network.program, network.spec.model_copy(update=changes(network.spec)))


@pytest.mark.parametrize("body", [b"", b"no program", b"\x1c\x00\x00\x00TFL3" + bytes(100)])
def test_bytes_that_are_no_program_are_refused(network, body):
    with pytest.raises(ProgramInvalid, match=rf"{len(body)} bytes are no program"):
        TrainingProgram(body, network.spec)


def test_a_file_without_all_signatures_is_refused(network):
    with pytest.raises(
        ProgramInvalid, match=r"has the signatures \['infer'\]: expected \['gradients', 'infer', 'train'\]"
    ):
        TrainingProgram(network.only("infer"), network.spec)


@pytest.mark.parametrize("count", [0, 1, BATCH, 2 * BATCH + 1])
def test_any_number_of_examples_is_inferred(network, program, examples, count):
    x, _ = examples(count)
    logits = program.infer(network.weights, x)
    assert (logits.shape, logits.dtype) == ((count, 4), np.float32)
    if count:
        np.testing.assert_allclose(logits, network.model(x), rtol=1e-4, atol=1e-5)


def test_inference_checks_what_it_is_given(network, program, examples):
    x, _ = examples(2)
    with pytest.raises(DataInvalid, match="x is float32"):
        program.infer(network.weights, x[:, :3])
    with pytest.raises(DataInvalid, match="the weights are"):
        program.infer({}, x)


def test_a_task_without_labels_takes_the_programs_classes(network):
    spec = network.spec.model_copy(update={"labels": ()})
    assert TrainingProgram(network.program, spec).classes == 4


def test_programs_do_not_share_memory(network, program, examples):
    other = exported("vectors")
    second = TrainingProgram(other.program, other.spec)
    x, _ = examples(3)
    before = program.infer(network.weights, x)
    second.infer(other.weights, np.ones((3, 9), np.float32))
    np.testing.assert_array_equal(program.infer(network.weights, x), before)

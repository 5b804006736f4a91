"""Loss and accuracy on examples that a model was not trained on."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgetrain.errors import DataInvalid, ModelDiverged
from edgetrain.runtime.evaluation import cross_entropy, evaluate
from edgetrain.tasks.registry import get_task
from tests.unit.tasks.networks import exported


def test_the_cross_entropy_by_hand():
    logits = np.log(np.array([[1, 2, 1], [5, 1, 4]], np.float32))
    # -log(2/4) and -log(4/10), and their mean
    assert cross_entropy(logits, np.array([1, 2])) == pytest.approx((math.log(2) + math.log(2.5)) / 2)


@given(
    arrays(np.float32, (4, 3), elements=st.floats(-50, 50, width=32)),
    st.lists(st.integers(0, 2), min_size=4, max_size=4),
    st.floats(-1000, 1000),
)
def test_a_constant_on_all_logits_changes_nothing(logits, labels, shift):
    shifted = cross_entropy(logits.astype(np.float64) + shift, np.array(labels))
    assert shifted == pytest.approx(cross_entropy(logits, np.array(labels)), abs=1e-6)
    assert shifted >= 0


def test_extreme_logits_overflow_nowhere():
    assert cross_entropy(np.array([[3e38, -3e38]], np.float32), np.array([0])) == 0
    assert math.isfinite(cross_entropy(np.array([[3e38, -3e38]], np.float32), np.array([1])))


def test_metrics_are_kerass(network, program, examples):
    import keras

    x, y = examples(33)
    logits = network.model(x)
    found = evaluate(program, network.weights, x, y)
    assert found == {
        "loss": pytest.approx(
            float(keras.losses.SparseCategoricalCrossentropy(from_logits=True)(y["y"], logits)), rel=1e-5
        ),
        "accuracy": pytest.approx(float(np.mean(np.argmax(logits, 1) == y["y"]))),
    }


def test_real_images_are_evaluated_as_one():
    """Any number at once or in parts: the weighted mean of the parts' metrics is that of the whole."""
    from edgetrain.runtime.program import TrainingProgram

    digits = exported("digits-mlp")
    program, data = TrainingProgram(digits.program, digits.spec), get_task("digits").load()
    x, y = data.test_x[:50], data.test_y[:50]
    whole = evaluate(program, digits.weights, x, {"y": y})
    parts = [evaluate(program, digits.weights, x[a:b], {"y": y[a:b]}) for a, b in ((0, 13), (13, 50))]
    for name in ("loss", "accuracy"):
        assert whole[name] == pytest.approx((13 * parts[0][name] + 37 * parts[1][name]) / 50, rel=1e-6)


@pytest.mark.parametrize(
    "change", [lambda x, y: (x[:0], {"y": y["y"][:0]}), lambda x, y: (x, {}), lambda x, y: (x, {"y": y["y"][:2]})]
)
def test_examples_without_labels_are_refused(network, program, examples, change):
    x, y = change(*examples(5))
    with pytest.raises(DataInvalid, match=r"\d examples: expected at least one, each with a label in y"):
        evaluate(program, network.weights, x, y)


def test_a_label_that_is_none_of_the_classes_is_refused(network, program, examples):
    x, y = examples(5)
    y["y"][2] = 4
    with pytest.raises(DataInvalid, match="y holds 4: expected whole numbers from 0 to 3"):
        evaluate(program, network.weights, x, y)


def test_a_model_that_answers_no_numbers_is_refused(network, program, examples):
    broken = {name: array * np.float32(np.nan) for name, array in network.weights.items()}
    with pytest.raises(ModelDiverged, match="the loss over 5 examples is nan"):
        evaluate(program, broken, *examples(5))

"""TrainingProgram.train: batches of any size, deadlines, and what one client leaves to the next."""

import numpy as np
import pytest

from edgetrain.contracts import ClientSettings
from edgetrain.errors import DataInvalid, TrainingFailed
from edgetrain.tasks import exporting
from tests.unit.tasks.networks import BATCH, tensorflow_step

RATE = 0.05


def settings(batch_size=BATCH, epochs=1, learning_rate=RATE):
    return ClientSettings(epochs=epochs, batch_size=batch_size, learning_rate=learning_rate)


def train(program, base, x, y, wanted, *, seed=1, deadline=None, **more):
    return program.train(base, x, y, wanted, np.random.default_rng(seed), deadline=deadline, **more)


def tensorflow_epoch(network, x, y, batch_size, seed=1):
    """The weights and the mean loss of one epoch of TensorFlow's own SGD over the same batches."""
    model = network.model.__class__.from_config(network.model.get_config())
    model.set_weights(network.model.get_weights())
    order, total = np.random.default_rng(seed).permutation(len(x)), 0.0
    for begin in range(0, len(x), batch_size):
        batch = order[begin : begin + batch_size]
        loss, gradients = tensorflow_step(model, x[batch], y["y"][batch], np.ones(len(batch), np.float32))
        total += loss * len(batch)
        for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
            variable.assign_sub(RATE * gradient)
    return exporting.trainable_weights(model), total / len(x)


@pytest.mark.parametrize(
    ("examples_held", "batch_size", "steps"),
    [
        (12, BATCH, 2),  # the program's own batch
        (13, BATCH, 3),  # and one example left over
        (5, 2, 3),  # smaller, by the mask
        (1, BATCH, 1),
        (4, 1, 4),
        (15, 15, 1),  # larger, by adding gradients: two parts and a half
        (15, 12, 2),
        (20, 1000, 1),  # all examples at once
    ],
)
def test_an_epoch_is_tensorflows_with_batches_of_any_size(network, program, examples, examples_held, batch_size, steps):
    x, y = examples(examples_held)
    outcome = train(program, network.weights, x, y, settings(batch_size))
    wanted, loss = tensorflow_epoch(network, x, y, batch_size)
    assert (outcome.steps, outcome.stopped) == (steps, False)
    assert outcome.loss == pytest.approx(loss, rel=1e-5)
    for name, array in wanted.items():
        np.testing.assert_allclose(outcome.weights[name], array, atol=1e-5, err_msg=name)
        assert np.abs(array - network.weights[name]).max() > 1e-4, name


def test_epochs_are_shuffled_anew_and_the_loss_falls(network, program, examples):
    x, y = examples(24)
    first = train(program, network.weights, x, y, settings(learning_rate=0.1))
    many = train(program, network.weights, x, y, settings(epochs=20, learning_rate=0.1))
    assert many.steps == 20 * first.steps == 80
    assert many.loss < first.loss


def test_the_same_generator_gives_the_same_bits_and_another_one_others(network, program, examples):
    x, y = examples(20)
    one, same, other = (train(program, network.weights, x, y, settings(epochs=2), seed=seed) for seed in (3, 3, 4))
    assert one.loss == same.loss
    for name, array in one.weights.items():
        np.testing.assert_array_equal(array, same.weights[name])
    assert any((array != other.weights[name]).any() for name, array in one.weights.items())


def test_the_base_stays_and_the_outcome_is_nobody_elses(network, program, examples):
    x, y = examples(12)
    base = network.weights
    before = {name: array.copy() for name, array in base.items()}
    first = train(program, base, x, y, settings())
    kept = {name: array.copy() for name, array in first.weights.items()}
    train(program, base, x, y, settings(), seed=9)
    for name, array in base.items():
        np.testing.assert_array_equal(array, before[name])
        np.testing.assert_array_equal(first.weights[name], kept[name])


def test_what_a_broken_client_leaves_in_memory_reaches_no_other(network, program, examples):
    x, y = examples(3)
    alone = train(program, network.weights, x, y, settings())
    broken = np.full((BATCH, *network.spec.x.shape), np.nan, np.float32)
    with pytest.raises(TrainingFailed):
        train(program, network.weights, broken, {"y": np.zeros(BATCH, np.int32)}, settings())
    after = train(program, network.weights, x, y, settings())
    for name, array in alone.weights.items():
        np.testing.assert_array_equal(array, after.weights[name])


@pytest.mark.parametrize(("deadline", "steps"), [(100.0, 0), (101.5, 2), (103.0, 3), (200.0, 4), (None, 4)])
def test_the_deadline_is_looked_at_between_batches(network, program, examples, deadline, steps):
    x, y = examples(4 * BATCH)
    ticks = iter(range(100, 200))
    outcome = train(program, network.weights, x, y, settings(), deadline=deadline, clock=lambda: float(next(ticks)))
    assert (outcome.steps, outcome.stopped) == (steps, steps < 4)
    moved = any((outcome.weights[name] != array).any() for name, array in network.weights.items())
    assert (moved, outcome.loss is not None) == (steps > 0, steps > 0)


def test_a_loss_that_is_no_number_ends_the_training(network, program, examples):
    x, y = examples(30)
    with pytest.raises(TrainingFailed, match=r"the loss became (nan|inf) in step \d+"):
        train(program, network.weights, x * 1e4, y, settings(epochs=50, learning_rate=100))


def without(weights, name):
    return {key: array for key, array in weights.items() if key != name}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda x, y, w: (x[0], y, w), r"x is float32 \[10, 10, 1\]: expected float32 \[10, 10, 10, 1\]"),
        (lambda x, y, w: (np.float32(1), y, w), "x is a number"),
        (lambda x, y, w: (x.astype(np.float64), y, w), "x is float64"),
        (lambda x, y, w: (x[:, :9], y, w), r"x is float32 \[4, 9, 10, 1\]: expected float32 \[4, 10, 10, 1\]"),
        (lambda x, y, w: (x[:0], {"y": y["y"][:0]}, w), "0 examples"),
        (lambda x, y, w: (x, {}, w), r"4 examples with \[\]: expected at least one, with \['y'\]"),
        (lambda x, y, w: (x, {**y, "z": y["y"]}, w), r"\['y', 'z'\]"),
        (lambda x, y, w: (x, {"y": y["y"][:3]}, w), r"y is int32 \[3\]: expected any \[4\]"),
        (lambda x, y, w: (x, {"y": y["y"] + 4}, w), r"y holds \d: expected whole numbers from 0 to 3"),
        (lambda x, y, w: (x, {"y": y["y"] - 4}, w), r"y holds -\d: expected whole numbers"),
        (lambda x, y, w: (x, {"y": y["y"] + 0.5}, w), r"y holds \d\.5: expected whole numbers"),
        (lambda x, y, w: (x, {"y": y["y"] * np.nan}, w), "y holds nan"),
        (lambda x, y, w: (x, y, without(w, next(iter(w)))), r"the weights are \["),
        (lambda x, y, w: (x, y, {**w, "more": np.zeros(1, np.float32)}), "the weights are .*more"),
        (
            lambda x, y, w: (x, y, {**w, next(iter(w)): np.zeros((2, 2), np.float32)}),
            r"weight conv2d/kernel is float32 \[2, 2\]",
        ),
        (lambda x, y, w: (x, y, {name: array.astype(np.float64) for name, array in w.items()}), "is float64"),
    ],
)
def test_examples_or_weights_of_something_else_are_refused(network, program, examples, change, sentence):
    x, y, base = change(*examples(4), network.weights)
    with pytest.raises(DataInvalid, match=sentence):
        train(program, base, x, y, settings())

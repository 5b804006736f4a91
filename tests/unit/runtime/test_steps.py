"""What a client does with its gradients: batches by epochs or steps, FedSGD, FedProx, clipping."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgetrain.contracts import ClientSettings
from edgetrain.runtime.steps import add_proximal, batches, clip
from edgetrain.tasks import exporting
from tests.unit.runtime.test_training import RATE, train
from tests.unit.tasks.networks import BATCH, tensorflow_step

CLOSE = {"rtol": 2e-4, "atol": 2e-6}


def rows(examples: int, seed: int = 1, **settings: object) -> list[list[int]]:
    found = batches(examples, ClientSettings(**settings), np.random.default_rng(seed))  # type: ignore[arg-type]
    return [each.tolist() for each in found]


# --- batches


@given(examples=st.integers(1, 30), batch_size=st.integers(1, 10), epochs=st.integers(1, 4))
def test_every_epoch_has_every_example_once(examples: int, batch_size: int, epochs: int) -> None:
    found = rows(examples, batch_size=batch_size, epochs=epochs)
    per_epoch = -(-examples // batch_size)
    assert len(found) == epochs * per_epoch
    for epoch in range(epochs):
        seen = [row for batch in found[epoch * per_epoch : (epoch + 1) * per_epoch] for row in batch]
        assert sorted(seen) == list(range(examples))


@given(examples=st.integers(1, 30), batch_size=st.integers(1, 10), steps=st.integers(1, 40))
def test_steps_are_the_beginning_of_as_many_epochs_as_it_takes(examples: int, batch_size: int, steps: int) -> None:
    found = rows(examples, batch_size=batch_size, steps=steps, epochs=1)
    assert found == rows(examples, batch_size=batch_size, epochs=steps)[:steps]
    assert len(found) == steps


def test_a_full_batch_is_one_batch_of_everything() -> None:
    assert rows(7, full_batch=True, batch_size=2, epochs=5) == [list(range(7))]


# --- arithmetic


def test_the_proximal_term_by_hand() -> None:
    """lr mu = 1/2: 1/2 (3 - 1) and 1/2 (0 - 4) are added."""
    step = np.float32([10, 10])
    add_proximal(step, np.float32([3, 0]), np.float32([1, 4]), 0.5)
    assert step.tolist() == [11, 8]


def test_clipping_by_hand() -> None:
    """3 and 4 in two tensors have norm 5; scaled down to 2.5 they are 1.5 and 2. At 5 they stay."""
    steps = [np.float32([[3]]), np.float32([4, 0])]
    clip(steps, 5.0)
    assert [each.ravel().tolist() for each in steps] == [[3], [4, 0]]
    clip(steps, 2.5)
    assert [each.ravel().tolist() for each in steps] == [[1.5], [2, 0]]


@given(st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=6), st.floats(0.01, 50))
def test_clipping_keeps_the_direction_and_the_bound(values: list[float], longest: float) -> None:
    before = np.float32(values)
    steps = [before.copy()]
    clip(steps, longest)
    norm = np.linalg.norm(before.astype(np.float64))
    np.testing.assert_allclose(steps[0], before * min(1.0, longest / norm if norm else 1.0), rtol=1e-5, atol=1e-30)


def test_what_is_no_number_is_not_hidden_by_clipping() -> None:
    steps = [np.float32([np.nan, 1])]
    clip(steps, 0.5)
    assert np.isnan(steps[0][0])


# --- with a program, beside TensorFlow


def tensorflow_run(network, x, y, settings, seed=1):
    """The weights after TensorFlow's own gradients over the same batches, with the papers' equations in float64."""
    model = network.model.__class__.from_config(network.model.get_config())
    model.set_weights(network.model.get_weights())
    origin = [variable.numpy() for variable in model.trainable_variables]
    for batch in batches(len(x), settings, np.random.default_rng(seed)):
        _, gradients = tensorflow_step(model, x[batch], y["y"][batch], np.ones(len(batch), np.float32))
        whole = [
            np.float64(gradient) + settings.proximal_mu * (np.float64(variable.numpy()) - began)
            for variable, gradient, began in zip(model.trainable_variables, gradients, origin, strict=True)
        ]
        norm = np.sqrt(sum((each**2).sum() for each in whole))
        scale = min(1.0, settings.clip_norm / norm) if settings.clip_norm is not None else 1.0
        for variable, each in zip(model.trainable_variables, whole, strict=True):
            variable.assign_sub(settings.learning_rate * scale * each)
    return exporting.trainable_weights(model)


@pytest.mark.parametrize(
    "changes",
    [
        {"proximal_mu": 5.0, "epochs": 3},
        {"clip_norm": 0.3, "epochs": 2},
        {"clip_norm": 0.3, "proximal_mu": 5.0, "epochs": 2, "batch_size": 2 * BATCH + 1},  # by adding gradients
        {"steps": 7, "epochs": 1},
        {"full_batch": True},
        {"full_batch": True, "clip_norm": 0.1},
    ],
)
def test_it_trains_as_tensorflow_does_with_the_papers_equations(network, program, examples, changes):
    x, y = examples(13)
    settings = ClientSettings(**{"batch_size": BATCH, "learning_rate": RATE, **changes})
    outcome = train(program, network.weights, x, y, settings)
    expected = tensorflow_run(network, x, y, settings)
    plain = train(program, network.weights, x, y, settings.model_copy(update={"proximal_mu": 0.0, "clip_norm": None}))
    for name, array in expected.items():
        np.testing.assert_allclose(outcome.weights[name], array, **CLOSE)
    if settings.proximal_mu or settings.clip_norm:
        assert any((outcome.weights[name] != array).any() for name, array in plain.weights.items())


def test_fedprox_stays_nearer_to_the_global_model(network, program, examples):
    x, y = examples(16)

    def moved(mu: float) -> float:
        settings = ClientSettings(epochs=8, batch_size=BATCH, learning_rate=RATE, proximal_mu=mu)
        outcome = train(program, network.weights, x, y, settings)
        return float(sum(np.sum((outcome.weights[name] - array) ** 2) for name, array in network.weights.items()))

    distances = [moved(mu) for mu in (0.0, 0.1, 1.0, 10.0)]
    assert distances == sorted(distances, reverse=True)


def test_fedsgd_over_clients_is_one_step_over_all_their_examples(network, program, examples):
    """sum_k (n_k / M) (w_k - g) with one full-batch step each is the full-batch step of everybody's examples."""
    x, y = examples(17)
    settings = ClientSettings(full_batch=True, learning_rate=RATE)
    parts = (slice(0, 3), slice(3, 10), slice(10, 17))
    outcomes = [train(program, network.weights, x[part], {"y": y["y"][part]}, settings) for part in parts]
    together = train(program, network.weights, x, y, settings)
    assert {each.steps for each in (*outcomes, together)} == {1}
    for name, g in network.weights.items():
        mean = sum(n * (each.weights[name] - g) for n, each in zip((3, 7, 7), outcomes, strict=True)) / 17
        np.testing.assert_allclose(g + mean, together.weights[name], **CLOSE)

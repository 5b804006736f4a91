"""Exported programs against TensorFlow's own gradients, for every kind of layer that has a lowering."""

import numpy as np
import pytest

from edgetrain.runtime import signatures
from edgetrain.tasks import exporting
from edgetrain.tasks.registry import get_task
from tests.unit.tasks.networks import BATCH, NETWORKS, exported, tensorflow_step

RATE = 0.3
#: Rounding, between two orders of summation.
CLOSE = {"rtol": 2e-4, "atol": 2e-6}


def random_images(rng, shape):
    return rng.standard_normal((BATCH, *shape)).astype(np.float32)


def flat_images(rng, shape):
    """One colour each, as a drawing's background is: every window of a max-pool is a tie."""
    return np.broadcast_to(rng.random((BATCH, *(1 for _ in shape)), np.float32), (BATCH, *shape)).copy()


def partly_flat_images(rng, shape):
    """A white background with some ink, and one image that is all zero."""
    x = np.ones((BATCH, *shape), np.float32)
    inked = rng.random(x.shape) < 0.2
    x[inked] = rng.random(int(inked.sum()), np.float32)
    x[0] = 0
    return x


IMAGES = {"random": random_images, "flat": flat_images, "partly flat": partly_flat_images}
MASKS = {
    "of all": np.ones(BATCH),
    "of all but one": np.arange(BATCH) != 1,
    "of one": np.arange(BATCH) == 0,
    "of none": np.zeros(BATCH),
}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("images", IMAGES)
@pytest.mark.parametrize("network", NETWORKS)
def test_gradients_are_tensorflows(network, images, mask):
    check(exported(network), IMAGES[images](np.random.default_rng(3), exported(network).spec.x.shape), MASKS[mask])


def test_gradients_on_real_images():
    check(exported("digits-cnn"), get_task("digits").load().x[:BATCH], MASKS["of all"])


def check(program, x, mask):
    mask = mask.astype(np.float32)
    y = (np.arange(BATCH) % len(program.spec.labels)).astype(np.float32)
    loss, wanted = tensorflow_step(program.model, x, y, mask)
    inputs = {"x": x, "y": y, "mask": mask, "learning_rate": np.float32(RATE)}
    found = program.run(signatures.GRADIENTS, program.weights, **inputs)
    after = program.run(signatures.TRAIN, program.weights, **inputs)
    assert found[signatures.LOSS] == pytest.approx(loss, rel=1e-5, abs=1e-6)
    assert after[signatures.LOSS] == found[signatures.LOSS]
    for i, (name, before) in enumerate(program.weights.items()):
        np.testing.assert_allclose(found[signatures.gradient(i)], RATE * wanted[i], **CLOSE, err_msg=name)
        np.testing.assert_allclose(after[signatures.weight(i)], before - RATE * wanted[i], **CLOSE, err_msg=name)
    if not mask.any():
        assert loss == 0
        assert not any(found[signatures.gradient(i)].any() for i in range(len(wanted)))


@pytest.mark.parametrize("network", NETWORKS)
def test_logits_are_kerass(network):
    program = exported(network)
    x = random_images(np.random.default_rng(4), program.spec.x.shape)
    found = program.run(signatures.INFER, program.weights, x=x)[signatures.LOGITS]
    np.testing.assert_allclose(found, program.model(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("network", ["digits-cnn", "digits-mlp", "two-pooled-convolutions"])
def test_fifty_steps_stay_beside_tensorflows(network):
    program, rng = exported(network), np.random.default_rng(9)
    reference = program.model.__class__.from_config(program.model.get_config())
    reference.set_weights(program.model.get_weights())
    weights = program.weights
    for _ in range(50):
        x = random_images(rng, program.spec.x.shape)
        y = rng.integers(0, len(program.spec.labels), BATCH).astype(np.float32)
        mask = (rng.random(BATCH) < 0.9).astype(np.float32)
        _, gradients = tensorflow_step(reference, x, y, mask)
        for variable, gradient in zip(reference.trainable_variables, gradients, strict=True):
            variable.assign_sub(0.05 * gradient)
        out = program.run(signatures.TRAIN, weights, x=x, y=y, mask=mask, learning_rate=np.float32(0.05))
        weights = {name: out[signatures.weight(i)] for i, name in enumerate(weights)}
    started = program.weights
    for name, wanted in exporting.trainable_weights(reference).items():
        assert np.abs(weights[name] - wanted).max() < 1e-4, name
        assert np.abs(wanted - started[name]).max() > 1e-3, f"{name}: the steps did something"

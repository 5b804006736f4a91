"""From a Keras model to the bytes of a training program. Importing this module imports TensorFlow."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from edgetrain.contracts import TaskSpec, TensorSpec
from edgetrain.errors import ProgramInvalid
from edgetrain.runtime import signatures
from edgetrain.runtime.evaluation import cross_entropy
from edgetrain.runtime.program import TrainingProgram
from edgetrain.tasks.lowering import layers_in_a_row, lower, weight_names

Tensor = Any
#: How far a fresh program may be from Keras, as a share of what Keras says: far above rounding (and above a tie in a max-pool that
#: rounding decides the other way), far below what a conversion that lost something gives.
TOLERANCE: Final = 0.02
CHECK_SEED: Final = 11


def seeded(build: Callable[[], Any], seed: int) -> Any:
    """A Keras model whose initial weights depend on `seed` alone, and its layers' names on nothing that was built before."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    return build()


def trainable_weights(model: Any) -> dict[str, npt.NDArray[np.float32]]:
    """A model's weights by the names that a program gives them, `layer/variable`, in the program's order.

    Raises:
        LayerNotSupported: the model is no plain row of layers.
    """
    return {
        name: np.asarray(variable.numpy(), np.float32)
        for layer in layers_in_a_row(model)
        for name, variable in zip(weight_names(layer), layer.trainable_variables, strict=True)
    }


def weight_specs(model: Any) -> tuple[TensorSpec, ...]:
    """Names and shapes of `trainable_weights`."""
    return tuple(TensorSpec(name=name, shape=array.shape) for name, array in trainable_weights(model).items())


def export_program(model: Any, spec: TaskSpec, only: Sequence[str] = ()) -> bytes:
    """The model's training program, with all signatures or `only` some (to look at one by itself).

    Equal models give equal bytes.

    Raises:
        LayerNotSupported: the model has a layer without a lowering; the sentence names it.
    """
    functions = _functions(model, spec)
    module = tf.Module()
    concrete = {name: functions[name].get_concrete_function() for name in (only or functions)}
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=concrete)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=list(concrete))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        program: bytes = converter.convert()
    return program


def check_program(program: bytes, model: Any, spec: TaskSpec) -> None:
    """The program answers and trains as Keras does, on random examples.

    A conversion can lose weights without a word; what it then gives is NaN or noise.

    Raises:
        ProgramInvalid: it does not.
    """
    rng = np.random.default_rng(CHECK_SEED)
    loaded = TrainingProgram(program, spec)
    weights = trainable_weights(model)
    x = rng.random((spec.program_batch, *spec.x.shape), np.float32)
    labels = rng.integers(0, loaded.classes, len(x))
    wanted = np.asarray(model(x, training=False))
    _compare("infer", {"logits": loaded.infer(weights, x)}, {"logits": wanted})
    gradients = _keras_gradients(model, x, labels)
    one_step = spec.client.model_copy(update={"epochs": 1, "batch_size": len(x), "learning_rate": 1.0})
    (y,) = (tensor.name for tensor in spec.y)
    outcome = loaded.train(weights, x, {y: labels}, one_step, rng, deadline=None)
    moved = {name: weights[name] - outcome.weights[name] for name in weights}
    _compare("gradients", moved, dict(zip(weights, gradients, strict=True)))
    _compare("loss", {"loss": np.asarray(outcome.loss)}, {"loss": np.asarray(cross_entropy(wanted, labels))})


def _functions(model: Any, spec: TaskSpec) -> dict[str, Any]:
    """A TensorFlow function for each signature."""
    batch, inputs = spec.program_batch, signatures.step_inputs(spec)
    first_weight = len(inputs) - len(spec.weights)

    def step(arguments: Sequence[Tensor]) -> tuple[Sequence[Tensor], Tensor, list[Tensor]]:
        x, y, mask, learning_rate = arguments[:first_weight]
        weights = arguments[first_weight:]
        loss, gradients = lower(model, batch).loss_and_gradients(x, y, mask, learning_rate, weights)
        return weights, loss, gradients

    def gradients(*arguments: Tensor) -> dict[str, Tensor]:
        _, loss, found = step(arguments)
        return {signatures.gradient(i): value for i, value in enumerate(found)} | {signatures.LOSS: loss}

    def train(*arguments: Tensor) -> dict[str, Tensor]:
        weights, loss, found = step(arguments)
        after = [weight - gradient for weight, gradient in zip(weights, found, strict=True)]
        return {signatures.weight(i): value for i, value in enumerate(after)} | {signatures.LOSS: loss}

    def infer(x: Tensor, *weights: Tensor) -> dict[str, Tensor]:
        return {signatures.LOGITS: lower(model, batch).forward(x, weights)}

    return {
        signatures.GRADIENTS: _function(gradients, inputs),
        signatures.TRAIN: _function(train, inputs),
        signatures.INFER: _function(infer, signatures.infer_inputs(spec, batch)),
    }


def _function(function: Callable[..., Mapping[str, Tensor]], arguments: Sequence[TensorSpec]) -> Any:
    wanted = [tf.TensorSpec(tensor.shape, tensor.dtype, name=tensor.name) for tensor in arguments]
    return tf.function(function, input_signature=wanted)


def _keras_gradients(model: Any, x: npt.NDArray[np.float32], labels: npt.NDArray[Any]) -> list[npt.NDArray[np.float32]]:
    with tf.GradientTape() as tape:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, model(x, training=True))
        loss = tf.reduce_mean(losses)
    variables = [variable.value for layer in layers_in_a_row(model) for variable in layer.trainable_variables]
    return [gradient.numpy() for gradient in tape.gradient(loss, variables)]


def _compare(what: str, found: Mapping[str, npt.NDArray[Any]], wanted: Mapping[str, npt.NDArray[Any]]) -> None:
    for name, expected in wanted.items():
        apart, size = float(np.linalg.norm(found[name] - expected)), float(np.linalg.norm(expected))
        if not apart <= TOLERANCE * max(size, TOLERANCE):
            raise ProgramInvalid(
                f"{what} of the program: {name} is {apart:.3g} away from Keras's, whose size is {size:.3g}"
            )

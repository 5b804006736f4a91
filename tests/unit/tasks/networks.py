"""Small networks that between them hold every kind of layer that has a lowering, in every setting that it takes.

Each is exported once in a test session, as a task's own model would be.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import tensorflow as tf
from keras import Sequential, layers

from edgetrain.contracts import ClientSettings, TaskSpec, TensorSpec
from edgetrain.runtime import signatures
from edgetrain.tasks import exporting
from edgetrain.tasks.registry import get_task

BATCH = 6
CLASSES = 4


def conv(filters: int, size: Any, **settings: Any) -> Any:
    return layers.Conv2D(filters, size, **{"padding": "same", "activation": "relu"} | settings)


def digits(model: str) -> Any:
    return get_task("digits").models()[model]()


def femnist(model: str) -> Any:
    return get_task("femnist").models()[model]()


def row(shape: tuple[int, ...], *members: Any) -> Any:
    return Sequential([layers.Input(shape), *members])


NETWORKS: dict[str, Any] = {
    "digits-cnn": lambda: digits("cnn"),
    "digits-mlp": lambda: digits("mlp"),
    "femnist-small": lambda: femnist("small"),
    # LEAF's shape, small: both convolutions pooled, the second one's input gradient wanted
    "two-pooled-convolutions": lambda: row(
        (10, 10, 1),
        conv(3, 5),
        layers.MaxPooling2D(),
        conv(4, 5),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(7, activation="relu"),
        layers.Dense(CLASSES),
    ),
    # valid padding, kernels that are not square, no bias, relus of their own, pools of 3 with a rest at the edge
    "valid-without-bias": lambda: row(
        (13, 12, 3),
        layers.Conv2D(4, (3, 2), use_bias=False),
        layers.ReLU(),
        layers.MaxPooling2D(3),
        layers.Conv2D(5, (2, 3), use_bias=False, activation="relu"),
        layers.Flatten(),
        layers.Dense(6, use_bias=False),
        layers.Activation("relu"),
        layers.Dense(CLASSES, use_bias=False),
    ),
    # even kernels under same padding: one zero more after the image than before it
    "even-kernels": lambda: row(
        (8, 6, 2),
        conv(3, (4, 2)),
        conv(4, (2, 4), activation=None),
        layers.MaxPooling2D((2, 3)),
        layers.ReLU(),
        layers.Flatten(),
        layers.Dense(CLASSES),
    ),
    # more taps than XNNPACK concatenates at once, and a single one; no relu anywhere
    "long-kernels": lambda: row(
        (7, 9, 1),
        conv(2, (1, 7)),
        conv(3, (7, 1), activation=None),
        conv(2, 1, activation=None),
        layers.Flatten(),
        layers.Dense(CLASSES),
    ),
    # pools on their own: over the input, and over a relu whose zeros are ties
    "pools-alone": lambda: row(
        (12, 12, 2),
        layers.MaxPooling2D(2),
        conv(4, 3),
        layers.MaxPooling2D(2),
        layers.MaxPooling2D(3),
        layers.Flatten(),
        layers.Dense(CLASSES),
    ),
    # a relu on its own, over an image and over a vector; a Flatten that no Dense follows
    "relus-alone": lambda: row(
        (4, 4, 2),
        layers.ReLU(),
        conv(3, 2, activation=None),
        layers.Flatten(),
        layers.ReLU(),
        layers.Dense(5),
        layers.Dense(CLASSES),
    ),
    # so many channels that the first convolution's windows are not cut out by a constant filter
    "many-channels": lambda: row(
        (5, 5, 40), conv(4, 3), layers.MaxPooling2D(), layers.Flatten(), layers.Dense(CLASSES)
    ),
    # images of one row; one filter; a convolution that leaves one pixel
    "thin": lambda: row(
        (1, 9, 2),
        conv(3, (1, 3)),
        conv(2, (1, 2)),
        layers.MaxPooling2D((1, 2)),
        conv(1, 3),
        layers.Flatten(),
        layers.Dense(CLASSES),
    ),
    "one-filter": lambda: row(
        (6, 5, 1),
        conv(1, 3),
        conv(2, 1),
        conv(1, 3),
        conv(2, 2),
        layers.Flatten(),
        layers.Dense(1),
        layers.Dense(CLASSES),
    ),
    "one-pixel": lambda: row(
        (3, 4, 2), layers.Conv2D(5, (3, 4), use_bias=False, activation="relu"), layers.Flatten(), layers.Dense(CLASSES)
    ),
    "one-pixel-later": lambda: row(
        (4, 4, 1),
        conv(3, 2),
        layers.Conv2D(5, 4, use_bias=False),
        layers.ReLU(),
        layers.Flatten(),
        layers.Dense(CLASSES),
    ),
    # series: pooled and not, odd, even and long kernels, with and without bias, a rest that no window holds
    "series": lambda: row(
        (21, 3),
        layers.Conv1D(4, 5, padding="same", activation="relu"),
        layers.MaxPooling1D(2),
        layers.Conv1D(5, 4, padding="same"),
        layers.ReLU(),
        layers.AveragePooling1D(3),
        layers.Conv1D(3, 2, use_bias=False, activation="relu"),
        layers.Flatten(),
        layers.Dense(CLASSES),
    ),
    "series-to-means": lambda: row(
        (16, 1),
        layers.Conv1D(3, 7, activation="relu"),
        layers.Conv1D(4, 3, padding="same", activation="relu"),
        layers.MaxPooling1D(3),
        layers.GlobalAveragePooling1D(),
        layers.Dense(5, activation="relu"),
        layers.Dense(CLASSES),
    ),
    # so many channels that the windows are not cut out by a constant filter; one filter; one place left
    "wide-series": lambda: row(
        (4, 100),
        layers.Conv1D(1, 3, activation="relu"),
        layers.Conv1D(3, 2, activation="relu"),
        layers.Flatten(),
        layers.Dense(CLASSES),
    ),
    "series-pooled-first": lambda: row(
        (12, 2),
        layers.MaxPooling1D(2),
        layers.ReLU(),
        layers.Conv1D(3, 3),
        layers.GlobalAveragePooling1D(),
        layers.Dense(CLASSES),
    ),
    # means of images: over the input, over a relu, with a rest at the edge; over all places at the end, no Dense right behind
    "means": lambda: row(
        (9, 10, 2),
        layers.AveragePooling2D(2),
        conv(3, 3),
        layers.AveragePooling2D((2, 3)),
        conv(4, 2),
        layers.GlobalAveragePooling2D(),
        layers.ReLU(),
        layers.Dense(CLASSES),
    ),
    # vectors; an array of rank 2
    "vectors": lambda: row((9,), layers.Dense(5, activation="relu"), layers.Dense(CLASSES)),
    "one-layer": lambda: row((3, 4), layers.Flatten(), layers.Dense(CLASSES)),
}


@dataclass(frozen=True)
class Exported:
    """A network with the program that was made of it."""

    model: Any
    spec: TaskSpec
    program: bytes

    @property
    def weights(self) -> dict[str, np.ndarray]:
        return exporting.trainable_weights(self.model)

    def only(self, signature: str) -> bytes:
        """A program with this signature alone, whose graph is then the first."""
        return exporting.export_program(self.model, self.spec, only=(signature,))

    def run(self, signature: str, weights: dict[str, np.ndarray], **inputs: Any) -> dict[str, np.ndarray]:
        """One call of a signature, by LiteRT's own runner."""
        named = {signatures.weight(i): array for i, array in enumerate(weights.values())}
        return interpreter(self.program).get_signature_runner(signature)(**inputs, **named)


@cache
def interpreter(program: bytes) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter(model_content=program, num_threads=1)


@cache
def exported(name: str) -> Exported:
    model = exporting.seeded(NETWORKS[name], 5)
    for variable in model.trainable_variables:  # biases begin at zero, where nothing of them can be seen
        if variable.name == "bias":
            variable.assign(np.linspace(-0.1, 0.1, variable.shape[0]))
    classes = model.output_shape[-1]
    spec = TaskSpec(
        task="network",
        title=name,
        model=name,
        program_batch=BATCH,
        x=TensorSpec(name="x", shape=model.input_shape[1:]),
        y=(TensorSpec(name="y", shape=()),),
        weights=exporting.weight_specs(model),
        labels=tuple(str(label) for label in range(classes)),
        loss="softmax_cross_entropy",
        metrics=("accuracy",),
        client=ClientSettings(),
    )
    return Exported(model, spec, exporting.export_program(model, spec))


def tensorflow_step(model: Any, x: np.ndarray, y: np.ndarray, mask: np.ndarray) -> tuple[float, list[np.ndarray]]:
    """TensorFlow's own masked mean loss and gradients, at the model's present weights."""
    variables = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape() as tape:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y.astype(np.int32), model(x, training=True))
        loss = tf.reduce_sum(losses * mask) / max(float(mask.sum()), 1.0)
    return float(loss), [gradient.numpy() for gradient in tape.gradient(loss, variables)]

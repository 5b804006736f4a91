"""Dense layers, flattening, and relu on its own."""

from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf

from edgetrain.tasks.lowering.blocks import ImageShape
from edgetrain.tasks.lowering.ops import Tensor, matmul, matmul_apart, matmul_transposed, positive, relu


@dataclass
class DenseBlock:
    """a = relu(x W + b) or x W + b; x [batch, in], W [in, out]."""

    weight_names: tuple[str, ...]
    relu: bool
    #: Whether x was one pixel of an image (see `matmul_apart`).
    pixel: bool = False
    saved: dict[str, Tensor] = field(default_factory=dict)

    def forward(self, x: Tensor, weights: list[Tensor]) -> Tensor:
        """See `Block`."""
        a = (matmul_apart if self.pixel else matmul)(x, weights[0])
        if len(weights) > 1:
            a = a + weights[1]
        a = relu(a, of_sum=len(weights) > 1) if self.relu else a
        self.saved = {"x": x, "a": a}
        return a

    def backward(self, d: Tensor, weights: list[Tensor], *, need_input: bool) -> tuple[Tensor | None, list[Tensor]]:
        """Gradients: dW = x^T d, db = sum d, dx = d W^T."""
        d = self.before_relu(d)
        return (matmul_transposed(d, weights[0]) if need_input else None), self.gradients(d, weights)

    def before_relu(self, d: Tensor) -> Tensor:
        """From the gradient of the activation to that of x W + b."""
        return d * positive(self.saved["a"]) if self.relu else d

    def gradients(self, d: Tensor, weights: list[Tensor]) -> list[Tensor]:
        """From the gradient of x W + b to those of W and b."""
        return [matmul(self.saved["x"], d, adjoint_a=True), tf.reduce_sum(d, 0)][: len(weights)]


@dataclass
class FlattenInputBlock:
    """Flattens the input itself, whose gradient nobody needs: [batch, ...] -> [batch, elements]."""

    batch: int
    weight_names: tuple[str, ...] = ()

    def forward(self, x: Tensor, weights: list[Tensor]) -> Tensor:  # noqa: ARG002
        """See `Block`."""
        return tf.reshape(x, [self.batch, -1])

    def backward(self, d: Tensor, weights: list[Tensor], *, need_input: bool) -> tuple[Tensor | None, list[Tensor]]:  # noqa: ARG002
        """See `Block`."""
        return None, []


@dataclass
class FlattenBlock:
    """From [height, width * batch, channels] to [batch, height * width * channels], in Keras's order."""

    shape: ImageShape
    weight_names: tuple[str, ...] = ()

    def forward(self, x: Tensor, weights: list[Tensor]) -> Tensor:  # noqa: ARG002
        """See `Block`."""
        s = self.shape
        return tf.reshape(
            tf.transpose(tf.reshape(x, [s.height * s.width, s.batch, s.channels]), [1, 0, 2]), [s.batch, -1]
        )

    def backward(self, d: Tensor, weights: list[Tensor], *, need_input: bool) -> tuple[Tensor | None, list[Tensor]]:  # noqa: ARG002
        """See `Block`."""
        s = self.shape
        d = tf.reshape(d, [s.batch, s.height * s.width, s.channels])
        return tf.reshape(tf.transpose(d, [1, 0, 2]), s.rows), []


@dataclass
class FlattenDenseBlock:
    """Flatten and Dense in one: the gradient of the large input is W d^T, with the large matrix on the left, where it is not repacked."""

    shape: ImageShape
    dense: DenseBlock

    @property
    def weight_names(self) -> tuple[str, ...]:
        return self.dense.weight_names

    def forward(self, x: Tensor, weights: list[Tensor]) -> Tensor:
        """See `Block`."""
        return self.dense.forward(FlattenBlock(self.shape).forward(x, []), weights)

    def backward(self, d: Tensor, weights: list[Tensor], *, need_input: bool) -> tuple[Tensor | None, list[Tensor]]:
        """See `Block`."""
        s = self.shape
        d = self.dense.before_relu(d)
        gradients = self.dense.gradients(d, weights)
        if not need_input:
            return None, gradients
        product = matmul(weights[0], tf.reshape(d, [1, *d.shape]), adjoint_b=True)  # [1, in, batch]
        pixels = tf.reshape(product, [s.height * s.width, s.channels, s.batch])
        return tf.reshape(tf.transpose(pixels, [0, 2, 1]), s.rows), gradients


@dataclass
class ReluBlock:
    """max(x, 0), for a ReLU that follows neither a convolution nor a dense layer."""

    weight_names: tuple[str, ...] = ()
    saved: Any = None

    def forward(self, x: Tensor, weights: list[Tensor]) -> Tensor:  # noqa: ARG002
        """See `Block`."""
        self.saved = relu(x, of_sum=False)
        return self.saved

    def backward(self, d: Tensor, weights: list[Tensor], *, need_input: bool) -> tuple[Tensor | None, list[Tensor]]:  # noqa: ARG002
        """See `Block`."""
        return d * positive(self.saved), []

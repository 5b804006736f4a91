"""Series, [length, channels]: images of height 1, so that every block for images does for them.

A convolution then is one shifted concatenation and one plain matrix product over all places of all examples.
"""

from dataclasses import dataclass

import tensorflow as tf

from edgetrain.tasks.lowering.convolution import ConvBlock
from edgetrain.tasks.lowering.ops import Tensor


@dataclass
class SeriesBlock:
    """The input as images: [batch, length, channels] -> [batch, 1, length, channels]. Nobody needs its gradient."""

    weight_names: tuple[str, ...] = ()

    def forward(self, x: Tensor, weights: list[Tensor]) -> Tensor:  # noqa: ARG002
        """See `Block`."""
        batch, length, channels = x.shape
        return tf.reshape(x, [batch, 1, length, channels])

    def backward(self, d: Tensor, weights: list[Tensor], *, need_input: bool) -> tuple[Tensor | None, list[Tensor]]:  # noqa: ARG002
        """See `Block`."""
        return None, []


@dataclass
class SeriesConvBlock:
    """Conv1D: its kernel [size, in, out] is an image's of height 1."""

    inner: ConvBlock

    @property
    def weight_names(self) -> tuple[str, ...]:
        return self.inner.weight_names

    def forward(self, x: Tensor, weights: list[Tensor]) -> Tensor:
        """See `Block`."""
        return self.inner.forward(x, self._of_image(weights))

    def backward(self, d: Tensor, weights: list[Tensor], *, need_input: bool) -> tuple[Tensor | None, list[Tensor]]:
        """See `Block`."""
        before, (kernel, *bias) = self.inner.backward(d, self._of_image(weights), need_input=need_input)
        return before, [tf.reshape(kernel, weights[0].shape), *bias]

    @staticmethod
    def _of_image(weights: list[Tensor]) -> list[Tensor]:
        kernel, *bias = weights
        return [tf.reshape(kernel, [1, *kernel.shape]), *bias]

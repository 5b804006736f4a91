"""Max-pooling, fused behind a convolution or on its own. Ties share the gradient evenly."""

from dataclasses import dataclass, field

import tensorflow as tf

from edgetrain.tasks.lowering.blocks import ImageShape
from edgetrain.tasks.lowering.ops import SCALE, Tensor, window


@dataclass(frozen=True)
class Pool:
    """Windows of `height` x `width` that do not overlap; a rest at the lower and right edge is left out, as Keras's "valid" does."""

    height: int
    width: int

    def out(self, shape: ImageShape) -> ImageShape:
        """Shape after pooling."""
        return ImageShape(shape.height // self.height, shape.width // self.width, shape.channels, shape.batch)


def pool_max(z: Tensor, shape: ImageShape, pool: Pool) -> tuple[Tensor, Tensor, Tensor]:
    """Maximum over each window of z (already scaled by SCALE), with what its gradient needs.

    Returns the maxima [height', width' * batch, channels], the mask and 1 / number of ties, both with a window's
    elements on axes 1 and 3.
    """
    out = pool.out(shape)
    z = window(window(z, 0, 0, out.height * pool.height), 1, 0, out.width * pool.width * shape.batch)
    z = tf.reshape(z, [out.height, pool.height, out.width, pool.width, shape.batch * shape.channels])
    peak = tf.reduce_max(z, [1, 3], keepdims=True)
    mask = tf.exp(z - peak)
    share = 1.0 / tf.reduce_sum(mask, [1, 3], keepdims=True)
    return tf.reshape(peak, out.rows), mask, share


def pool_gradient(d: Tensor, mask: Tensor, share: Tensor, shape: ImageShape, pool: Pool) -> Tensor:
    """From the gradient of the maxima to that of the pooled activation."""
    out = pool.out(shape)
    d = mask * (tf.reshape(d, share.shape) * share)
    d = tf.reshape(d, [out.height * pool.height, out.width * pool.width * shape.batch, shape.channels])
    return window(window(d, 0, 0, shape.height), 1, 0, shape.width * shape.batch)


@dataclass
class PoolBlock:
    """Max-pooling that follows something else than a convolution."""

    shape: ImageShape
    pool: Pool
    weight_names: tuple[str, ...] = ()
    saved: dict[str, Tensor] = field(default_factory=dict)

    def forward(self, x: Tensor, weights: list[Tensor]) -> Tensor:  # noqa: ARG002
        """See `Block`."""
        peak, mask, share = pool_max(x * SCALE, self.shape, self.pool)
        self.saved = {"mask": mask, "share": share}
        return peak * (1 / SCALE)

    def backward(self, d: Tensor, weights: list[Tensor], *, need_input: bool) -> tuple[Tensor | None, list[Tensor]]:  # noqa: ARG002
        """See `Block`."""
        return pool_gradient(d, self.saved["mask"], self.saved["share"], self.shape, self.pool), []

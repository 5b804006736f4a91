"""Max-pooling, fused behind a convolution or on its own, and average-pooling. Ties of a maximum share the gradient evenly."""

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
    return _from_windows(mask * (tf.reshape(d, share.shape) * share), shape, pool)


def _from_windows(d: Tensor, shape: ImageShape, pool: Pool) -> Tensor:
    """Windows' elements on axes 1 and 3 back into rows; zeros for the rest that no window holds."""
    out = pool.out(shape)
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


@dataclass
class AverageBlock:
    """Mean over each window; its gradient goes to all of the window alike."""

    shape: ImageShape
    pool: Pool
    weight_names: tuple[str, ...] = ()

    def forward(self, x: Tensor, weights: list[Tensor]) -> Tensor:  # noqa: ARG002
        """See `Block`."""
        shape, pool, out = self.shape, self.pool, self.pool.out(self.shape)
        x = window(window(x, 0, 0, out.height * pool.height), 1, 0, out.width * pool.width * shape.batch)
        x = tf.reshape(x, [out.height, pool.height, out.width, pool.width, shape.batch * shape.channels])
        return tf.reshape(tf.reduce_sum(x, [1, 3]) * self._share, out.rows)

    def backward(self, d: Tensor, weights: list[Tensor], *, need_input: bool) -> tuple[Tensor | None, list[Tensor]]:  # noqa: ARG002
        """See `Block`."""
        pool, out = self.pool, self.pool.out(self.shape)
        shares = tf.constant(self._share, shape=[1, pool.height, 1, pool.width, 1])
        d = tf.reshape(d, [out.height, 1, out.width, 1, out.batch * out.channels])
        return _from_windows(d * shares, self.shape, pool), []

    @property
    def _share(self) -> float:
        return 1 / (self.pool.height * self.pool.width)

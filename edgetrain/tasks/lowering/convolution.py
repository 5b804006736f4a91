"""Convolution of stride 1, with the relu and the max-pool behind it.

Pooling comes before bias and relu: the three commute (a bias is constant over a window, relu is monotonous), and bias, relu and their
gradients then run on the pooled part only.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from edgetrain.tasks.lowering.blocks import ImageShape
from edgetrain.tasks.lowering.ops import (
    SCALE,
    Tensor,
    matmul,
    matmul_apart,
    matmul_transposed,
    positive,
    relu,
    shift_concat,
    shift_sum,
    window,
)
from edgetrain.tasks.lowering.pooling import Pool, pool_gradient, pool_max


@dataclass(frozen=True)
class Kernel:
    """Kernel size and zeros before the image; `out` is the shape after the convolution."""

    height: int
    width: int
    top: int
    left: int
    source: ImageShape
    out: ImageShape


@dataclass
class ConvBlock:
    """Half im2col: columns are gathered before one matrix product, rows are added after it.

    x_h = the kernel's columns of x side by side   [H, W' B, kw cin]
    z   = x_h K,  K [kw cin, kh cout]
    out = sum over the kernel's rows i of z's group i, shifted by i
    """

    weight_names: tuple[str, ...]
    kernel: Kernel
    pool: Pool | None
    relu: bool
    saved: dict[str, Tensor] = field(default_factory=dict)

    def forward(self, x: Tensor, weights: list[Tensor]) -> Tensor:
        """See `Block`."""
        k, out = self.kernel, self.kernel.out
        scale = SCALE if self.pool else 1.0
        columns = [(j - k.left) * out.batch for j in range(k.width)]
        gathered = shift_concat(x, 1, columns, out.width * out.batch)
        matrix = tf.reshape(tf.transpose(weights[0], [1, 2, 0, 3]), [k.width * k.source.channels, -1]) * scale
        rows = [i - k.top for i in range(k.height)]
        product = matmul if out.channels > 1 and k.source.height > 1 else matmul_apart
        z = shift_sum(product(gathered, matrix), 0, rows, out.height, out.channels)
        return self._finish(z, weights, {"gathered": gathered})

    def _finish(self, z: Tensor, weights: list[Tensor], saved: dict[str, Tensor]) -> Tensor:
        if self.pool:
            peak, mask, share = pool_max(z, self.kernel.out, self.pool)
            z, saved = peak * (1 / SCALE), saved | {"mask": mask, "share": share}
        if len(weights) > 1:
            z = z + weights[1]
        a = relu(z, of_sum=len(weights) > 1) if self.relu else z
        self.saved = saved | {"a": a}
        return a

    def _begin(self, d: Tensor, weights: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Back through relu, bias and pool: the gradient of z, and that of the bias."""
        if self.relu:
            d = d * positive(self.saved["a"])
        bias = [tf.reduce_sum(d, [0, 1])] if len(weights) > 1 else []
        if self.pool:
            d = pool_gradient(d, self.saved["mask"], self.saved["share"], self.kernel.out, self.pool)
        return d, bias

    def backward(self, d: Tensor, weights: list[Tensor], *, need_input: bool) -> tuple[Tensor | None, list[Tensor]]:
        """The mirror of `forward`: rows are gathered, columns added."""
        k, source, out = self.kernel, self.kernel.source, self.kernel.out
        d, bias = self._begin(d, weights)
        gathered = shift_concat(d, 0, [k.top - i for i in range(k.height)], source.height)  # [H, W' B, kh cout]
        product = tf.reduce_sum(matmul(self.saved["gathered"], gathered, adjoint_a=True), 0)
        product = tf.reshape(product, [k.width, source.channels, k.height, out.channels])
        gradients = [tf.transpose(product, [2, 0, 1, 3]), *bias]
        if not need_input:
            return None, gradients
        columns = [(k.left - j) * out.batch for j in range(k.width)]
        spread = self._spread_back(gathered, weights[0])
        return shift_sum(spread, 1, columns, source.width * source.batch, source.channels), gradients

    def _spread_back(self, gathered: Tensor, kernel: Tensor) -> Tensor:
        """[H, W' B, kh cout] times the kernel as [kh cout, kw cin]."""
        k = self.kernel
        if k.height == 1:
            return matmul_transposed(gathered, tf.reshape(kernel, [-1, k.out.channels]))
        matrix = tf.reshape(tf.transpose(kernel, [0, 3, 1, 2]), [k.height * k.out.channels, -1])
        return (matmul if k.source.height > 1 else matmul_apart)(gathered, matrix)


@dataclass
class FirstConvBlock(ConvBlock):
    """The convolution of the input itself, whose gradient nobody needs.

    Windows are cut out by a convolution with a constant one-hot filter, which XNNPACK takes; with a 2x2 pool behind it, a window holds
    all four candidates ((kh+1) x (kw+1), stride 2), and a constant matrix puts the kernel at its four places.
    """

    def forward(self, x: Tensor, weights: list[Tensor]) -> Tensor:
        """`x` is [batch, height, width, channels] here."""
        k, source, out = self.kernel, self.kernel.source, self.kernel.out
        step = (self.pool.height, self.pool.width) if self.pool else (1, 1)
        size = (k.height + step[0] - 1, k.width + step[1] - 1)
        at = ImageShape(out.height // step[0], out.width // step[1], out.channels, out.batch)
        for axis, before, count, stride, extent in (
            (1, k.top, at.height, step[0], size[0]),
            (2, k.left, at.width, step[1], size[1]),
        ):
            x = window(x, axis, -before, (count - 1) * stride + extent)
        one_hot = tf.constant(np.eye(size[0] * size[1] * source.channels, dtype=np.float32))
        filters = tf.reshape(one_hot, [*size, source.channels, -1])
        cut = tf.nn.conv2d(x, filters, step, "VALID")
        taps, places = filters.shape[-1], step[0] * step[1]
        cut = tf.reshape(tf.transpose(tf.reshape(cut, [source.batch, -1, taps]), [1, 0, 2]), [-1, taps])
        scale = SCALE if self.pool else 1.0
        flat = tf.reshape(weights[0], [-1, out.channels]) * scale
        if places > 1:
            flat = tf.reshape(matmul(tf.constant(self._spread(size, step)), flat), [taps, places * out.channels])
        product = matmul if at.height * at.width > 1 else matmul_apart
        z = tf.reshape(product(cut, flat), [-1, places, out.channels])
        saved: dict[str, Any] = {"cut": cut}
        if self.pool:
            peak = tf.reduce_max(z, 1, keepdims=True)
            mask = tf.exp(z - peak)
            saved |= {"mask": mask, "share": 1.0 / tf.reduce_sum(mask, 1, keepdims=True)}
            z = peak * (1 / SCALE)
        z = tf.reshape(z, at.rows)
        if len(weights) > 1:
            z = z + weights[1]
        a = relu(z, of_sum=len(weights) > 1) if self.relu else z
        self.saved = saved | {"a": a}
        return a

    def backward(self, d: Tensor, weights: list[Tensor], *, need_input: bool) -> tuple[Tensor | None, list[Tensor]]:  # noqa: ARG002
        """Kernel: dK = (spread)^T cut^T dz."""
        k, out = self.kernel, self.kernel.out
        step = (self.pool.height, self.pool.width) if self.pool else (1, 1)
        size = (k.height + step[0] - 1, k.width + step[1] - 1)
        if self.relu:
            d = d * positive(self.saved["a"])
        bias = [tf.reduce_sum(d, [0, 1])] if len(weights) > 1 else []
        d = tf.reshape(d, [-1, 1, out.channels])
        if self.pool:
            d = self.saved["mask"] * (d * self.saved["share"])
        d = tf.reshape(d, [-1, step[0] * step[1] * out.channels])
        kernel = matmul(self.saved["cut"], d, adjoint_a=True)
        if self.pool:
            spread = self._spread(size, step)
            product = tf.reshape(kernel, [spread.shape[0], out.channels])
            kernel = matmul(tf.constant(np.ascontiguousarray(spread.T)), product)
        return None, [tf.reshape(kernel, weights[0].shape), *bias]

    def _spread(self, size: tuple[int, int], step: tuple[int, int]) -> npt.NDArray[np.float32]:
        """[taps * places, kh kw cin]: which of the kernel's elements lies at which tap for which place in the pool's window."""
        k, channels = self.kernel, self.kernel.source.channels
        spread = np.zeros((*size, channels, *step, k.height, k.width, channels), np.float32)
        for p, q, i, j, c in np.ndindex(*step, k.height, k.width, channels):
            spread[i + p, j + q, c, p, q, i, j, c] = 1
        return spread.reshape(-1, k.height * k.width * channels)

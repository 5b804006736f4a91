"""The few operators that every lowering is made of."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

Tensor = Any

#: Filters before a max-pool are scaled by this power of two (exact), so that exp(z - max) is 1 at the maximum and 0 elsewhere: a mask
#: in two cheap operators. Holds for |z| below 2^67; values closer than 2^-53 count as ties.
SCALE = 2.0**60
#: The most parts that XNNPACK concatenates at once.
CONCATENATED_AT_ONCE = 5
RANK_OF_MATRIX = 2


def matmul(a: Tensor, b: Tensor, *, adjoint_a: bool = False, adjoint_b: bool = False) -> Tensor:
    """BATCH_MATMUL. `tf.matmul` in two dimensions with a transposed operand would become FULLY_CONNECTED, which XNNPACK does not take.

    So would a product with a single row or column: that goes in rank 3.
    """
    if len(b.shape) == RANK_OF_MATRIX and 1 in b.shape and not adjoint_b:
        if not adjoint_a:
            return matmul_apart(a, b)
        product = matmul(tf.reshape(a, [1, *a.shape]), tf.reshape(b, [1, *b.shape]), adjoint_a=True)
        return tf.reshape(product, product.shape[1:])
    return tf.raw_ops.BatchMatMulV2(x=a, y=b, adj_x=adjoint_a, adj_y=adjoint_b)


def matmul_apart(a: Tensor, b: Tensor) -> Tensor:
    """Product of a [..., k] and b [k, n], both in rank 3.

    Where b is a transposed matrix, or a was reshaped from [1, m, k], the converter would make FULLY_CONNECTED of a plain `matmul`. The
    reshapes may copy: not for large operands where a plain one does.
    """
    product = matmul(tf.reshape(a, [1, -1, a.shape[-1]]), tf.reshape(b, [1, *b.shape]))
    return tf.reshape(product, [*a.shape[:-1], b.shape[-1]])


def matmul_transposed(a: Tensor, b: Tensor) -> Tensor:
    """Product of a [..., k] and the transpose of b [n, k]; rank 3, so that the converter leaves it a BATCH_MATMUL."""
    product = matmul(tf.reshape(a, [1, -1, a.shape[-1]]), tf.reshape(b, [1, *b.shape]), adjoint_b=True)
    return tf.reshape(product, [*a.shape[:-1], b.shape[0]])


def relu(t: Tensor, *, of_sum: bool) -> Tensor:
    """max(t, 0). `of_sum` says that t comes out of an addition, into which the converter fuses a relu.

    It fuses one into BATCH_MATMUL too, which has no place for it: the relu is lost. So a product is doubled before and halved after,
    exactly.
    """
    return tf.nn.relu(t) if of_sum else tf.nn.relu(t * 2.0) * 0.5


def positive(a: Tensor) -> Tensor:
    """1 where a > 0, else 0, of an a that is nowhere negative; without a comparison. The clamp is fused into the product.

    Holds for a above 2^-120; a product that overflows is clamped as well.
    """
    return tf.minimum(tf.maximum(a * SCALE**2, -1.0), 1.0)


def concat(parts: Sequence[Tensor]) -> Tensor:
    """Join on the last axis, at most five at a time."""
    joined = list(parts)
    while len(joined) > 1:
        groups = [joined[i : i + CONCATENATED_AT_ONCE] for i in range(0, len(joined), CONCATENATED_AT_ONCE)]
        joined = [tf.concat(group, -1) if len(group) > 1 else group[0] for group in groups]
    return joined[0]


def window(t: Tensor, axis: int, begin: int, length: int, channels: tuple[int, int] | None = None) -> Tensor:
    """`length` rows of `axis` from `begin` on, of all channels or of some (first, count); rows outside of `t` are zero."""
    extent = t.shape[axis]
    low, high = max(begin, 0), min(begin + length, extent)
    starts, sizes = [0] * len(t.shape), list(t.shape)
    starts[axis], sizes[axis] = low, high - low
    if channels is not None:
        starts[-1], sizes[-1] = channels
    part = t if sizes == list(t.shape) else tf.slice(t, starts, sizes)  # one copy, whatever is cut
    before, after = low - begin, begin + length - high
    if not (before or after):
        return part
    pads = [[0, 0] for _ in t.shape]
    pads[axis] = [before, after]
    return tf.pad(part, pads)


def shift_concat(t: Tensor, axis: int, begins: Sequence[int], length: int) -> Tensor:
    """Windows of `t` along `axis` joined on the channels: [.., length, ..., len(begins) * channels]."""
    low, high = min(*begins, 0), max(max(begins) + length, t.shape[axis])
    padded = window(t, axis, low, high - low)  # padded once, then only sliced
    return concat([window(padded, axis, begin - low, length) for begin in begins])


def shift_sum(t: Tensor, axis: int, begins: Sequence[int], length: int, channels: int) -> Tensor:
    """Sum over the channel groups of `t`, group i seen through the window that begins at `begins[i]`."""
    order = sorted(range(len(begins)), key=lambda i: abs(begins[i]))  # an unpadded window first
    total = None
    for i in order:
        group = window(t, axis, begins[i], length, (i * channels, channels))
        total = group if total is None else total + group
    return total

"""What a block is: a piece of the model with a forward and a backward half."""

from dataclasses import dataclass
from typing import Protocol

import tensorflow as tf

from edgetrain.tasks.lowering.ops import Tensor


@dataclass(frozen=True)
class ImageShape:
    """Height, width and channels of an activation; `batch` examples of it lie as [height, width * batch, channels]."""

    height: int
    width: int
    channels: int
    batch: int

    @property
    def rows(self) -> list[int]:
        return [self.height, self.width * self.batch, self.channels]


class Block(Protocol):
    """One step of the chain. `weights` are this block's own, kernel and bias."""

    @property
    def weight_names(self) -> tuple[str, ...]:
        """Names of this block's weights, `layer/kernel` and `layer/bias`."""
        ...

    def forward(self, x: Tensor, weights: list[Tensor]) -> Tensor:
        """The activation; what `backward` needs is remembered."""
        ...

    def backward(self, d: Tensor, weights: list[Tensor], *, need_input: bool) -> tuple[Tensor | None, list[Tensor]]:
        """From the gradient of the activation to that of the input (None where nobody needs it) and of the weights."""
        ...


@dataclass
class RowsBlock:
    """The input as rows: [batch, height, width, channels] -> [height, width * batch, channels]. Nobody needs its gradient."""

    shape: ImageShape
    weight_names: tuple[str, ...] = ()

    def forward(self, x: Tensor, weights: list[Tensor]) -> Tensor:  # noqa: ARG002
        """See `Block`."""
        return tf.reshape(tf.transpose(x, [1, 2, 0, 3]), self.shape.rows)

    def backward(self, d: Tensor, weights: list[Tensor], *, need_input: bool) -> tuple[Tensor | None, list[Tensor]]:  # noqa: ARG002
        """See `Block`."""
        return None, []

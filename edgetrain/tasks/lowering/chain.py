"""A lowered model: its blocks in order, the loss, and the way back."""

from collections.abc import Sequence
from dataclasses import dataclass

import tensorflow as tf

from edgetrain.tasks.lowering.blocks import Block
from edgetrain.tasks.lowering.ops import Tensor


@dataclass
class Chain:
    """Blocks in order, over a fixed batch; the first takes the input as it is, [batch, ...].

    `blocks` hold what a pass remembers: make a new chain for each traced function.
    """

    blocks: list[Block]
    batch: int

    @property
    def weight_names(self) -> list[str]:
        """The model's trainable weights, in order."""
        return [name for block in self.blocks for name in block.weight_names]

    def forward(self, x: Tensor, weights: Sequence[Tensor]) -> Tensor:
        """Logits [batch, classes] of x [batch, ...]."""
        a = x
        for block, own in self._with_weights(weights):
            a = block.forward(a, own)
        return a

    def backward(self, d: Tensor, weights: Sequence[Tensor]) -> list[Tensor]:
        """Gradients of all weights, given that of the logits."""
        gradients: list[list[Tensor]] = []
        pairs = list(self._with_weights(weights))
        for position, (block, own) in reversed(list(enumerate(pairs))):
            need_input = any(earlier.weight_names for earlier, _ in pairs[:position])
            d, mine = block.backward(d, own, need_input=need_input)
            gradients.insert(0, mine)
            if not need_input:
                break
        return [gradient for group in gradients for gradient in group]

    def loss_and_gradients(
        self, x: Tensor, y: Tensor, mask: Tensor, learning_rate: Tensor, weights: Sequence[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        """Masked mean of the softmax cross-entropy, and learning_rate * gradient.

        The learning rate is folded into the logits' gradient: `batch * classes` products instead of one for each weight. A batch whose
        mask is all zero gives loss 0 and gradients 0.
        """
        z = self.forward(x, weights)
        classes = z.shape[1]
        z = z - tf.reduce_max(z, 1, keepdims=True)
        e = tf.exp(z)
        total = tf.reduce_sum(e, 1, keepdims=True)
        m = tf.reshape(mask, [self.batch, 1])
        numbers = tf.constant([[float(c) for c in range(classes)]])
        hot = m * tf.nn.relu(1.0 - tf.abs(tf.reshape(y, [self.batch, 1]) - numbers))
        share = 1.0 / tf.maximum(tf.reduce_sum(mask), 1.0)
        loss = tf.reduce_sum(hot * (tf.math.log(total) - z)) * share
        dz = (e * (m / total) - hot) * (learning_rate * share)
        return loss, self.backward(dz, weights)

    def _with_weights(self, weights: Sequence[Tensor]) -> list[tuple[Block, list[Tensor]]]:
        pairs, position = [], 0
        for block in self.blocks:
            count = len(block.weight_names)
            pairs.append((block, list(weights[position : position + count])))
            position += count
        return pairs

"""Walks a Keras model and chooses a block for each of its layers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from edgetrain.errors import LayerNotSupported
from edgetrain.tasks.lowering.blocks import Block, ImageShape
from edgetrain.tasks.lowering.convolution import ConvBlock, FirstConvBlock, Kernel
from edgetrain.tasks.lowering.dense import DenseBlock, FlattenBlock, FlattenDenseBlock, ReluBlock
from edgetrain.tasks.lowering.ops import Tensor
from edgetrain.tasks.lowering.pooling import Pool, PoolBlock

SUPPORTED = "Dense, Conv2D (stride 1, same or valid), MaxPooling2D (windows that do not overlap), Flatten, ReLU"


@dataclass
class Chain:
    """A lowered model: blocks in order, over a fixed batch.

    `blocks` hold what a pass remembers: make a new chain for each traced function.
    """

    blocks: list[Block]
    input_shape: tuple[int, ...]
    batch: int
    first_is_image: bool

    @property
    def weight_names(self) -> list[str]:
        """The model's trainable weights, in order."""
        return [name for block in self.blocks for name in block.weight_names]

    def forward(self, x: Tensor, weights: Sequence[Tensor]) -> Tensor:
        """Logits [batch, classes] of x [batch, ...]."""
        a = x
        if not self.first_is_image and len(self.input_shape) == 3:
            a = _image_rows(x)
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


def lower(model: Any, batch: int) -> Chain:
    """The chain of a Keras model.

    Raises:
        LayerNotSupported: the sentence names the layer and what of it cannot be lowered.
    """
    walk = _Walk(model, batch)
    return Chain(walk.blocks(), walk.input_shape, batch, isinstance(walk.result[0], FirstConvBlock))


class _Walk:
    """Looks at the layers from first to last, taking a relu and a pool that follow a layer along with it."""

    def __init__(self, model: Any, batch: int) -> None:
        self.layers = _layers_in_a_row(model)
        self.input_shape = tuple(int(extent) for extent in model.input_shape[1:])
        self.batch = batch
        self.result: list[Block] = []
        self.image: ImageShape | None = ImageShape(*self.input_shape, batch) if len(self.input_shape) == 3 else None
        self.position = 0

    def blocks(self) -> list[Block]:
        rules: dict[str, Callable[[Any], Block | None]] = {
            "Conv2D": self._conv,
            "MaxPooling2D": self._pool,
            "Flatten": self._flatten,
            "Dense": self._dense,
            "ReLU": self._relu,
            "Activation": self._relu,
        }
        while self.position < len(self.layers):
            layer = self._take()
            rule = rules.get(type(layer).__name__)
            if rule is None:
                raise _refused(layer, f"a {type(layer).__name__} layer has no lowering; there are {SUPPORTED}")
            block = rule(layer)
            if block is not None:
                self.result.append(block)
        last = self.result[-1] if self.result else None
        if self.image is not None or not isinstance(last, DenseBlock | FlattenDenseBlock):
            raise _refused(self.layers[-1], "the model must end in a Dense layer that gives logits")
        return self.result

    def _take(self) -> Any:
        self.position += 1
        return self.layers[self.position - 1]

    def _take_relu(self) -> bool:
        if self.position < len(self.layers) and _is_relu(self.layers[self.position]):
            self._take()
            return True
        return False

    def _activation(self, layer: Any) -> bool:
        """Whether the layer ends in a relu, its own or the next layer."""
        name = layer.activation.__name__
        if name not in {"linear", "relu"}:
            raise _refused(layer, f"activation {name!r} has no lowering; there are relu and none")
        return name == "relu" or self._take_relu()

    def _conv(self, layer: Any) -> Block:
        if self.image is None:
            raise _refused(layer, "a convolution needs an image [height, width, channels] before it")
        _require(layer, tuple(layer.strides) == (1, 1), f"strides {tuple(layer.strides)}: expected 1")
        _require(layer, tuple(layer.dilation_rate) == (1, 1), f"dilation {tuple(layer.dilation_rate)}: expected 1")
        _require(layer, layer.groups == 1, f"groups {layer.groups}: expected 1")
        _require(layer, layer.data_format == "channels_last", f"data format {layer.data_format}")
        relu = self._activation(layer)
        pool = self._take_pool()
        if pool is not None and not relu:
            relu = self._take_relu()
        kernel = _kernel(layer, self.image)
        first = not self.result
        self.image = pool.out(kernel.out) if pool else kernel.out
        kind = FirstConvBlock if first else ConvBlock
        return kind(_weight_names(layer), kernel, pool, relu)

    def _take_pool(self) -> Pool | None:
        if self.position < len(self.layers) and type(self.layers[self.position]).__name__ == "MaxPooling2D":
            return _pool(self._take())
        return None

    def _pool(self, layer: Any) -> Block:
        if self.image is None:
            raise _refused(layer, "pooling needs an image [height, width, channels] before it")
        block = PoolBlock(self.image, _pool(layer))
        self.image = block.pool.out(self.image)
        return block

    def _flatten(self, layer: Any) -> Block | None:  # noqa: ARG002 (rules have one signature)
        if self.image is None:
            return None
        image, self.image = self.image, None
        if self.position < len(self.layers) and type(self.layers[self.position]).__name__ == "Dense":
            dense = self._dense(self._take())
            assert isinstance(dense, DenseBlock)  # noqa: S101 (for the type checker)
            return FlattenDenseBlock(image, dense)
        return FlattenBlock(image)

    def _dense(self, layer: Any) -> Block:
        if self.image is not None:
            raise _refused(layer, "a Dense layer over an image's channels has no lowering; put a Flatten before it")
        return DenseBlock(_weight_names(layer), self._activation(layer))

    def _relu(self, layer: Any) -> Block:
        if not _is_relu(layer):
            raise _refused(layer, "only a plain relu has a lowering")
        return ReluBlock()


def _layers_in_a_row(model: Any) -> list[Any]:
    """The layers without inputs; a model that branches or shares a layer is refused."""
    layers = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
    for layer in layers:
        if len(layer._inbound_nodes) != 1 or len(layer._inbound_nodes[0].parent_nodes) != 1:
            raise _refused(layer, "a layer with several inputs, or used twice, has no lowering")
    if not layers:
        raise LayerNotSupported(f"model {model.name!r} has no layers")
    return layers


def _weight_names(layer: Any) -> tuple[str, ...]:
    return tuple(f"{layer.name}/{variable.name}" for variable in layer.trainable_variables)


def _kernel(layer: Any, source: ImageShape) -> Kernel:
    height, width = (int(extent) for extent in layer.kernel_size)
    if layer.padding not in {"same", "valid"}:
        raise _refused(layer, f"padding {layer.padding!r}: expected same or valid")
    same = layer.padding == "same"
    top, left = ((height - 1) // 2, (width - 1) // 2) if same else (0, 0)
    rows = source.height if same else source.height - height + 1
    columns = source.width if same else source.width - width + 1
    return Kernel(height, width, top, left, source, ImageShape(rows, columns, int(layer.filters), source.batch))


def _pool(layer: Any) -> Pool:
    size, strides = tuple(layer.pool_size), tuple(layer.strides)
    _require(layer, size == strides, f"windows {size} with strides {strides}: expected windows that do not overlap")
    _require(layer, layer.padding == "valid", f"padding {layer.padding!r}: expected valid")
    return Pool(int(size[0]), int(size[1]))


def _is_relu(layer: Any) -> bool:
    if type(layer).__name__ == "Activation":
        return bool(layer.activation.__name__ == "relu")
    return (
        type(layer).__name__ == "ReLU"
        and layer.max_value is None
        and not float(layer.negative_slope)
        and not float(layer.threshold)
    )


def _image_rows(x: Tensor) -> Tensor:
    """[batch, height, width, channels] -> [height, width * batch, channels]."""
    batch, height, width, channels = x.shape
    return tf.reshape(tf.transpose(x, [1, 2, 0, 3]), [height, width * batch, channels])


def _require(layer: Any, holds: bool, otherwise: str) -> None:
    if not holds:
        raise _refused(layer, otherwise)


def _refused(layer: Any, why: str) -> LayerNotSupported:
    return LayerNotSupported(f"layer {layer.name!r} ({type(layer).__name__}): {why}")

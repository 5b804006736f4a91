"""Walks a Keras model from first to last layer and chooses a block for each."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, Final

from keras import activations, layers

from edgetrain.errors import LayerNotSupported
from edgetrain.tasks.lowering.blocks import Block, ImageShape, RowsBlock
from edgetrain.tasks.lowering.chain import Chain
from edgetrain.tasks.lowering.convolution import ConvBlock, FirstConvBlock, Kernel
from edgetrain.tasks.lowering.dense import DenseBlock, FlattenBlock, FlattenDenseBlock, FlattenInputBlock, ReluBlock
from edgetrain.tasks.lowering.pooling import AverageBlock, Pool, PoolBlock
from edgetrain.tasks.lowering.series import SeriesBlock, SeriesConvBlock

SUPPORTED: Final = (
    "Dense, Conv1D and Conv2D (stride 1, same or valid), MaxPooling and AveragePooling 1D and 2D (windows that do not overlap), "
    "GlobalAveragePooling 1D and 2D, Flatten, ReLU"
)
MAX_POOLS: Final = (layers.MaxPooling1D, layers.MaxPooling2D)
RANK_OF_SERIES, RANK_OF_IMAGE = 2, 3
#: Settings that change a layer's loss or its weights after a step, and that no block knows.
EXTRAS: Final = (
    "kernel_regularizer",
    "bias_regularizer",
    "activity_regularizer",
    "kernel_constraint",
    "bias_constraint",
)
#: A first convolution cuts windows out by a constant filter of (window's elements)^2 numbers; beyond this many elements
#: it is lowered like any other.
MOST_TAPS: Final = 256


def lower(model: Any, batch: int) -> Chain:
    """The chain of a Keras model, over batches of `batch` examples.

    Raises:
        LayerNotSupported: the sentence names the layer and what of it cannot be lowered.
    """
    return Chain(_Walk(model, batch).blocks(), batch)


def layers_in_a_row(model: Any) -> list[Any]:
    """A model's layers from input to output, without the input itself.

    Raises:
        LayerNotSupported: the model is no plain row of layers from one input to one output, each used once.
    """
    try:
        inputs, outputs = model.inputs, model.outputs
    except AttributeError as error:
        raise LayerNotSupported(
            f"model {model.name!r}: expected a Sequential or Functional model that begins with an Input"
        ) from error
    if len(inputs) != 1 or len(outputs) != 1:
        raise LayerNotSupported(
            f"model {model.name!r} has {len(inputs)} inputs and {len(outputs)} outputs: expected one of each"
        )
    row: list[Any] = []
    tensor = outputs[0]
    while tensor is not inputs[0]:
        layer, node = tensor._keras_history[0], tensor._keras_history[1]
        if layer in row:
            raise refused(layer, "a layer that is used twice has no lowering")
        sources = layer._inbound_nodes[node].input_tensors
        if len(sources) != 1:
            raise refused(layer, f"a layer with {len(sources)} inputs has no lowering")
        row.insert(0, layer)
        tensor = sources[0]
    if not row:
        raise LayerNotSupported(f"model {model.name!r} has no layers")
    return row


class _Walk:
    """Looks at the layers from first to last, taking a relu and a pool that follow a layer along with it."""

    def __init__(self, model: Any, batch: int) -> None:
        self.layers = layers_in_a_row(model)
        shape = tuple(model.inputs[0].shape[1:])
        if not shape or None in shape:
            raise refused(self.layers[0], f"its input is {list(shape)}: expected a shape without unknown extents")
        self.batch = batch
        self.result: list[Block] = []
        self.series = len(shape) == RANK_OF_SERIES
        #: What the next layer sees: an image (a series is one of height 1) or a vector for each example; neither is another rank.
        self.image = None
        if self.series or len(shape) == RANK_OF_IMAGE:
            height, width, channels = (1, *shape) if self.series else shape
            self.image = ImageShape(height, width, channels, batch)
        self.flat = len(shape) == 1
        self.pixel = False
        self.position = 0

    def blocks(self) -> list[Block]:
        rules: dict[Any, Callable[[Any], Block | None]] = {
            layers.Conv1D: self._conv,
            layers.Conv2D: self._conv,
            layers.MaxPooling1D: self._pool,
            layers.MaxPooling2D: self._pool,
            layers.AveragePooling1D: self._pool,
            layers.AveragePooling2D: self._pool,
            layers.GlobalAveragePooling1D: self._global_average,
            layers.GlobalAveragePooling2D: self._global_average,
            layers.Flatten: self._flatten,
            layers.Dense: self._dense,
            layers.ReLU: self._relu,
            layers.Activation: self._relu,
        }
        while self.position < len(self.layers):
            layer = self._take()
            rule = rules.get(type(layer))
            if rule is None:
                raise refused(layer, f"a {type(layer).__name__} layer has no lowering; there are {SUPPORTED}")
            _check_common(layer)
            block = rule(layer)
            if block is not None:
                self.result.append(block)
        if not isinstance(self.result[-1], DenseBlock | FlattenDenseBlock):
            raise refused(self.layers[-1], "the model must end in a Dense layer, which gives logits")
        return self.result

    # --- a rule for each kind of layer ----------------------------------------------------------------------

    def _conv(self, layer: Any) -> Block:
        image = self._needs_image(layer, "a convolution")
        _require(layer, set(layer.strides) == {1}, f"strides {tuple(layer.strides)}: expected 1")
        _require(layer, set(layer.dilation_rate) == {1}, f"dilation {tuple(layer.dilation_rate)}: expected 1")
        _require(layer, layer.padding in ("same", "valid"), f"padding {layer.padding!r}: expected same or valid")
        _require(layer, layer.groups == 1, f"groups {layer.groups}: expected 1")
        relu = self._activation(layer)
        pool = self._take_pool()
        if pool is not None and not relu:
            relu = self._take_relu()
        kernel = _kernel(layer, image)
        first = not self.result and _taps(kernel, pool) <= MOST_TAPS
        if not first:
            self._rows(image)
        elif self.series:
            self.result.append(SeriesBlock())
        self.image = pool.out(kernel.out) if pool else kernel.out
        block = (FirstConvBlock if first else ConvBlock)(weight_names(layer), kernel, pool, relu)
        return SeriesConvBlock(block) if self.series else block

    def _pool(self, layer: Any) -> Block:
        image = self._needs_image(layer, "pooling")
        self._rows(image)
        pool = _pool(layer)
        self.image = pool.out(image)
        return (PoolBlock if type(layer) in MAX_POOLS else AverageBlock)(image, pool)

    def _global_average(self, layer: Any) -> Block | None:
        """One window as large as the image, and a Flatten of the pixel that is left."""
        image = self._needs_image(layer, "pooling")
        _require(layer, not layer.keepdims, "keepdims has no lowering")
        self._rows(image)
        pool = Pool(image.height, image.width)
        self.result.append(AverageBlock(image, pool))
        self.image = pool.out(image)
        return self._flatten(layer)

    def _flatten(self, layer: Any) -> Block | None:  # noqa: ARG002 (rules have one signature)
        image, self.image = self.image, None
        self.pixel = image is not None and image.height * image.width == 1
        was_flat, self.flat = self.flat, True
        if was_flat:
            return None
        if image is None or not self.result:
            return FlattenInputBlock(self.batch)
        if self.position < len(self.layers) and type(self.layers[self.position]) is layers.Dense:
            dense = self._take()
            _check_common(dense)
            return FlattenDenseBlock(image, self._dense(dense))
        return FlattenBlock(image)

    def _dense(self, layer: Any) -> DenseBlock:
        if not self.flat:
            raise refused(layer, "a Dense layer over an image's channels has no lowering; put a Flatten before it")
        block = DenseBlock(weight_names(layer), self._activation(layer), self.pixel)
        self.pixel = False
        return block

    def _relu(self, layer: Any) -> Block:
        _require(layer, _is_relu(layer), "only a plain relu has a lowering")
        if self.image is not None:
            self._rows(self.image)
        return ReluBlock()

    # --- what the rules share -------------------------------------------------------------------------------

    def _needs_image(self, layer: Any, what: str) -> ImageShape:
        """What the layer sees, where that is an image or a series; `what` begins the sentence that refuses it."""
        if self.image is None:
            raise refused(
                layer, f"{what} needs an image [height, width, channels] or a series [length, channels] before it"
            )
        return self.image

    def _rows(self, image: ImageShape) -> None:
        """See that the next block finds images as rows."""
        if not self.result:
            self.result.extend([SeriesBlock()] if self.series else [])
            self.result.append(RowsBlock(image))

    def _take(self) -> Any:
        self.position += 1
        return self.layers[self.position - 1]

    def _take_relu(self) -> bool:
        found = self.position < len(self.layers) and _is_relu(self.layers[self.position])
        if found:
            _check_common(self._take())
        return found

    def _take_pool(self) -> Pool | None:
        if self.position == len(self.layers) or type(self.layers[self.position]) not in MAX_POOLS:
            return None
        layer = self._take()
        _check_common(layer)
        return _pool(layer)

    def _activation(self, layer: Any) -> bool:
        """Whether the layer ends in a relu, its own or the next layer."""
        if layer.activation is activations.relu:
            return True
        if layer.activation is not activations.linear:
            name = getattr(layer.activation, "__name__", type(layer.activation).__name__)
            raise refused(
                layer, f"activation {name!r} has no lowering; there are relu and none (a model ends in logits)"
            )
        return self._take_relu()


def weight_names(layer: Any) -> tuple[str, ...]:
    """What a program calls a layer's weights."""
    return tuple(f"{layer.name}/{variable.name}" for variable in layer.trainable_variables)


def refused(layer: Any, why: str) -> LayerNotSupported:
    """The error that names the layer."""
    return LayerNotSupported(f"layer {layer.name!r} ({type(layer).__name__}): {why}")


def _require(layer: Any, holds: bool, otherwise: str) -> None:
    if not holds:
        raise refused(layer, otherwise)


def _check_common(layer: Any) -> None:
    """What no block knows how to do, whatever the layer's kind."""
    for name in EXTRAS:
        _require(layer, getattr(layer, name, None) is None, f"{name} has no lowering")
    _require(layer, layer.dtype_policy.name == "float32", f"dtype {layer.dtype_policy.name}: expected float32")
    data_format = getattr(layer, "data_format", "channels_last")
    _require(layer, data_format == "channels_last", f"data format {data_format}: expected channels_last")
    trainable = [variable.name for variable in layer.trainable_variables]
    weights = [variable.name for variable in layer.weights]
    _require(layer, trainable == weights, "a layer that is not trainable has no lowering")
    _require(
        layer,
        weights in ([], ["kernel"], ["kernel", "bias"]),
        f"its weights are {', '.join(weights)}: expected kernel and bias",
    )


def _kernel(layer: Any, source: ImageShape) -> Kernel:
    height, width = _extents(layer.kernel_size)
    same = layer.padding == "same"
    top, left = ((height - 1) // 2, (width - 1) // 2) if same else (0, 0)
    rows = source.height if same else source.height - height + 1
    columns = source.width if same else source.width - width + 1
    return Kernel(height, width, top, left, source, ImageShape(rows, columns, int(layer.filters), source.batch))


def _taps(kernel: Kernel, pool: Pool | None) -> int:
    """Elements of the window that holds all candidates of one pool."""
    height, width = (pool.height, pool.width) if pool else (1, 1)
    return prod((kernel.height + height - 1, kernel.width + width - 1, kernel.source.channels))


def _pool(layer: Any) -> Pool:
    size, strides = _extents(layer.pool_size), _extents(layer.strides)
    _require(layer, size == strides, f"windows {size} with strides {strides}: expected windows that do not overlap")
    _require(layer, layer.padding == "valid", f"padding {layer.padding!r}: expected valid")
    return Pool(*size)


def _extents(given: Sequence[int]) -> tuple[int, int]:
    """Height and width; a layer over series has a width alone."""
    *heights, width = (int(extent) for extent in given)
    return (heights[0] if heights else 1), width


def _is_relu(layer: Any) -> bool:
    if type(layer) is layers.Activation:
        return layer.activation is activations.relu
    plain = type(layer) is layers.ReLU and layer.max_value is None
    return plain and not float(layer.negative_slope) and not float(layer.threshold)

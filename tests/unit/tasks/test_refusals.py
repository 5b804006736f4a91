"""What has no lowering is refused when the program is built, by a sentence that names the layer."""

import keras
import pytest
from keras import Input, Model, Sequential, layers

from edgetrain.errors import LayerNotSupported
from edgetrain.tasks.lowering import lower

IMAGE = (8, 8, 3)
NAME = "culprit"


def before_logits(*members):
    return Sequential([Input(IMAGE), *members, layers.Flatten(), layers.Dense(4)])


def series(*members):
    return Sequential([Input((8, 3)), *members, layers.Flatten(), layers.Dense(4)])


def conv(**settings):
    return before_logits(layers.Conv2D(**{"filters": 2, "kernel_size": 3, "name": NAME} | settings))


def pool(**settings):
    return before_logits(layers.Conv2D(2, 3), layers.MaxPooling2D(name=NAME, **settings))


def dense(**settings):
    return Sequential([Input((5,)), layers.Dense(3, name=NAME, **settings), layers.Dense(4)])


def frozen():
    model = dense()
    model.get_layer(NAME).trainable = False
    return model


def lora():
    model = dense()
    model.get_layer(NAME).enable_lora(2)
    return model


def shared():
    x = Input((5,))
    layer = layers.Dense(5, name=NAME)
    return Model(x, layers.Dense(4)(layer(layer(x))))


def branches():
    x = Input((5,))
    return Model(x, layers.Dense(4)(layers.Add(name=NAME)([layers.Dense(3)(x), layers.Dense(3)(x)])))


def relu(x):
    return keras.ops.maximum(x, 0.1)


class OwnDense(layers.Dense):
    """Looks like Keras's own by its kind, and may do anything."""


REFUSED = {
    "a kind without lowering": lambda: before_logits(layers.BatchNormalization(name=NAME)),
    "dropout": lambda: before_logits(layers.Dropout(0.1, name=NAME)),
    "a causal convolution": lambda: series(layers.Conv1D(2, 3, padding="causal", name=NAME)),
    "strides over a series": lambda: series(layers.Conv1D(2, 3, strides=2, name=NAME)),
    "dilation over a series": lambda: series(layers.Conv1D(2, 3, dilation_rate=2, name=NAME)),
    "a series' pools that overlap": lambda: series(layers.MaxPooling1D(3, strides=1, name=NAME)),
    "means of windows that overlap": lambda: before_logits(layers.AveragePooling2D(3, strides=2, name=NAME)),
    "means with same padding": lambda: series(layers.AveragePooling1D(2, padding="same", name=NAME)),
    "means that keep their extents": lambda: before_logits(layers.GlobalAveragePooling2D(keepdims=True, name=NAME)),
    "a maximum over all places": lambda: Sequential(
        [Input((8, 3)), layers.GlobalMaxPooling1D(name=NAME), layers.Dense(4)]
    ),
    "a recurrent layer": lambda: Sequential([Input((8, 3)), layers.LSTM(2, name=NAME), layers.Dense(4)]),
    "a subclass": lambda: Sequential([Input((5,)), OwnDense(3, name=NAME), layers.Dense(4)]),
    "a model in a model": lambda: Sequential([Input((5,)), Sequential([layers.Dense(3)], name=NAME), layers.Dense(4)]),
    "strides": lambda: conv(strides=2),
    "dilation": lambda: conv(dilation_rate=2),
    "groups": lambda: conv(filters=3, groups=3),
    "channels first": lambda: conv(data_format="channels_first"),
    "a strange activation": lambda: conv(activation="gelu"),
    "an activation that is a layer": lambda: dense(activation=layers.ReLU()),
    "an activation of one's own called relu": lambda: dense(activation=relu),
    "softmax at the end": lambda: Sequential([Input((5,)), layers.Dense(4, activation="softmax", name=NAME)]),
    "a softmax layer at the end": lambda: Sequential([Input((5,)), layers.Dense(4), layers.Softmax(name=NAME)]),
    "a relu at the end of a model without logits": lambda: Sequential([Input((5,)), layers.ReLU(name=NAME)]),
    "an image at the end": lambda: Sequential([Input(IMAGE), layers.Conv2D(4, 3, name=NAME)]),
    "a leaky relu": lambda: before_logits(layers.ReLU(negative_slope=0.1, name=NAME)),
    "a relu with a ceiling": lambda: before_logits(layers.ReLU(max_value=6.0, name=NAME)),
    "a relu with a threshold": lambda: before_logits(layers.ReLU(threshold=0.5, name=NAME)),
    "another activation layer": lambda: before_logits(layers.Activation("tanh", name=NAME)),
    "pools that overlap": lambda: pool(pool_size=3, strides=2),
    "pools with same padding": lambda: pool(padding="same"),
    "a dense layer over channels": lambda: Sequential(
        [Input(IMAGE), layers.Dense(3, name=NAME), layers.Flatten(), layers.Dense(4)]
    ),
    "a dense layer over rows": lambda: Sequential(
        [Input((3, 5)), layers.Dense(3, name=NAME), layers.Flatten(), layers.Dense(4)]
    ),
    "a kernel regularizer": lambda: dense(kernel_regularizer="l2"),
    "a bias regularizer": lambda: dense(bias_regularizer="l2"),
    "an activity regularizer": lambda: conv(activity_regularizer="l2"),
    "a constraint": lambda: conv(kernel_constraint="non_neg"),
    "half precision": lambda: dense(dtype="mixed_bfloat16"),
    "a frozen layer": frozen,
    "weights of another kind": lora,
    "a shared layer": shared,
    "a branch": branches,
}


@pytest.mark.parametrize("what", REFUSED)
def test_the_sentence_names_the_layer(what):
    with pytest.raises(LayerNotSupported, match=rf"^layer '{NAME}' \(\w+\): \S"):
        lower(REFUSED[what](), 4)


class Subclassed(Model):
    """A model whose layers stand in code."""

    def call(self, x):
        return x


def two_outputs():
    x = Input((5,))
    return Model(x, [layers.Dense(4)(x), layers.Dense(4)(x)])


def two_inputs():
    x, y = Input((5,)), Input((5,))
    return Model([x, y], layers.Dense(4)(x))


def nothing():
    x = Input((5,))
    return Model(x, x, name="own")


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (lambda: Subclassed(name="own"), "model 'own': expected a Sequential or Functional model"),
        (lambda: Sequential([layers.Dense(4)], name="own"), "model 'own': expected .* begins with an Input"),
        (two_outputs, "has 1 inputs and 2 outputs"),
        (two_inputs, "has 2 inputs and 1 outputs"),
        (nothing, "model 'own' has no layers"),
        (lambda: Sequential([Input((None, 8, 1)), layers.Conv2D(2, 3), layers.Flatten()]), "without unknown extents"),
    ],
)
def test_a_model_that_is_no_row_of_layers(model, sentence):
    with pytest.raises(LayerNotSupported, match=sentence):
        lower(model(), 4)


def test_a_model_that_grew_layer_by_layer_is_one_row():
    model = Sequential()
    for layer in (Input(IMAGE), layers.Conv2D(2, 3, name="c"), layers.Flatten(), layers.Dense(4, name="d")):
        model.add(layer)
    assert lower(model, 4).weight_names == ["c/kernel", "c/bias", "d/kernel", "d/bias"]

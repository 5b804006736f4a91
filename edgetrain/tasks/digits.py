"""Digits: the 1,797 handwritten 8x8 images that come inside scikit-learn's package.

E. Alpaydin, C. Kaynak: "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository (1998), test part.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from edgetrain.contracts import ClientSettings, TensorSpec
from edgetrain.tasks.base import Examples, Task

if TYPE_CHECKING:
    import keras

TEST_EXAMPLES = 360
SPLIT_SEED = 7
LARGEST_PIXEL = 16.0


class Digits(Task):
    """Ten classes, one small grey image each."""

    name: ClassVar[str] = "digits"
    title: ClassVar[str] = "Handwritten digits, 8x8 (scikit-learn)"
    x: ClassVar[TensorSpec] = TensorSpec(name="x", shape=(8, 8, 1))
    x_range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    labels: ClassVar[tuple[str, ...]] = tuple("0123456789")
    client: ClassVar[ClientSettings] = ClientSettings(epochs=10, batch_size=20, learning_rate=0.2)
    preprocessing: ClassVar[Mapping[str, Any]] = {"scale": 1 / LARGEST_PIXEL, "background": 0.0, "ink": 1.0}

    def models(self) -> Mapping[str, Callable[[], "keras.Model"]]:
        """A convolutional network (the default) and a perceptron."""
        return {"cnn": self._cnn, "mlp": self._mlp}

    def load(self) -> Examples:
        """Pixels in [0, 1]; the test part is the same 360 images every time."""
        from sklearn.datasets import load_digits

        images, target = load_digits(return_X_y=True)
        x = (images.reshape(-1, *self.x.shape) / LARGEST_PIXEL).astype(np.float32)
        y = target.astype(np.int32)
        order = np.random.default_rng(SPLIT_SEED).permutation(len(y))
        test, train = order[:TEST_EXAMPLES], order[TEST_EXAMPLES:]
        return Examples(x[train], y[train], x[test], y[test])

    def _cnn(self) -> "keras.Model":
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input(self.x.shape),
                layers.Conv2D(16, 3, padding="same", activation="relu", name="conv1"),
                layers.MaxPooling2D(name="pool"),
                layers.Conv2D(32, 3, padding="same", activation="relu", name="conv2"),
                layers.Flatten(name="flatten"),
                layers.Dense(64, activation="relu", name="dense1"),
                layers.Dense(len(self.labels), name="logits"),
            ],
            name="digits_cnn",
        )

    def _mlp(self) -> "keras.Model":
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input(self.x.shape),
                layers.Flatten(name="flatten"),
                layers.Dense(64, activation="relu", name="dense1"),
                layers.Dense(32, activation="relu", name="dense2"),
                layers.Dense(len(self.labels), name="logits"),
            ],
            name="digits_mlp",
        )

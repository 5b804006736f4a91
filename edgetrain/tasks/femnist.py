"""FEMNIST: handwritten digits and letters, one client per writer, as LEAF defines it.

S. Caldas et al.: "LEAF: A Benchmark for Federated Settings" (2018), on G. Cohen et al.: "EMNIST: an extension of MNIST to handwritten
letters" (2017), on NIST Special Database 19.
"""

import string
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from edgetrain.contracts import ClientSettings, TensorSpec
from edgetrain.errors import UsageError
from edgetrain.tasks.base import Examples, Task

if TYPE_CHECKING:
    import keras

SIDE: Final = 28


class Femnist(Task):
    """62 classes, one grey image each; background 1.0, ink 0.0."""

    name: ClassVar[str] = "femnist"
    title: ClassVar[str] = "Handwriting by many writers, 28x28 (FEMNIST of LEAF)"
    x: ClassVar[TensorSpec] = TensorSpec(name="x", shape=(SIDE, SIDE, 1))
    x_range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    #: LEAF's order: 0-9, A-Z, a-z.
    labels: ClassVar[tuple[str, ...]] = tuple(string.digits + string.ascii_uppercase + string.ascii_lowercase)
    client: ClassVar[ClientSettings] = ClientSettings(epochs=1, batch_size=20, learning_rate=0.06)
    preprocessing: ClassVar[Mapping[str, Any]] = {"scale": 1 / 255, "background": 1.0, "ink": 0.0}

    def models(self) -> Mapping[str, Callable[[], "keras.Model"]]:
        """LEAF's network (the default; 6,603,710 parameters), and one of the same kind with 117,694."""
        return {
            "cnn": lambda: self._network("cnn", (32, 64), 2048),
            "small": lambda: self._network("small", (16, 32), 64),
        }

    def load(self) -> Examples:
        """The data are the user's own.

        Raises:
            UsageError: always; the sentence says how they are imported.
        """
        raise UsageError(
            "task femnist brings no data: import LEAF's with `--leaf DIR`, or let writers be generated with `--generate-writers N`"
        )

    def _network(self, name: str, filters: tuple[int, int], width: int) -> "keras.Model":
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input(self.x.shape),
                layers.Conv2D(filters[0], 5, padding="same", activation="relu", name="conv1"),
                layers.MaxPooling2D(name="pool1"),
                layers.Conv2D(filters[1], 5, padding="same", activation="relu", name="conv2"),
                layers.MaxPooling2D(name="pool2"),
                layers.Flatten(name="flatten"),
                layers.Dense(width, activation="relu", name="dense1"),
                layers.Dense(len(self.labels), name="logits"),
            ],
            name=f"femnist_{name}",
        )

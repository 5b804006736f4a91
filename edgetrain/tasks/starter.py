"""A task of your own: rows of numbers, one label each. Every line works as it is; change what differs in yours.

Try it:   edgetrain tasks build THIS_FILE
Its data: edgetrain data import --task THIS_FILE --csv DIR     one CSV for each client, named after it, with a first line
                                                               `label,a,b,c,d`
      or: edgetrain data import --task THIS_FILE --clients 10  what `load` gives below, spread over ten clients
Train it: edgetrain federate --task THIS_FILE
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from edgetrain.contracts import ClientSettings, TensorSpec
from edgetrain.tasks.base import Examples, Task

if TYPE_CHECKING:
    import keras

# NumPy is imported above, and anything heavy (Keras, pandas) inside of the method that needs it: this file is also read
# where they are not installed. It stands alone: what it imports beside it would not be seen to have changed.


class OwnTask(Task):
    """Four numbers, three classes."""

    #: Data, programs and models are kept under this name: letters, digits, - and _.
    name: ClassVar[str] = "starter"
    title: ClassVar[str] = "Rows of four numbers"
    #: The shape of one example: (4,) a row of four numbers, (128, 3) a series of three axes, (28, 28, 1) an image.
    x: ClassVar[TensorSpec] = TensorSpec(name="x", shape=(4,))
    #: Class 0, 1, 2: a CSV's label column holds these names, or the classes' numbers.
    labels: ClassVar[tuple[str, ...]] = ("low", "middle", "high")
    #: How a client trains in each round, unless the run says otherwise.
    client: ClassVar[ClientSettings] = ClientSettings(epochs=3, batch_size=20, learning_rate=0.1)
    #: For your own programs: what they must do to raw numbers before the model sees them. Kept beside every model.
    preprocessing: ClassVar[Mapping[str, Any]] = {}

    def models(self) -> Mapping[str, Callable[[], "keras.Model"]]:
        """Keras models by name, the default first. A model ends in logits: one number for each label, no softmax."""
        return {"dense": self._dense}

    def load(self) -> Examples:
        """Data of the task's own, for `data import` without a folder and for `train --local`: here they are generated.

        Where every client brings its own files, raise `edgetrain.errors.UsageError` with a sentence that says so.
        """
        rng = np.random.default_rng(7)
        y = rng.integers(0, len(self.labels), 1200).astype(np.int32)
        x = (rng.standard_normal((len(y), *self.x.shape)) + 2.0 * y[:, None] - 2.0).astype(np.float32)
        return Examples(x[:1000], y[:1000], x[1000:], y[1000:])  # the last 200 are held out

    def _dense(self) -> "keras.Model":
        # `edgetrain tasks build` names a layer that has no lowering, and says which ones have.
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input(self.x.shape),
                layers.Dense(16, activation="relu", name="dense1"),
                layers.Dense(len(self.labels), name="logits"),
            ],
            name="dense",
        )

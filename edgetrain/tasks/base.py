"""What a task is."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from edgetrain.contracts import ClientSettings, TensorSpec

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Examples:
    """A task's data before it is spread over clients.

    `x`: float32 [examples, ...]; `y`: int32 [examples]; and the same for the held-out test part.
    """

    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.int32]
    test_x: npt.NDArray[np.float32]
    test_y: npt.NDArray[np.int32]


class Task(ABC):
    """Data + model + loss + metrics. Everything but `load` and the models is a plain attribute."""

    name: ClassVar[str]
    title: ClassVar[str]
    #: Shape of one example, without the batch.
    x: ClassVar[TensorSpec]
    #: Least and greatest number that an example holds, where an importer shall refuse all others.
    x_range: ClassVar[tuple[float, float] | None] = None
    #: What belongs to one example, as the program takes it: class numbers, as float32.
    y: ClassVar[tuple[TensorSpec, ...]] = (TensorSpec(name="y", shape=()),)
    labels: ClassVar[tuple[str, ...]]
    loss: ClassVar[Literal["softmax_cross_entropy"]] = "softmax_cross_entropy"
    metrics: ClassVar[tuple[Literal["accuracy"], ...]] = ("accuracy",)
    #: How a client trains unless the run says otherwise.
    client: ClassVar[ClientSettings]
    #: What a host must do to a raw input before the program sees it.
    preprocessing: ClassVar[Mapping[str, Any]]
    #: Examples that one call of the program takes; a smaller batch is masked, a larger one accumulated.
    program_batch: ClassVar[int] = 20

    @abstractmethod
    def models(self) -> Mapping[str, Callable[[], "keras.Model"]]:
        """Builders by name, the default first. A model ends in logits."""

    @abstractmethod
    def load(self) -> Examples:
        """All data of the task, with a held-out part that is the same every time."""

"""A strategy's state on its way from one round to the next: arrays as large as the model, read and written by chunks."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from edgetrain.federated.strategies import State, Strategy, state_names
from edgetrain.federated.weights import ByteSource

Float32 = npt.NDArray[np.float32]


class StateArrays:
    """The state of a chunk of the parameters: read or made, handed out by blocks, written."""

    def __init__(
        self,
        strategy: Strategy,
        parameters: int,
        chunk: int,
        sources: Mapping[str, ByteSource] | None,
        writes: Mapping[str, Callable[[memoryview], None]],
    ) -> None:
        """For a model of `parameters`, of which at most `chunk` are looked at at once.

        Raises:
            ValueError: `sources` (None in the first round) or `writes` are not the strategy's arrays, or not of the model's size.
        """
        self._strategy, self._sources, self._writes = strategy, sources, writes
        names = set(state_names(strategy))
        if names != writes.keys() or (sources is not None and names != sources.keys()):
            raise ValueError(f"expected the strategy's state: {', '.join(sorted(names)) or 'none'}")
        for name, source in (sources or {}).items():
            if source.size != 8 * parameters:
                raise ValueError(f"{name} of the strategy's state has {source.size} bytes: expected {8 * parameters}")
        self._arrays = {name: np.empty(chunk, "<f8") for name in names}

    def read(self, start: int, params: Float32) -> None:
        """The state of the parameters from `start` on, which are `params`."""
        if self._sources is None:
            for name, values in self._strategy.init(params).items():
                self._arrays[name][: len(params)] = values
        else:
            for name, source in self._sources.items():
                source.read_into(8 * start, self._arrays[name][: len(params)].data.cast("B"))

    def block(self, block: slice) -> State:
        """The state of a part of the chunk."""
        return {name: array[block] for name, array in self._arrays.items()}

    def replace(self, block: slice, following: State) -> None:
        """Put the next state of that part in its place."""
        for name, array in self._arrays.items():
            array[block] = following[name]

    def write(self, count: int) -> None:
        """Hand the chunk's first `count` elements on."""
        for name, write in self._writes.items():
            write(self._arrays[name][:count].data.cast("B"))

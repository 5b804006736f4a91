"""What a strategy is: two pure functions. Both work element by element, so they may be given chunks of a model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

#: Named arrays of the model's shape (moments, velocities); empty for strategies without memory.
State = Mapping[str, npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Sums:
    """S = sum_k rint(n_k d_k 2^f) as int64, with M = sum_k n_k (`weight`) and f (`fraction_bits`)."""

    total: npt.NDArray[np.int64]
    weight: int
    fraction_bits: int

    def mean(self) -> npt.NDArray[np.float64]:
        """S / (M 2^f): the average delta."""
        mean = self.total.astype(np.float64)
        mean /= self.weight * 2.0**self.fraction_bits
        return mean


class Strategy(Protocol):
    """Server side of a round."""

    def init(self, params: npt.NDArray[np.float32]) -> State:
        """The state before the first round."""
        ...

    def apply(self, params: npt.NDArray[np.float32], state: State, sums: Sums) -> tuple[npt.NDArray[np.float32], State]:
        """The next parameters and state."""
        ...


def state_names(strategy: Strategy) -> tuple[str, ...]:
    """The names of the arrays of its state; empty for a strategy without memory."""
    return tuple(strategy.init(np.empty(0, np.float32)))

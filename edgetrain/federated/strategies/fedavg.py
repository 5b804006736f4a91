"""Federated averaging.

McMahan, Moore, Ramage, Hampson, Agüera y Arcas: "Communication-Efficient Learning of Deep Networks from Decentralized Data"
(AISTATS 2017), algorithm 1, written with deltas and a server learning rate eta (1 in the paper):

    g <- g + eta * sum_k (n_k / M) (w_k - g),   M = sum_k n_k
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgetrain.federated.strategies.base import State, Sums


@dataclass(frozen=True)
class FedAvg:
    """No memory between rounds."""

    server_learning_rate: float = 1.0

    def init(self, params: npt.NDArray[np.float32]) -> State:  # noqa: ARG002 (strategies with memory need it)
        """No state."""
        return {}

    def apply(self, params: npt.NDArray[np.float32], state: State, sums: Sums) -> tuple[npt.NDArray[np.float32], State]:
        """`float32(g + eta S / (M 2^f))`: computed in float64, rounded once."""
        step = sums.mean()
        step *= self.server_learning_rate
        step += params
        return step.astype(np.float32), state

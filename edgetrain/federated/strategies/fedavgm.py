"""FedAvg with server momentum.

Hsu, Qi, Brown: "Measuring the Effects of Non-Identical Data Distribution for Federated Visual Classification" (2019), section 4,
with a server learning rate eta as in Reddi et al.: "Adaptive Federated Optimization" (ICLR 2021), algorithm 1 with SGD with
momentum as its server optimiser. With the mean delta D_t = sum_k (n_k / M) (w_k - g_t), M = sum_k n_k:

    m_t = beta m_(t-1) + D_t,   m_0 = 0
    g_(t+1) = g_t + eta m_t

beta = 0.9 and eta = 1 are the defaults.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgetrain.federated.strategies.base import State, Sums


@dataclass(frozen=True)
class FedAvgM:
    """State: `m`, the sum of the deltas, older ones fading."""

    server_learning_rate: float = 1.0
    momentum: float = 0.9

    def init(self, params: npt.NDArray[np.float32]) -> State:
        """m_0 = 0."""
        return {"m": np.zeros(params.shape)}

    def apply(self, params: npt.NDArray[np.float32], state: State, sums: Sums) -> tuple[npt.NDArray[np.float32], State]:
        """`float32(g + eta m)`: m in float64, the result rounded once."""
        m = self.momentum * state["m"]
        m += sums.mean()
        step = self.server_learning_rate * m
        step += params
        return step.astype(np.float32), {"m": m}

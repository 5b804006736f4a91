"""What FedAdagrad, FedAdam and FedYogi have in common.

Reddi, Charles, Zaheer, Garrett, Rush, Konečný, Kumar, McMahan: "Adaptive Federated Optimization" (ICLR 2021), algorithm 2.
With the mean delta D_t = sum_k (n_k / M) (w_k - g_t), M = sum_k n_k, and all operations element by element:

    m_t = beta_1 m_(t-1) + (1 - beta_1) D_t,   m_0 = 0
    v_t = as the optimiser says,               v_0 = tau^2
    g_(t+1) = g_t + eta m_t / (sqrt(v_t) + tau)

The paper asks for v_0 >= tau^2; this is the least. There is no bias correction: the algorithm has none. The paper's experiments have
beta_1 = 0.9, beta_2 = 0.99 (FedAdagrad: beta_1 = 0) and tau = 0.001, and tune eta for each task: those are our defaults, with
eta = 0.1 for FedAdagrad and 0.01 for the others.

Only +, -, *, / and square roots in float64, which IEEE 754 rounds the same way everywhere: equal sums give equal bits.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgetrain.federated.strategies.base import State, Sums

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Adaptive(ABC):
    """State: `v`, the second moment of the deltas, and where `beta_1` is not 0 `m`, the first."""

    server_learning_rate: float
    beta_1: float
    tau: float

    @abstractmethod
    def second_moment(self, v: Float64, square: Float64) -> Float64:
        """v_t of v_(t-1) and D_t^2; neither is changed."""

    def init(self, params: npt.NDArray[np.float32]) -> State:
        """m_0 = 0, v_0 = tau^2."""
        v = np.full(params.shape, self.tau * self.tau)
        return {"m": np.zeros(params.shape), "v": v} if self.beta_1 else {"v": v}

    def apply(self, params: npt.NDArray[np.float32], state: State, sums: Sums) -> tuple[npt.NDArray[np.float32], State]:
        """`float32(g + eta m / (sqrt(v) + tau))`: all in float64, the result rounded once."""
        delta = sums.mean()
        v = self.second_moment(state["v"], delta * delta)
        following = {"v": v}
        m = delta
        if self.beta_1:
            m = self.beta_1 * state["m"] + (1 - self.beta_1) * delta
            following = {"m": m, "v": v}
        scale = np.sqrt(v)
        scale += self.tau
        step = self.server_learning_rate * m
        step /= scale
        step += params
        return step.astype(np.float32), following

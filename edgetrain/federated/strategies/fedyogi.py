"""FedYogi.

Reddi et al.: "Adaptive Federated Optimization" (ICLR 2021), algorithm 2 (`adaptive.py`), with

    v_t = v_(t-1) - (1 - beta_2) D_t^2 sign(v_(t-1) - D_t^2)

after Zaheer et al.: "Adaptive Methods for Nonconvex Optimization" (NeurIPS 2018).
"""

from dataclasses import dataclass

import numpy as np

from edgetrain.federated.strategies.adaptive import Adaptive, Float64


@dataclass(frozen=True)
class FedYogi(Adaptive):
    """The second moment moves by no more than a share of the newest square, so that rare large deltas are not forgotten fast."""

    server_learning_rate: float = 0.01
    beta_1: float = 0.9
    tau: float = 1e-3
    beta_2: float = 0.99

    def second_moment(self, v: Float64, square: Float64) -> Float64:
        """Up where the square is larger than the moment, down where it is smaller. Never below 0: it falls by less than v."""
        moved: Float64 = v - (1 - self.beta_2) * square * np.sign(v - square)
        return moved

"""FedAdam.

Reddi et al.: "Adaptive Federated Optimization" (ICLR 2021), algorithm 2 (`adaptive.py`), with

    v_t = beta_2 v_(t-1) + (1 - beta_2) D_t^2
"""

from dataclasses import dataclass

from edgetrain.federated.strategies.adaptive import Adaptive, Float64


@dataclass(frozen=True)
class FedAdam(Adaptive):
    """The second moment fades exponentially."""

    server_learning_rate: float = 0.01
    beta_1: float = 0.9
    tau: float = 1e-3
    beta_2: float = 0.99

    def second_moment(self, v: Float64, square: Float64) -> Float64:
        """The moving average of the squares."""
        return self.beta_2 * v + (1 - self.beta_2) * square

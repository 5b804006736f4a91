"""FedAdagrad.

Reddi et al.: "Adaptive Federated Optimization" (ICLR 2021), algorithm 2 (`adaptive.py`), with

    v_t = v_(t-1) + D_t^2

beta_1 = 0, as in the paper's experiments: the usual Adagrad has no momentum.
"""

from dataclasses import dataclass

from edgetrain.federated.strategies.adaptive import Adaptive, Float64


@dataclass(frozen=True)
class FedAdagrad(Adaptive):
    """Steps only ever become smaller."""

    server_learning_rate: float = 0.1
    beta_1: float = 0.0
    tau: float = 1e-3

    def second_moment(self, v: Float64, square: Float64) -> Float64:
        """The sum of all squares so far."""
        return v + square

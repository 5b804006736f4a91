"""How a round's sums become the next model: one strategy a file, paper and equation at its top."""

from edgetrain.contracts import StrategySettings
from edgetrain.federated.strategies.base import State, Strategy, Sums
from edgetrain.federated.strategies.fedavg import FedAvg

__all__ = ["FedAvg", "State", "Strategy", "Sums", "get_strategy"]


def get_strategy(settings: StrategySettings) -> Strategy:
    """The strategy that the run's input names."""
    return {"fedavg": FedAvg}[settings.name](server_learning_rate=settings.server_learning_rate)

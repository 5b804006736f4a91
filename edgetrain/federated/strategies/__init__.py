"""How a round's sums become the next model: one strategy a file, paper and equation at its top."""

from typing import Any, Final

from edgetrain.contracts import STRATEGY_DEFAULTS, StrategySettings
from edgetrain.federated.strategies.base import State, Strategy, Sums, state_names
from edgetrain.federated.strategies.fedadagrad import FedAdagrad
from edgetrain.federated.strategies.fedadam import FedAdam
from edgetrain.federated.strategies.fedavg import FedAvg
from edgetrain.federated.strategies.fedavgm import FedAvgM
from edgetrain.federated.strategies.fedyogi import FedYogi

__all__ = [
    "FedAdagrad",
    "FedAdam",
    "FedAvg",
    "FedAvgM",
    "FedYogi",
    "State",
    "Strategy",
    "Sums",
    "get_strategy",
    "state_names",
]

STRATEGIES: Final[dict[str, type[Any]]] = {
    "fedavg": FedAvg,
    "fedavgm": FedAvgM,
    "fedadagrad": FedAdagrad,
    "fedadam": FedAdam,
    "fedyogi": FedYogi,
}


def get_strategy(settings: StrategySettings, server_learning_rate: float | None = None) -> Strategy:
    """The strategy that the run's input names; `server_learning_rate` is the round's, where a schedule makes it another one."""
    own = {field: getattr(settings, field) for field in STRATEGY_DEFAULTS[settings.name]}
    if server_learning_rate is not None:
        own["server_learning_rate"] = server_learning_rate
    strategy: Strategy = STRATEGIES[settings.name](**own)
    return strategy

"""Flower's strategies on given updates, in Flower's own environment (`benchmarks.strategies` starts it).

    python -m benchmarks.strategies_flower IN.npz OUT.npz

IN: `settings` (JSON: name -> settings as in a run's input), `base` [P], `deltas` [rounds, clients, P], `examples` [clients]. OUT: for each
name and dtype the models after each round, `<name>-<dtype>` [rounds, P]. A client sends g + delta, g being Flower's own model.
"""

import json
import logging
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[Any]
CLASSES = {
    "fedavg": "FedAvg",
    "fedavgm": "FedAvgM",
    "fedadagrad": "FedAdagrad",
    "fedadam": "FedAdam",
    "fedyogi": "FedYogi",
}


def make(name: str, settings: dict[str, float], base: Float) -> Any:
    """Flower's strategy with our settings, and with v_0 = tau^2 as the paper has it (Flower begins with 0)."""
    eta, common = settings["server_learning_rate"], import_module("flwr.common")
    words: dict[str, Any] = {}
    if name == "fedavgm":
        words = {"server_learning_rate": eta, "server_momentum": settings["momentum"]}
    elif name != "fedavg":
        words = {"eta": eta, **{each: settings[each] for each in ("beta_1", "beta_2", "tau") if each in settings}}
        if name == "fedadagrad":
            words.pop("beta_1")  # it is 0 there
    made = getattr(import_module("flwr.server.strategy"), CLASSES[name])(
        initial_parameters=common.ndarrays_to_parameters([base]), **words
    )
    if "tau" in words:
        made.v_t = [np.full_like(base, words["tau"] ** 2)]
    return made


def play(strategy: Any, base: Float, deltas: Float, examples: Float) -> Float:
    """The models after each round."""
    common = import_module("flwr.common")
    g, models = base, []
    for number, of_round in enumerate(deltas, 1):
        replies = [
            (
                None,
                common.FitRes(
                    common.Status(common.Code.OK, ""), common.ndarrays_to_parameters([g + delta]), int(n), {}
                ),
            )
            for delta, n in zip(of_round, examples, strict=True)
        ]
        parameters, _ = strategy.aggregate_fit(number, replies, [])
        g = common.parameters_to_ndarrays(parameters)[0].astype(base.dtype)
        models.append(g)
    return np.stack(models)


def main(given: Path, out: Path) -> None:
    """Play all strategies in both precisions."""
    logging.disable(logging.WARNING)  # each tells that no metrics are aggregated
    work = np.load(given)
    results = {}
    for name, settings in json.loads(str(work["settings"])).items():
        for dtype in ("float32", "float64"):
            base = work["base"].astype(dtype)
            results[f"{name}-{dtype}"] = play(
                make(name, settings, base), base, work["deltas"].astype(dtype), work["examples"]
            )
    np.savez(out, **results)  # type: ignore[arg-type]  # the stubs take the names for flags


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

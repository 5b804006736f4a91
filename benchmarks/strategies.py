"""Our strategies beside Flower's, on the same updates: the largest difference of any parameter after any round.

    python -m benchmarks.strategies [--rounds 20] [--clients 10] [--parameters 20000] [--seed 7] [--json]

Ours go the whole way of a round: update files, bounds, exact sums, state written and read as bytes. Flower runs in an environment of
its own (build/peers/flower), once with float32 arrays, as it is used, and once with float64, which tells a difference of algorithms from
one of rounding. Two things are made equal: Flower begins the second moment with 0, the paper and we with tau^2; and Flower corrects
FedAdam's learning rate for bias as Adam does, which the paper's algorithm has not: here ours gets the rate that Flower uses in a round.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from benchmarks.peers import PEERS, ROOT, python_of
from edgetrain import limits
from edgetrain.contracts import STRATEGY_DEFAULTS, StrategySettings, TensorSpec
from edgetrain.federated import aggregation, number_format, weights
from edgetrain.federated.strategies import get_strategy, state_names

#: Units in the last place, of the largest parameter, that float32 arithmetic over the rounds may come to. Another algorithm is thousands.
LIMIT_IN_ULPS: Final = 64
Float = npt.NDArray[Any]


@dataclass
class Bytes:
    """Bytes as a source and as a sink."""

    body: bytearray

    @property
    def size(self) -> int:
        """Length in bytes."""
        return len(self.body)

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill `buffer` from byte `offset`."""
        buffer[:] = self.body[offset : offset + len(buffer)]

    def write(self, piece: bytes | memoryview) -> None:
        """Append `piece`."""
        self.body += memoryview(piece).cast("B")

    def restart(self) -> None:
        """Forget everything."""
        self.body.clear()


def make_work(rounds: int, clients: int, parameters: int, seed: int) -> dict[str, Float]:
    """A base model, updates that agree in part, as those of clients do, and numbers of examples."""
    rng = np.random.default_rng(seed)
    common = rng.standard_normal((rounds, 1, parameters)) * 0.01
    own = rng.standard_normal((rounds, clients, parameters)) * 0.02
    return {
        "base": (rng.standard_normal(parameters) * 0.1).astype(np.float32),
        "deltas": (common + own).astype(np.float32),
        "examples": rng.integers(20, 400, clients),
    }


def ours(settings: StrategySettings, work: dict[str, Float], *, with_flowers_rates: bool = True) -> Float:
    """The models after each round, through files."""
    specs = [TensorSpec(name="w", shape=work["base"].shape)]
    form = number_format.choose(len(work["examples"]), limits.DEFAULT_MAX_ABS_DELTA, limits.DEFAULT_MAX_EXAMPLES)
    model, state, models = Bytes(bytearray(weights.encode({"w": work["base"]}))), None, []
    for number, deltas in enumerate(work["deltas"], 1):
        partial, following = Bytes(bytearray()), Bytes(bytearray())
        updates = [
            aggregation.Update(f"c{i}", int(n), Bytes(bytearray(weights.encode({"w": delta}))))
            for i, (delta, n) in enumerate(zip(deltas, work["examples"], strict=True))
        ]
        summed = aggregation.sum_updates(updates, specs, form, "examples", partial)
        rate = flowers_rate(settings, number) if with_flowers_rates else None
        strategy = get_strategy(settings, rate)
        written = {name: Bytes(bytearray()) for name in state_names(strategy)}
        aggregation.close(
            [partial], model, specs, summed.weight, form, strategy, following.write,
            state=state, write_state={name: each.write for name, each in written.items()},
        )  # fmt: skip
        model, state = following, written
        models.append(weights.decode(bytes(model.body))["w"])
    return np.stack(models)


def flowers_rate(settings: StrategySettings, number: int) -> float:
    """Flower's server learning rate in round `number`: FedAdam's is Adam's, with its exponent of number + 1."""
    eta = settings.server_learning_rate
    if settings.name != "fedadam" or settings.beta_1 is None or settings.beta_2 is None:
        return eta
    bias: float = (1 - settings.beta_2 ** (number + 1)) ** 0.5 / (1 - settings.beta_1 ** (number + 1))
    return eta * bias


def compare(rounds: int, clients: int, parameters: int, seed: int) -> list[dict[str, Any]]:
    """A row for each strategy."""
    work = make_work(rounds, clients, parameters, seed)
    settings = {name: StrategySettings.model_validate({"name": name}) for name in STRATEGY_DEFAULTS}
    with tempfile.TemporaryDirectory(prefix="edgetrain-strategies-") as folder:
        given, out = Path(folder, "work.npz"), Path(folder, "flower.npz")
        plain = json.dumps({name: each.model_dump(exclude_none=True) for name, each in settings.items()})
        np.savez(given, settings=np.array(plain), **work)  # type: ignore[arg-type]  # the stubs take the names for flags
        command = [str(python_of("flower")), "-m", "benchmarks.strategies_flower", str(given), str(out)]
        subprocess.run(command, cwd=ROOT, check=True, stdout=sys.stderr)
        theirs = dict(np.load(out))
    rows = []
    for name, each in settings.items():
        models = ours(each, work).astype(np.float64)
        largest = float(np.abs(models).max())
        ulp = float(np.spacing(np.float32(largest)))
        in_32, in_64 = (float(np.abs(models - theirs[f"{name}-{dtype}"]).max()) for dtype in ("float32", "float64"))
        moved = float(np.abs(models[-1] - work["base"]).max())
        rows.append(
            {"strategy": name, "moved": moved, "float32": in_32, "float64": in_64,
             "float32_ulps": round(in_32 / ulp, 2), "float64_ulps": round(in_64 / ulp, 2)}
        )  # fmt: skip
    uncorrected = ours(settings["fedadam"], work, with_flowers_rates=False)
    rows.append(
        {
            "strategy": "fedadam, each with its own rate",
            "float32": float(np.abs(uncorrected - theirs["fedadam-float32"]).max()),
        }
    )
    return rows


def main() -> None:
    """Read the arguments, compare, print; exit 1 when a strategy differs by more than rounding."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--parameters", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    given = parser.parse_args()
    rows = compare(given.rounds, given.clients, given.parameters, given.seed)
    if given.json:
        print(
            json.dumps(
                {"benchmark": "strategies", "flower": PEERS["flower"][0], **vars(given), "results": rows}, indent=2
            )
        )
    else:
        table = Table("strategy", "moved by", "largest difference to Flower, float32", "to Flower, float64")
        for row in rows:
            cells = (
                f"{row[each]:.1e} ({row[f'{each}_ulps']} ulp)"
                for each in ("float32", "float64")
                if f"{each}_ulps" in row
            )
            told = (f"{row['moved']:.2f}", *cells) if "moved" in row else ("", f"{row['float32']:.1e}", "")
            table.add_row(row["strategy"], *told)
        Console(width=120).print(table)
    sys.exit(any(row.get("float32_ulps", 0) > LIMIT_IN_ULPS for row in rows))


if __name__ == "__main__":
    main()

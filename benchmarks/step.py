"""A client's work on 200 examples: our training program beside TensorFlow's cached step.

    python -m benchmarks.step [--sizes 118k 1.7M 6.6M] [--rounds 15] [--fresh 5] [--json]

Both do the same: take the global weights, 10 steps of 20 examples of plain SGD, give the weights back; on one thread, in one process, in
turns. The ratio is the median of the rounds' ratios, by the clock and by the processor's time, which hardly moves when
the machine has other work. `first step` is what a short-lived client pays: from the start of a fresh process to the end of its first
step, and the peak of its resident memory, the median of some processes in turns. Linux only.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib import metadata
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.peers import ROOT
from benchmarks.step_methods import SIZES

#: What we hold ourselves to (the ratio to TensorFlow's time); nothing was promised of the smallest.
AIMS: Final[dict[str, float | None]] = {"118k": None, "1.7M": 1.2, "6.6M": 1.0}
KINDS: Final = ("program", "tensorflow")


def child(*arguments: str) -> dict[str, Any]:
    """One measurement in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.step_methods", *arguments]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def measure(size: str, rounds: int, fresh: int) -> dict[str, Any]:
    """All figures of one size."""
    with tempfile.TemporaryDirectory(prefix="edgetrain-step-") as folder:
        built = child("build", size, folder)
        compared = child("compare", size, folder, str(rounds))
        first: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
        for _ in range(fresh):
            for kind in KINDS:
                first[kind].append(child("first-step", size, folder, kind))
    seconds, cpu = compared["seconds"], compared["cpu_seconds"]
    return {
        "size": size,
        **built,
        "ratio": ratio(seconds),
        "ratio_cpu": ratio(cpu),
        "ratio_quartiles": [round(value, 3) for value in statistics.quantiles(paired(seconds), n=4)[::2]],
        "aim": AIMS[size],
        "milliseconds": {kind: round(1000 * statistics.median(seconds[kind]), 1) for kind in KINDS},
        "weights_apart": compared["weights_apart"],
        "first_step": {kind: summary(runs) for kind, runs in first.items()},
    }


def paired(seconds: dict[str, list[float]]) -> list[float]:
    """Each round's ratio of the program's time to TensorFlow's."""
    return [ours / theirs for ours, theirs in zip(seconds["program"], seconds["tensorflow"], strict=True)]


def ratio(seconds: dict[str, list[float]]) -> float:
    """The median of the rounds' ratios."""
    return round(statistics.median(paired(seconds)), 3)


def summary(runs: list[dict[str, Any]]) -> dict[str, float]:
    """Medians over fresh processes."""
    return {
        "seconds": round(statistics.median(run["seconds"] for run in runs), 2),
        "peak_mb": round(statistics.median(run["peak_mb"] for run in runs), 0),
    }


def show(document: dict[str, Any]) -> None:
    """The figures as a table."""
    table = Table(
        "parameters", "program / TensorFlow", "quartiles", "by CPU time", "aim", "ms", "first step s", "peak MB"
    )
    for row in document["results"]:
        first, ms = row["first_step"], row["milliseconds"]
        pairs = (f"{first['program'][key]:g} / {first['tensorflow'][key]:g}" for key in ("seconds", "peak_mb"))
        table.add_row(
            f"{row['parameters']:,}",
            f"{row['ratio']:.2f}",
            " - ".join(f"{value:.2f}" for value in row["ratio_quartiles"]),
            f"{row['ratio_cpu']:.2f}",
            "" if row["aim"] is None else f"<= {row['aim']}",
            f"{ms['program']:g} / {ms['tensorflow']:g}",
            *pairs,
        )
    Console(width=120).print(table)


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), choices=SIZES)
    parser.add_argument("--rounds", type=int, default=15, help="of 200 examples each (at least 2)")
    parser.add_argument("--fresh", type=int, default=5, help="processes whose first step is measured, for each kind")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    given = parser.parse_args()
    if given.rounds < 2 or given.fresh < 1:
        parser.error("--rounds: expected at least 2; --fresh: expected at least 1")
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})  # children inherit it
    results = []
    for size in given.sizes:
        sys.stderr.write(f"benchmarks: {size} parameters\n")
        results.append(measure(size, given.rounds, given.fresh))
    versions = {name: metadata.version(name) for name in ("ai-edge-litert", "keras", "numpy")}
    machine = {"machine": platform.machine(), "python": platform.python_version(), "load": round(os.getloadavg()[0], 2)}
    document = {"benchmark": "step", **machine, "cores": 1, "versions": versions, "results": results}
    if given.json:
        print(json.dumps(document, indent=2))
    else:
        show(document)


if __name__ == "__main__":
    main()

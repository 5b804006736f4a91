"""Averaging the updates of a round: ours beside Flower's `aggregate`, plain NumPy and reading alone.

    python -m benchmarks.aggregation [--shapes 10x1200000 10x50000000] [--repeats 5] [--json]

Every method runs in a fresh process on one core, over the same files in the page cache. `first` is a process's first call, as a
Lambda function sees it; `warm` is the median of the others. GB/s counts the bytes of the updates (10^9); GB/CPU s are those of the warm
calls by the processor's time, which hardly moves when the machine has other work. `extra MB` is the peak of the
resident memory above what the process had when everything was imported, the result included where the method keeps it in memory.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.aggregation_methods import METHODS
from benchmarks.peers import ROOT, python_of
from edgetrain.federated.weights import encode

SEED = 7


def write_updates(folder: Path, count: int, parameters: int) -> None:
    """`count` updates and a base model of zeros, so that the next model is the average itself."""
    rng = np.random.default_rng(SEED)
    for i in range(count):
        (folder / f"update-{i:04d}").write_bytes(encode({"w": rng.standard_normal(parameters, np.float32)}))
    (folder / "base").write_bytes(encode({"w": np.zeros(parameters, np.float32)}))


def run(method: str, folder: Path, repeats: int) -> dict[str, Any]:
    """Measure one method in a fresh process; a peer's method under the peer's interpreter."""
    python = python_of("flower") if method == "flower" else Path(sys.executable)
    command = [str(python), "-m", "benchmarks.aggregation_methods", method, str(folder), str(repeats)]
    # Chooses kernels by hand where it is set; none of the methods should get others than a plain environment gives.
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def measure(shape: str, methods: list[str], repeats: int, scratch: Path | None) -> list[dict[str, Any]]:
    """All methods over one set of files, which is deleted afterwards."""
    count, parameters = map(int, shape.split("x"))
    folder = Path(tempfile.mkdtemp(prefix="edgetrain-aggregation-", dir=scratch))
    try:
        write_updates(folder, count, parameters)
        results = []
        for method in methods:
            measured = run(method, folder, repeats)
            seconds, cpu = measured.pop("seconds"), measured.pop("cpu_seconds")
            gigabytes = 4 * count * parameters / 1e9
            rates = {
                "gb_per_second_first": round(gigabytes / seconds[0], 3),
                "gb_per_second_warm": round(gigabytes / statistics.median(seconds[1:]), 3),
                "gb_per_cpu_second_warm": round(gigabytes / statistics.median(cpu[1:]), 3),
            }
            results.append({"shape": shape, **rates, **measured, "extra_mb": round(measured["extra_mb"], 1)})
        return results
    finally:
        shutil.rmtree(folder)


def ratios(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """How many times Flower's rates ours are, by shape."""
    rows = {(each["shape"], each["method"]): each for each in results}
    return [
        {
            "shape": shape,
            "method": method,
            "first": round(row["gb_per_second_first"] / rows[shape, "flower"]["gb_per_second_first"], 2),
            "warm": round(row["gb_per_second_warm"] / rows[shape, "flower"]["gb_per_second_warm"], 2),
        }
        for (shape, method), row in rows.items()
        if method.startswith("edgetrain") and (shape, "flower") in rows
    ]


def show(document: dict[str, Any]) -> None:
    """The figures as tables."""
    console = Console(width=120)
    table = Table("updates", "method", "GB/s first", "GB/s warm", "GB/CPU s", "extra MB", "largest error", "of")
    for row in document["results"]:
        error = "" if row["max_error"] is None else f"{row['max_error']:.0e}"
        rates = (f"{row[f'gb_per_{name}']:.2f}" for name in ("second_first", "second_warm", "cpu_second_warm"))
        table.add_row(row["shape"], row["method"], *rates, f"{row['extra_mb']:.1f}", error, row["of"])
    console.print(table)
    for each in document["against_flower"]:
        console.print(
            f"{each['shape']}: {each['method']} is {each['first']}x Flower on a first call, {each['warm']}x warm"
        )


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", nargs="+", default=["10x1200000", "10x50000000"], metavar="UPDATESxPARAMETERS")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--repeats", type=int, default=5, help="calls in each process, the first included (at least 2)")
    parser.add_argument("--scratch", type=Path, help="where the files go: 10x50000000 needs 2.8 GB")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    given = parser.parse_args()
    if given.repeats < 2:
        parser.error("--repeats: expected at least 2")
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})  # children inherit it
    results = []
    for shape in given.shapes:
        results += measure(shape, given.methods, given.repeats, given.scratch)
    load = os.getloadavg()[0]
    machine = {"machine": platform.machine(), "python": platform.python_version(), "cores": 1, "load": round(load, 2)}
    document = {"benchmark": "aggregation", **machine, "results": results, "against_flower": ratios(results)}
    if given.json:
        print(json.dumps(document, indent=2))
    else:
        show(document)


if __name__ == "__main__":
    main()

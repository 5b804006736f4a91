"""Importing a LEAF folder into an embedded cloud: seconds, MB/s and memory: `python -m benchmarks.data_import`.

The files are made up, in LEAF's layout and with its numbers of samples. What is measured is the command as it is typed, in a process
of its own; the training program is built before.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.writers_files import write_leaf
from edgetrain.cli.cloud import deploy_application
from edgetrain.cli.commands.demo import fresh_cloud
from edgetrain.tasks.building import load_or_build
from edgetrain.tasks.registry import get_task

STACKS: Final = ("EdgetrainFederated",)
TASK: Final = "femnist"
MODEL: Final = "small"
AIM_MB: Final = 500
#: The command line, and then the greatest resident set that this process had (Linux).
MEASURED: Final = """
import re, sys
from edgetrain.cli import main
try:
    main()
finally:
    peak = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read()).group(1)
    sys.stderr.write(f"\\npeak {peak}\\n")
"""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=100, help="size of train/*.json")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    load_or_build(get_task(TASK), MODEL)
    with tempfile.TemporaryDirectory() as scratch:
        folder, data_dir = Path(scratch) / "leaf", Path(scratch) / "cloud"
        size = write_leaf(folder, options.megabytes)
        with fresh_cloud(data_dir) as running:
            deploy_application(running.endpoint, only=STACKS)
            figures = [_import(folder, data_dir, size), _import(folder, data_dir, size)]
    report: dict[str, Any] = {
        "megabytes": round(size / 1e6, 1),
        "first": figures[0],
        "again": figures[1],
        "aim_mb": AIM_MB,
    }
    if options.json:
        print(json.dumps(report))
        return
    for name in ("first", "again"):
        each = report[name]
        print(
            f"{name}: {size / 1e6:.0f} MB in {each['seconds']} s ({each['mb_per_s']} MB/s), peak {each['peak_mb']} MB"
        )


def _import(folder: Path, data_dir: Path, size: int) -> dict[str, Any]:
    words = ("data", "import", "--task", TASK, "--model", MODEL, "--leaf", str(folder), "--data-dir", str(data_dir))
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", MEASURED, *words], capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - started
    peak = int(done.stderr.rsplit("peak ", 1)[1]) * 1024 / 1e6
    return {"seconds": round(seconds, 1), "mb_per_s": round(size / 1e6 / seconds), "peak_mb": round(peak)}


if __name__ == "__main__":
    main()

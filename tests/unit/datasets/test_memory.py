"""An import holds a few writers at a time: files many times as large need hardly more memory."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.writers_files import write_leaf

PROJECT = Path(__file__).parents[3]
#: Imports a folder into a store that keeps nothing but what is asked of it again; prints its greatest resident set in kB.
CHILD = """
import dataclasses, re, sys
from pathlib import Path
from edgetrain.client.client_data import import_clients
from edgetrain.datasets.leaf import LeafSource
from edgetrain.tasks.registry import get_task
from tests.unit.fakes.federation import memory_federation
from tests.unit.fakes.stores import MemoryStore

class Forgetful(MemoryStore):
    def put_once(self, key, body, **more):
        written = super().put_once(key, body, **more)
        if key.endswith(".safetensors"):
            self.objects[key] = [b""]
        return written

federation = dataclasses.replace(memory_federation(), data=Forgetful())
task = get_task("femnist")
index = import_clients(federation, task, LeafSource(task, Path(sys.argv[1])), test_examples=100)
print(sum(client.num_examples for client in index.clients))
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text()).group(1))
"""


def examples_and_peak(folder: Path) -> tuple[int, float]:
    """What was imported, and the child's peak in MB."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(folder)], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    examples, peak = map(int, done.stdout.split())
    return examples, peak * 1024 / 1e6


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read as Linux tells it")
def test_a_large_file_needs_little_more_memory_than_a_small_one(tmp_path: Path) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    write_leaf(small, 1)
    write_leaf(large, 60)
    few, before = examples_and_peak(small)
    many, after = examples_and_peak(large)
    assert many > 20 * few
    # 60 MB of JSON are some 300 MB as Python's numbers, and 30 MB as the objects that are stored.
    assert after - before < 48
    assert after < 200

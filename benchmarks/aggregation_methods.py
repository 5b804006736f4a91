"""One way to average the update files of a folder, measured in a process of its own (`benchmarks.aggregation` starts them).

    python -m benchmarks.aggregation_methods METHOD FOLDER REPEATS

Prints one JSON line. At import it needs NumPy alone, so that a peer's interpreter can run it. Files: safetensors with one tensor.
"""

import contextlib
import functools
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[Any]
#: The first parameters, on which every method's result is compared with a float64 average.
COMPARED = 1 << 16
#: What is read at once by the bound.
READ_BYTES = 256 * 1024


def examples_of(count: int) -> list[int]:
    return [100 + i for i in range(count)]


def data_begin(path: Path) -> int:
    """Where the tensor's bytes begin."""
    with path.open("rb") as file:
        return 8 + int.from_bytes(file.read(8), "little")


def load(path: Path) -> Float:
    return np.fromfile(path, np.float32, offset=data_begin(path))


class FileSource:
    """A file by ranges: `edgetrain.federated.weights.ByteSource`."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self.size = path.stat().st_size

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill `buffer` from byte `offset`."""
        if os.preadv(self._file.fileno(), [buffer], offset) != len(buffer):
            raise OSError(f"short read: {self._file.name}")


class Uploader:
    """Takes a tile's pieces as an upload does: hands them on, here to nobody, and keeps the first for the comparison."""

    def __init__(self) -> None:
        self.first = b""

    def write(self, piece: memoryview) -> None:
        self.first = self.first or bytes(piece[: 8 * COMPARED])

    def restart(self) -> None:
        self.first = b""


class FileSink:
    """Writes a tile's pieces to a file."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("wb", buffering=0)

    def write(self, piece: bytes | memoryview) -> None:
        self.file.write(piece)

    def restart(self) -> None:
        self.file.seek(0)


def edgetrain_tile(paths: Sequence[Path]) -> Float:
    """AggregateTile: header, names, shapes, bounds and finiteness checked, exact sum, piece by piece."""
    sink = Uploader()
    form, weight, _ = _tile(paths, sink)
    mean: Float = np.frombuffer(sink.first, "<i8") / (weight * 2.0**form.fraction_bits)
    return mean


def edgetrain_round(paths: Sequence[Path]) -> Float:
    """AggregateTile and CloseRound: the partial sum in a file, and from it and the base model the next model in another."""
    from edgetrain.federated import aggregation, weights
    from edgetrain.federated.strategies import FedAvg

    base = paths[0].with_name("base")
    with tempfile.TemporaryDirectory(dir=base.parent) as folder:
        partial, model = Path(folder, "partial"), Path(folder, "model")
        sink, out = FileSink(partial), FileSink(model)
        form, weight, specs = _tile(paths, sink)
        aggregation.close([FileSource(partial)], FileSource(base), specs, weight, form, FedAvg(), out.write)
        begin = len(weights.header_bytes(specs))
        return np.fromfile(model, np.float32, COMPARED, offset=begin)


def _tile(paths: Sequence[Path], sink: Any) -> Any:
    """Number format, total weight and tensors."""
    from edgetrain import limits
    from edgetrain.contracts import TensorSpec
    from edgetrain.federated import aggregation, number_format

    size = (paths[0].stat().st_size - data_begin(paths[0])) // 4
    specs = [TensorSpec(name="w", shape=(size,))]
    form = number_format.choose(len(paths), limits.DEFAULT_MAX_ABS_DELTA, limits.DEFAULT_MAX_EXAMPLES)
    updates = [
        aggregation.Update(path.name, n, FileSource(path))
        for path, n in zip(paths, examples_of(len(paths)), strict=True)
    ]
    summed = aggregation.sum_updates(updates, specs, form, "examples", sink)
    assert not summed.refused, summed.refused
    return form, summed.weight, specs


def flower(paths: Sequence[Path]) -> Float:
    """Flower's `aggregate`, as its FedAvg calls it: a list of arrays and numbers of examples."""
    aggregate = import_module("flwr.server.strategy.aggregate").aggregate
    averaged: Float = aggregate([([load(p)], n) for p, n in zip(paths, examples_of(len(paths)), strict=True)])[0]
    return averaged


def numpy_naive(paths: Sequence[Path]) -> Float:
    """What one writes first: all of it in float32, no checks."""
    numbers = examples_of(len(paths))
    total = sum(load(p) * np.float32(n) for p, n in zip(paths, numbers, strict=True))
    return np.asarray(total / np.float32(sum(numbers)))


def read_only(paths: Sequence[Path]) -> None:
    """The bound: every byte is read once into one small buffer, and nothing is done with it."""
    buffer = memoryview(bytearray(READ_BYTES))
    with contextlib.ExitStack() as stack:
        for path in paths:
            file = stack.enter_context(path.open("rb", buffering=0))
            while file.readinto(buffer):
                pass


METHODS: dict[str, Callable[[Sequence[Path]], Float | None]] = {
    each.__name__: each for each in (edgetrain_tile, edgetrain_round, flower, numpy_naive, read_only)
}


def memory_mb(field: str) -> float:
    """`VmRSS` or `VmHWM` of this process in MB (10^6 bytes)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0]) * 1024 / 1e6


def measure(method: str, folder: Path, repeats: int) -> dict[str, Any]:
    """Seconds of each call on the clock and of the processor, peak memory above what the process had before the first, largest error."""
    call, paths = METHODS[method], sorted(folder.glob("update-*"))
    package = {"flower": "flwr", "edgetrain_tile": "edgetrain", "edgetrain_round": "edgetrain"}.get(method, "numpy")
    # Imports count neither as time nor as memory.
    import_module(
        {"flwr": "flwr.server.strategy.aggregate", "edgetrain": "edgetrain.federated.aggregation"}.get(package, package)
    )
    read_only(paths)  # into the page cache
    before, seconds, cpu, result = memory_mb("VmRSS"), [], [], None
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    for _ in range(repeats):
        result = None
        started, used = time.perf_counter(), time.process_time()
        result = call(paths)
        cpu.append(time.process_time() - used)
        seconds.append(time.perf_counter() - started)
    extra = memory_mb("VmHWM") - before
    error = None
    if result is not None:
        compared = [np.fromfile(p, np.float32, COMPARED, offset=data_begin(p)) for p in paths]
        exact = np.average(compared, axis=0, weights=examples_of(len(paths)))
        error = float(np.abs(result[:COMPARED] - exact).max())
    return {
        "method": method,
        "seconds": seconds,
        "cpu_seconds": cpu,
        "extra_mb": extra,
        "max_error": error,
        "of": f"{package} {version(package)}",
    }


if __name__ == "__main__":
    one = functools.partial(measure, sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
    print(json.dumps(one()))

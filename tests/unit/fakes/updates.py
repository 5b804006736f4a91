"""Small models and updates, and what a round makes of them, without stores."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

import numpy as np

from edgetrain.contracts import NumberFormat, TensorSpec
from edgetrain.federated import weights
from edgetrain.federated.aggregation import TileSum, Update, close, sum_updates
from edgetrain.federated.strategies import FedAvg
from tests.unit.fakes.stores import BytesSource

Weighting = Literal["examples", "uniform"]


@dataclass
class Pieces:
    """A sink that keeps what it was given."""

    body: bytearray = field(default_factory=bytearray)
    restarts: int = 0

    def write(self, piece: bytes | memoryview) -> None:
        self.body += memoryview(piece).cast("B")

    def restart(self) -> None:
        self.body.clear()
        self.restarts += 1


@dataclass
class RecordingSource:
    """Bytes by ranges that remembers which were asked for, and fails on a range beyond its end."""

    body: bytes
    claimed_size: int | None = None
    reads: list[tuple[int, int]] = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.body) if self.claimed_size is None else self.claimed_size

    def read_into(self, offset: int, buffer: memoryview) -> None:
        self.reads.append((offset, len(buffer)))
        assert offset + len(buffer) <= len(self.body), "read beyond the end"
        buffer[:] = self.body[offset : offset + len(buffer)]


def specs_of(*sizes: int) -> tuple[TensorSpec, ...]:
    """One tensor for each size."""
    return tuple(TensorSpec(name=f"w{i}", shape=(size,)) for i, size in enumerate(sizes))


def encode(values: Sequence[float], specs: Sequence[TensorSpec], metadata: dict[str, str] | None = None) -> bytes:
    """A file that holds `values` cut into the tensors of `specs`."""
    flat, tensors, first = np.array(values, np.float32), {}, 0
    for spec in specs:
        tensors[spec.name] = flat[first : first + spec.size].reshape(spec.shape)
        first += spec.size
    return weights.encode(tensors, metadata)


def flat(body: bytes) -> np.ndarray:
    return np.concatenate([array.ravel() for array in weights.decode(body).values()])


def update(client: str, num_examples: int, values: Sequence[float], specs: Sequence[TensorSpec]) -> Update:
    return Update(client, num_examples, BytesSource(encode(values, specs)))


def tile(
    updates: Sequence[Update],
    specs: Sequence[TensorSpec],
    number_format: NumberFormat,
    weighting: Weighting = "examples",
) -> tuple[bytes, TileSum]:
    pieces = Pieces()
    summed = sum_updates(updates, specs, number_format, weighting, pieces)
    return bytes(pieces.body), summed


def add(partials: Sequence[bytes]) -> bytes:
    """What an inner node of a tree of aggregators does."""
    total = np.zeros(len(partials[0]) // 8, "<i8")
    for partial in partials:
        total += np.frombuffer(partial, "<i8")
    return total.tobytes()


def next_model(
    partials: Sequence[bytes],
    base: bytes,
    specs: Sequence[TensorSpec],
    weight: int,
    number_format: NumberFormat,
    server_learning_rate: float = 1.0,
) -> bytes:
    pieces = Pieces()
    sources = [BytesSource(partial) for partial in partials]
    strategy = FedAvg(server_learning_rate)
    close(sources, BytesSource(base), specs, weight, number_format, strategy, pieces.write)
    return bytes(pieces.body)


def exact_average(examples: Sequence[int], deltas: Sequence[Sequence[float]]) -> list[Fraction]:
    """sum_k n_k d_k / sum_k n_k, element by element, without any rounding."""
    total = sum(examples)
    return [
        sum((n * Fraction(float(d)) for n, d in zip(examples, column, strict=True)), Fraction(0)) / total
        for column in zip(*deltas, strict=True)
    ]

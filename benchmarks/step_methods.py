"""The measured side of `benchmarks.step`: each function runs in a fresh process, on one thread, and prints one JSON document."""

import gc
import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from edgetrain import keys
from edgetrain.contracts import ClientSettings, TaskSpec, TensorSpec
from edgetrain.federated import weights
from edgetrain.runtime.program import TrainingProgram
from edgetrain.tasks.base import Examples, Task
from edgetrain.tasks.silence import quiet

#: Filters, filters, units: the network of LEAF's FEMNIST, in three sizes.
SIZES: dict[str, tuple[int, int, int]] = {"118k": (16, 32, 64), "1.7M": (32, 64, 512), "6.6M": (32, 64, 2048)}
CLASSES = 62
BATCH = 20
EXAMPLES = 200
RATE = 0.05
SEED = 3
Weights = Mapping[str, np.ndarray[Any, np.dtype[np.float32]]]


class LeafShape(Task):
    """Two 5x5 convolutions with pools, two dense layers, 62 classes; noise for images, since only time is measured."""

    name: ClassVar[str] = "leaf-shape"
    title: ClassVar[str] = "LEAF's convolutional network, 28x28"
    x: ClassVar[TensorSpec] = TensorSpec(name="x", shape=(28, 28, 1))
    labels: ClassVar[tuple[str, ...]] = tuple(map(str, range(CLASSES)))
    client: ClassVar[ClientSettings] = ClientSettings(epochs=1, batch_size=BATCH, learning_rate=RATE)
    preprocessing: ClassVar[Mapping[str, Any]] = {}
    program_batch: ClassVar[int] = BATCH

    def models(self) -> Mapping[str, Callable[[], Any]]:
        """One for each of `SIZES`."""
        return {name: partial(self._network, *size) for name, size in SIZES.items()}

    def load(self) -> Examples:
        """The same noise every time."""
        rng = np.random.default_rng(SEED)
        x = rng.random((EXAMPLES, 28, 28, 1), np.float32)
        y = rng.integers(0, CLASSES, EXAMPLES).astype(np.int32)
        return Examples(x, y, x[:BATCH], y[:BATCH])

    def _network(self, first: int, second: int, units: int) -> Any:
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input(self.x.shape),
                layers.Conv2D(first, 5, padding="same", activation="relu", name="conv1"),
                layers.MaxPooling2D(name="pool1"),
                layers.Conv2D(second, 5, padding="same", activation="relu", name="conv2"),
                layers.MaxPooling2D(name="pool2"),
                layers.Flatten(name="flatten"),
                layers.Dense(units, activation="relu", name="dense"),
                layers.Dense(CLASSES, name="logits"),
            ]
        )


class Client(Protocol):
    """What is measured."""

    def train(self, base: Weights, x: Any, y: Any) -> Weights:
        """Weights in, one pass over the examples in batches, weights out."""
        ...


class ProgramClient:
    """Our training program under LiteRT."""

    def __init__(self, folder: Path) -> None:
        spec = TaskSpec.model_validate_json((folder / keys.SPEC_FILE).read_text())
        self._program = TrainingProgram((folder / keys.PROGRAM_FILE).read_bytes(), spec)

    def train(self, base: Weights, x: Any, y: Any) -> Weights:
        """See `Client`."""
        settings = LeafShape.client
        return self._program.train(base, x, {"y": y}, settings, np.random.default_rng(SEED), deadline=None).weights


class TensorFlowClient:
    """The same model and step as a `tf.function`, which TensorFlow traces once and then keeps."""

    def __init__(self, size: str) -> None:
        with quiet():
            import tensorflow as tf

            tf.config.threading.set_intra_op_parallelism_threads(1)
            tf.config.threading.set_inter_op_parallelism_threads(1)
            self._model = LeafShape().models()[size]()

        def step(x: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, self._model(x, training=True)))
            variables = [variable.value for variable in self._model.trainable_variables]
            for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
                variable.assign_sub(RATE * gradient)
            return loss

        self._step = tf.function(step)

    def train(self, base: Weights, x: Any, y: Any) -> Weights:
        """See `Client`."""
        variables = self._model.trainable_variables
        for variable, array in zip(variables, base.values(), strict=True):
            variable.value.assign(array)
        order = np.random.default_rng(SEED).permutation(len(x))
        for begin in range(0, len(x), BATCH):
            rows = order[begin : begin + BATCH]
            float(self._step(x[rows], y[rows]))
        return {name: variable.numpy() for name, variable in zip(base, variables, strict=True)}


def compare(size: str, folder: Path, rounds: int) -> dict[str, Any]:
    """Both clients in one process, in turns; each round trains on all examples."""
    data = LeafShape().load()
    base = weights.decode((folder / keys.WEIGHTS_FILE).read_bytes())
    clients: dict[str, Client] = {"tensorflow": TensorFlowClient(size), "program": ProgramClient(folder)}
    trained = {
        name: client.train(base, data.x, data.y) for name, client in clients.items()
    }  # not measured: traces, allocates
    apart = max(float(np.abs(trained["program"][name] - trained["tensorflow"][name]).max()) for name in base)
    seconds: dict[str, list[float]] = {name: [] for name in clients}
    cpu: dict[str, list[float]] = {name: [] for name in clients}
    gc.disable()
    for number in range(rounds):
        for name in sorted(clients, reverse=bool(number % 2)):
            started, used = time.perf_counter(), time.process_time()
            clients[name].train(base, data.x, data.y)
            seconds[name].append(time.perf_counter() - started)
            cpu[name].append(time.process_time() - used)
    return {"seconds": seconds, "cpu_seconds": cpu, "weights_apart": apart}


def first_step(kind: str, size: str, folder: Path) -> dict[str, Any]:
    """From this process's start to the end of its first step on one batch."""
    data = LeafShape().load()
    base = weights.decode((folder / keys.WEIGHTS_FILE).read_bytes())
    client: Client = TensorFlowClient(size) if kind == "tensorflow" else ProgramClient(folder)
    client.train(base, data.x[:BATCH], data.y[:BATCH])
    seconds = time.clock_gettime(time.CLOCK_BOOTTIME) - started_at()
    return {"seconds": seconds, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def started_at() -> float:
    """When this process began, in seconds since boot (Linux counts them in hundredths)."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    return int(fields[19]) / 100


def build(size: str, folder: Path) -> dict[str, Any]:
    """Write the program, its weights and its task.json into `folder`."""
    from edgetrain.tasks.building import build_program

    built = build_program(LeafShape(), size)
    for name, body in built.files.items():
        (folder / name).write_bytes(body)
    return {"parameters": built.spec.parameters, "program_bytes": len(built.files[keys.PROGRAM_FILE])}


def main() -> None:
    """Run what the parent asks for."""
    what, size, folder, *more = sys.argv[1:]
    if what == "build":
        result = build(size, Path(folder))
    elif what == "compare":
        result = compare(size, Path(folder), int(more[0]))
    else:
        result = first_step(more[0], size, Path(folder))
    print(json.dumps(result))


if __name__ == "__main__":
    main()

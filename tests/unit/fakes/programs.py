"""A training program in NumPy: softmax regression, with faults to order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgetrain.contracts import ClientSettings, TaskSpec, TensorSpec
from edgetrain.rounds.stores import RoundStores
from edgetrain.runtime.program import Outcome

SPEC = TaskSpec(
    task="toy",
    title="Toy",
    model="softmax regression",
    program_batch=4,
    x=TensorSpec(name="x", shape=(3,)),
    y=(TensorSpec(name="label", shape=(), dtype="int32"),),
    weights=(TensorSpec(name="kernel", shape=(3, 2)), TensorSpec(name="bias", shape=(2,))),
    labels=("no", "yes"),
    loss="softmax_cross_entropy",
    metrics=("accuracy",),
    client=ClientSettings(epochs=2, batch_size=4, learning_rate=0.5),
)


@dataclass
class ToyProgram:
    """Full-batch steps, one for each epoch. `fault` is called before each training with the number of calls so far."""

    spec: TaskSpec = SPEC
    classes: int = 2
    fault: Callable[[int], None] | None = None
    noise: float = 0.0
    calls: int = 0

    def train(
        self,
        base: Mapping[str, np.ndarray],
        x: np.ndarray,
        y: Mapping[str, np.ndarray],
        settings: ClientSettings,
        rng: np.random.Generator,
        *,
        deadline: float,
    ) -> Outcome:
        self.calls += 1
        if self.fault is not None:
            self.fault(self.calls - 1)
        weights = {name: value.copy() for name, value in base.items()}
        target, loss = np.eye(2, dtype=np.float32)[y["label"]], 0.0
        for _ in range(settings.epochs):
            p = self._softmax(self.infer(weights, x))
            loss = float(-np.mean(np.log(p[np.arange(len(x)), y["label"]])))
            gradient = (p - target) / len(x)
            weights["kernel"] -= np.float32(settings.learning_rate) * (x.T @ gradient)
            weights["bias"] -= np.float32(settings.learning_rate) * gradient.sum(0)
        weights["bias"] += np.float32(self.noise)
        return Outcome(weights, loss, settings.epochs, stopped=False)

    def infer(self, weights: Mapping[str, np.ndarray], x: np.ndarray) -> np.ndarray:
        return x @ weights["kernel"] + weights["bias"]

    @staticmethod
    def _softmax(logits: np.ndarray) -> np.ndarray:
        e = np.exp(logits - logits.max(1, keepdims=True))
        return (e / e.sum(1, keepdims=True)).astype(np.float32)


@dataclass
class ToyPrograms:
    """As `Programs`: hands out the one program, and remembers what was asked for."""

    program: ToyProgram = field(default_factory=ToyProgram)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def get(self, stores: RoundStores, task: str, program_id: str) -> Any:
        self.asked.append((task, program_id))
        return self.program

"""A training program in this process: trains on a client's examples, and infers."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edgetrain.contracts import ClientSettings, TaskSpec
from edgetrain.errors import DataInvalid, ProgramInvalid, TrainingFailed
from edgetrain.runtime import signatures
from edgetrain.runtime.steps import Rows, add_proximal, batches, clip

Float32 = npt.NDArray[np.float32]
Array = npt.NDArray[Any]
#: Two clients in two processes are faster than one client with two threads.
THREADS: Final = 1


@dataclass(frozen=True)
class Outcome:
    """What training gave.

    `loss` is the mean over all examples of all steps of the loss they had when their step began, or None where there was no step;
    `stopped` says that the deadline came first, between two batches.
    """

    weights: dict[str, Float32]
    loss: float | None
    steps: int
    stopped: bool


class TrainingProgram:
    """A program with its `task.json`. Not for two threads at once."""

    def __init__(self, program: bytes, spec: TaskSpec) -> None:
        """Load `program`, a .tflite file.

        Raises:
            ProgramInvalid: it is none, or its signatures do not fit `spec`.
        """
        self.spec = spec
        self._bytes = program  # LiteRT reads the buffer where it lies
        self._interpreter = _load(program)
        self._infer_batch, self.classes = _check(self._interpreter, spec)
        details = _details(self._interpreter, signatures.GRADIENTS)
        self._interpreter.allocate_tensors()
        self._learning_rate = details[signatures.LEARNING_RATE]["index"]
        #: Functions that give a view of a tensor where it lies in LiteRT's memory. No view may outlive a statement: LiteRT
        #: refuses to run while there is one.
        self._view: dict[str, Callable[[], Array]] = {
            name: self._interpreter.tensor(detail["index"]) for name, detail in details.items()
        }
        self._pairs = [
            (self._view[signatures.weight(i)], self._view[signatures.gradient(i)]) for i in range(len(spec.weights))
        ]

    def train(
        self,
        base: Mapping[str, Float32],
        x: Float32,
        y: Mapping[str, Array],
        settings: ClientSettings,
        rng: np.random.Generator,
        *,
        deadline: float | None,
        clock: Callable[[], float] = time.time,
    ) -> Outcome:
        """SGD from `base` over batches that `rng` shuffles, as `settings` says (`edgetrain.runtime.steps` has the equations).

        `x` is [examples, ...] and each of `y` too, as `spec` says. A batch smaller than the program's is masked; of a larger one the
        gradients of its parts are added before the step is taken. The loss that is told is the client's own, without FedProx's
        term. `deadline` is in seconds of `clock`.

        Raises:
            DataInvalid: the examples or `base` are not what `spec` says.
            TrainingFailed: the loss stopped being a number.
        """
        y = self._checked(x, y)
        origin = self._checked_weights(base)
        self._set_weights(origin)
        total, examples, steps, stopped = 0.0, 0, 0, False
        for batch in batches(len(x), settings, rng):
            if deadline is not None and clock() >= deadline:
                stopped = True
                break
            loss = self._step(x, y, batch, settings, origin)
            steps += 1
            if not math.isfinite(loss):
                raise TrainingFailed(f"the loss became {loss} in step {steps}: expected a number")
            total, examples = total + loss * len(batch), examples + len(batch)
        weights = {
            tensor.name: weight().copy() for tensor, (weight, _) in zip(self.spec.weights, self._pairs, strict=True)
        }
        return Outcome(weights, total / examples if examples else None, steps, stopped)

    def infer(self, weights: Mapping[str, Float32], x: Float32) -> Float32:
        """Logits [examples, classes] of x [examples, ...].

        Raises:
            DataInvalid: x or the weights are not what `spec` says.
        """
        self._check_x(x)
        arrays = {signatures.weight(i): array for i, array in enumerate(self._checked_weights(weights))}
        runner = self._interpreter.get_signature_runner(signatures.INFER)
        logits = np.empty((len(x), self.classes), np.float32)
        batch = np.zeros((self._infer_batch, *self.spec.x.shape), np.float32)
        for begin in range(0, len(x), len(batch)):
            part = x[begin : begin + len(batch)]
            batch[: len(part)] = part
            found = runner(**{signatures.X: batch}, **arrays)[signatures.LOGITS]
            logits[begin : begin + len(part)] = found[: len(part)]
        return logits

    # --- one step -------------------------------------------------------------------------------------------

    def _step(
        self, x: Float32, y: Mapping[str, Array], batch: Rows, settings: ClientSettings, origin: Sequence[Float32]
    ) -> float:
        """Step: w -= learning_rate * gradient of the batch's mean loss, in LiteRT's own memory. Returns that loss."""
        learning_rate = settings.learning_rate
        parts = [batch[i : i + self.spec.program_batch] for i in range(0, len(batch), self.spec.program_batch)]
        if len(parts) == 1 and not settings.proximal_mu and settings.clip_norm is None:
            loss = self._gradients(x, y, batch, learning_rate)
            for weight, gradient in self._pairs:
                w = weight()
                np.subtract(w, gradient(), out=w)
                del w
            return loss
        loss = 0.0
        sums = [np.zeros(tensor.shape, np.float32) for tensor in self.spec.weights]
        for part in parts:
            share = len(part) / len(batch)
            loss += share * self._gradients(x, y, part, learning_rate * share)
            for total, (_, gradient) in zip(sums, self._pairs, strict=True):
                total += gradient()
        if settings.proximal_mu:
            for total, (weight, _), began in zip(sums, self._pairs, origin, strict=True):
                add_proximal(total, weight(), began, learning_rate * settings.proximal_mu)
        if settings.clip_norm is not None:
            clip(sums, learning_rate * settings.clip_norm)
        for total, (weight, _) in zip(sums, self._pairs, strict=True):
            w = weight()
            np.subtract(w, total, out=w)
            del w
        return loss

    def _gradients(self, x: Float32, y: Mapping[str, Array], rows: Rows, learning_rate: float) -> float:
        """Run the program on these rows; the gradients stay in its outputs. Returns the mean loss."""
        self._fill(signatures.X, x[rows])
        for name, values in y.items():
            self._fill(name, values[rows])
        self._fill(signatures.MASK, np.ones(len(rows), np.float32))
        self._interpreter.set_tensor(self._learning_rate, np.float32(learning_rate))
        self._interpreter.invoke()
        return float(self._view[signatures.LOSS]())

    def _fill(self, name: str, rows: Array) -> None:
        """Rows of an argument, and zeros behind them: a NaN of an earlier batch would get through the mask."""
        view = self._view[name]()
        view[: len(rows)] = rows
        view[len(rows) :] = 0

    # --- checks -----------------------------------------------------------------------------------------------

    def _set_weights(self, weights: Sequence[Float32]) -> None:
        for (weight, _), array in zip(self._pairs, weights, strict=True):
            weight()[...] = array

    def _checked_weights(self, weights: Mapping[str, Float32]) -> list[Float32]:
        """The weights in the program's order."""
        names = [tensor.name for tensor in self.spec.weights]
        if weights.keys() != set(names):
            raise DataInvalid(f"the weights are {sorted(weights)[:20]}: expected {names[:20]}")
        for tensor in self.spec.weights:
            _check_array(f"weight {tensor.name}", weights[tensor.name], tensor.shape, np.dtype(np.float32))
        return [np.ascontiguousarray(weights[name]) for name in names]

    def _check_x(self, x: Float32) -> None:
        if not len(x.shape):
            raise DataInvalid("x is a number: expected an array of examples")
        _check_array("x", x, (len(x), *self.spec.x.shape), np.dtype(self.spec.x.dtype))

    def _checked(self, x: Float32, y: Mapping[str, Array]) -> dict[str, Array]:
        """`y` in the program's order and dtype (labels are whole numbers on disk, and float32 in a program)."""
        self._check_x(x)
        names = [tensor.name for tensor in self.spec.y]
        if not len(x) or y.keys() != set(names):
            raise DataInvalid(f"{len(x)} examples with {sorted(y)}: expected at least one, with {names}")
        for tensor in self.spec.y:
            labels = y[tensor.name]
            _check_array(tensor.name, labels, (len(x), *tensor.shape), None)
            check_labels(tensor.name, labels, self.classes)
        return {tensor.name: y[tensor.name].astype(tensor.dtype) for tensor in self.spec.y}


def check_labels(name: str, labels: Array, classes: int) -> None:
    """Labels are whole numbers from 0 on.

    Raises:
        DataInvalid: one is not; the program would take it for no class at all.
    """
    wrong = labels[~((labels >= 0) & (labels < classes) & (labels == np.rint(labels)))]
    if wrong.size:
        raise DataInvalid(f"{name} holds {wrong.flat[0]}: expected whole numbers from 0 to {classes - 1}")


def _load(program: bytes) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    try:
        return Interpreter(model_content=program, num_threads=THREADS)
    except (ValueError, RuntimeError) as error:
        raise ProgramInvalid(f"{len(program)} bytes are no program that LiteRT can load: {error}") from error


def _details(interpreter: Any, signature: str) -> dict[str, Mapping[str, Any]]:
    """Arguments and results of a signature by name. (A runner that lives on keeps LiteRT from running in place.)"""
    runner = interpreter.get_signature_runner(signature)
    return {**runner.get_input_details(), **runner.get_output_details()}


def _check(interpreter: Any, spec: TaskSpec) -> tuple[int, int]:
    """The signatures fit `spec`. Returns `infer`'s batch and the number of classes."""
    present = sorted(interpreter.get_signature_list())
    wanted = [signatures.GRADIENTS, signatures.INFER, signatures.TRAIN]
    if present != wanted:
        raise ProgramInvalid(f"the program has the signatures {present}: expected {wanted}")
    for name in (signatures.GRADIENTS, signatures.TRAIN):
        runner = interpreter.get_signature_runner(name)
        signatures.check_tensors(f"arguments of {name}", runner.get_input_details(), signatures.step_inputs(spec))
        signatures.check_tensors(f"results of {name}", runner.get_output_details(), signatures.step_outputs(spec, name))
    runner = interpreter.get_signature_runner(signatures.INFER)
    inputs, outputs = runner.get_input_details(), runner.get_output_details()
    batch = _extent(inputs.get(signatures.X), 0)
    signatures.check_tensors("arguments of infer", inputs, signatures.infer_inputs(spec, batch))
    classes = _extent(outputs.get(signatures.LOGITS), -1)
    if spec.labels and classes != len(spec.labels):
        raise ProgramInvalid(f"the program tells {classes} classes apart, task.json names {len(spec.labels)}")
    return batch, classes


def _extent(detail: Mapping[str, Any] | None, axis: int) -> int:
    """Extent of a tensor along `axis`; 0 where there is none, which fits nothing."""
    return int(detail["shape"][axis]) if detail is not None and len(detail["shape"]) else 0


def _check_array(what: str, array: Array, shape: Sequence[int], dtype: np.dtype[Any] | None) -> None:
    if array.shape != tuple(shape) or (dtype is not None and array.dtype != dtype):
        raise DataInvalid(f"{what} is {array.dtype} {list(array.shape)}: expected {dtype or 'any'} {list(shape)}")

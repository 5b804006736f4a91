"""How good a model is on examples that it was not trained on."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from edgetrain.errors import DataInvalid, ModelDiverged
from edgetrain.runtime.program import TrainingProgram, check_labels


def evaluate(
    program: TrainingProgram,
    weights: Mapping[str, npt.NDArray[np.float32]],
    x: npt.NDArray[np.float32],
    y: Mapping[str, npt.NDArray[Any]],
) -> dict[str, float]:
    """`loss` (mean softmax cross-entropy, in nats) and `accuracy` (share of examples whose largest logit is their label's).

    Raises:
        DataInvalid: there is no example, or examples or weights are not what `program.spec` says.
        ModelDiverged: a logit is not a number.
    """
    (name,) = (tensor.name for tensor in program.spec.y)
    labels = y.get(name)
    if labels is None or labels.shape != (len(x),) or not len(x):
        raise DataInvalid(f"{len(x)} examples: expected at least one, each with a label in {name}")
    check_labels(name, labels, program.classes)
    logits = program.infer(weights, x)
    metrics = {"loss": cross_entropy(logits, labels), "accuracy": float(np.mean(logits.argmax(1) == labels))}
    if not math.isfinite(metrics["loss"]):
        raise ModelDiverged(f"the loss over {len(x)} examples is {metrics['loss']}: a smaller learning rate may help")
    return metrics


def cross_entropy(logits: npt.NDArray[np.float32], labels: npt.NDArray[Any]) -> float:
    """Mean over examples of -log softmax(logits)[label]; logits [examples, classes], labels [examples]; summed in float64."""
    z = logits.astype(np.float64)
    z -= z.max(1, keepdims=True)
    chosen = z[np.arange(len(z)), labels.astype(np.int64)]
    return float(np.mean(np.log(np.exp(z).sum(1)) - chosen))

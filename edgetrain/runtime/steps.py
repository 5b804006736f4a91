"""A client's batches, and what is done to a step before it is taken.

A program gives s = lr * grad F_k(w): the gradient of the client's loss on the batch, times the learning rate.

FedProx (Li, Sahu, Zaheer, Sanjabi, Talwalkar, Smith: "Federated Optimization in Heterogeneous Networks", MLSys 2020, equation 2) lets a
client minimise h_k(w) = F_k(w) + mu/2 |w - g|^2 with g the global model of the round. The proximal term is added around the
training program, not inside it, so every program has it:

    w <- w - lr (grad F_k(w) + mu (w - g))                    (`add_proximal`)

Clipping by global norm (Pascanu, Mikolov, Bengio: "On the difficulty of training recurrent neural networks", ICML 2013) looks at the
whole of that gradient, all tensors as one vector: where its norm is above C, it is scaled down to C          (`clip`).

FedSGD (McMahan et al. 2017, B = infinity and E = 1) is one batch with all examples                           (`batches`).
"""

from collections.abc import Iterator, Sequence
from itertools import count, islice

import numpy as np
import numpy.typing as npt

from edgetrain.contracts import ClientSettings
from edgetrain.federated.bounds import norm_of

Float32 = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


def batches(examples: int, settings: ClientSettings, rng: np.random.Generator) -> Iterator[Rows]:
    """Row numbers of each batch, shuffled anew in each pass; the last batch of a pass may be smaller.

    `settings.epochs` passes; or as many as it takes to make `settings.steps` batches; or with `full_batch` one batch of all rows.
    """
    if settings.full_batch:
        return iter([np.arange(examples)])
    if settings.steps is not None:
        return islice((each for _ in count() for each in _one_pass(examples, settings, rng)), settings.steps)
    return (each for _ in range(settings.epochs) for each in _one_pass(examples, settings, rng))


def _one_pass(examples: int, settings: ClientSettings, rng: np.random.Generator) -> Iterator[Rows]:
    order = rng.permutation(examples)
    for begin in range(0, examples, settings.batch_size):
        yield order[begin : begin + settings.batch_size]


def add_proximal(step: Float32, w: Float32, origin: Float32, pull: float) -> None:
    """Add pull (w - origin) to `step`, with pull = lr mu."""
    away = w - origin
    away *= np.float32(pull)
    step += away


def clip(steps: Sequence[Float32], longest: float) -> None:
    """Scale all of them alike where their common norm is above `longest` = lr C. What is no number stays none."""
    norm = norm_of(steps)
    if norm > longest:
        for step in steps:
            step *= np.float32(longest / norm)

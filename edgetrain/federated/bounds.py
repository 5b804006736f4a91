"""What an update may hold: finite numbers in a range, and a norm that is not too large. Nothing is ever clipped."""

from collections.abc import Iterable
from math import sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from edgetrain.errors import UpdateNormExceeded, UpdateNotFinite, UpdateOutOfBounds

#: Parameters worked on at once: enough to outweigh the calls, and their float64 block stays in a core's second-level cache.
BLOCK: Final = 1 << 16

Float32 = npt.NDArray[np.float32]


def check_values(name: str, part: Float32, bound: float, *, client: str = "") -> None:
    """Every element of `part` is finite and in [-bound, bound].

    Raises:
        UpdateNotFinite, UpdateOutOfBounds: the sentence says `name`.
    """
    if within(part, bound):
        return
    if not np.isfinite(part).all():
        raise UpdateNotFinite(f"{name} holds NaN or an infinity", client=client)
    furthest = part.flat[np.abs(part).argmax()]
    raise UpdateOutOfBounds(f"{name} holds {furthest!s}: expected |delta| <= {bound}", client=client)


def check_norm(norm: float, bound: float | None, *, client: str = "") -> None:
    """`norm` is at most `bound`; without a bound it may be what it is.

    Raises:
        UpdateNormExceeded: it is above it.
    """
    if bound is not None and not norm <= bound:
        raise UpdateNormExceeded(f"the update's norm is {norm:.6g}: expected at most {bound:.6g}", client=client)


def norm_of(parts: Iterable[Float32]) -> float:
    """The Euclidean norm of all parts together, which come in the model's order; only a tensor's last part may be no multiple of `BLOCK`.

    Squares are exact in float64. They are added block by block, by NumPy's own sum and not by BLAS, whose order is the processor's.
    """
    total = 0.0
    for part in parts:
        numbers = part.reshape(-1)
        for start in range(0, len(numbers), BLOCK):
            block = numbers[start : start + BLOCK].astype(np.float64)
            block *= block
            total += float(block.sum())
    return sqrt(total)


def within(part: Float32, bound: float) -> bool:
    """Every element in [-bound, bound]. NaN is in no interval: it passes through min and max and fails both."""
    return part.size == 0 or bool(part.max() <= bound and part.min() >= -bound)

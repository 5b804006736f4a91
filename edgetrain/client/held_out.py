"""A fair share of examples that do not fit in memory all at once."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]


class HeldOutSample:
    """At most `most` of all the examples that are added, each with the same chance.

    Every example draws a number from the seed and its client's name; the smallest numbers stay (bottom-k sampling). So
    the sample is the same in whatever order the clients come, and at most twice `most` are in memory.
    """

    def __init__(self, most: int, seed: int) -> None:
        self._most, self._seed = most, seed
        self._kept: list[tuple[npt.NDArray[np.float64], FloatArray, IntArray]] = []
        self._count = 0

    def add(self, client: str, x: FloatArray, y: IntArray) -> None:
        """One client's examples: `x` float32 [n, ...], `y` int32 [n]."""
        rng = np.random.default_rng([self._seed, int.from_bytes(client.encode())])
        self._kept.append((rng.random(len(y)), x, y))
        self._count += len(y)
        if self._count > 2 * self._most:
            self._shrink()

    def arrays(self) -> tuple[FloatArray, IntArray]:
        """The sample, in the order of its numbers: no client's examples lie together."""
        self._shrink()
        if not self._kept:
            raise ValueError("no example was added")
        _, x, y = self._kept[0]
        return x, y

    def _shrink(self) -> None:
        if not self._kept:
            return
        draws, x, y = (np.concatenate(parts) for parts in zip(*self._kept, strict=True))
        chosen = np.argsort(draws, kind="stable")[: self._most]
        self._kept, self._count = [(draws[chosen], x[chosen], y[chosen])], len(chosen)

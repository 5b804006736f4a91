"""How a data set is spread over clients."""

import numpy as np
import numpy.typing as npt

#: A client with one example has nothing to shuffle.
FEWEST_EXAMPLES = 2


def dirichlet(labels: npt.NDArray[np.integer], clients: int, alpha: float, seed: int) -> list[npt.NDArray[np.int64]]:
    """Indices of each client's examples: per label, the clients' shares are drawn from Dirichlet(alpha).

    Hsu, Qi, Brown: "Measuring the Effects of Non-Identical Data Distribution for Federated Visual Classification"
    (2019). Small alpha: each client knows few labels. Clients that end with fewer than two examples are given some from the
    largest client, so every split of at least `2 * clients` examples succeeds.

    Raises:
        ValueError: there are too few examples for so many clients, or alpha is not positive.
    """
    if clients < 1 or len(labels) < FEWEST_EXAMPLES * clients:
        raise ValueError(
            f"clients is {clients}: expected 1 to {len(labels) // FEWEST_EXAMPLES} ({len(labels)} examples, at least "
            f"{FEWEST_EXAMPLES} each)"
        )
    if not 0 < alpha < float("inf"):
        raise ValueError(f"alpha is {alpha}: expected a positive number")
    rng = np.random.default_rng(seed)
    parts: list[list[int]] = [[] for _ in range(clients)]
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        cuts = np.rint(np.cumsum(rng.dirichlet(np.full(clients, alpha)))[:-1] * len(members)).astype(int)
        for part, piece in zip(parts, np.split(members, cuts), strict=True):
            part.extend(piece.tolist())
    for part in parts:
        while len(part) < FEWEST_EXAMPLES:
            part.append(max(parts, key=len).pop())
    return [np.sort(np.asarray(part, np.int64)) for part in parts]

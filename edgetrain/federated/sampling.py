"""Who trains in a round, in which batches; which updates make a tile."""

import hashlib
from collections.abc import Sequence

from edgetrain.contracts import ClientBatch, ClientData, Tile


def select(clients: Sequence[ClientData], count: int, seed: int, round_number: int) -> tuple[ClientData, ...]:
    """A uniform sample of `count` clients without replacement, in order of their ids.

    Each client draws the SHA-256 of "seed/round/client"; the smallest draws are selected. So the sample depends on
    neither the order of `clients` nor a random number generator's version, and anybody can recompute it.

    Raises:
        ValueError: there are fewer than `count` clients.
    """
    if count > len(clients):
        raise ValueError(f"{count} of {len(clients)} clients cannot be selected")

    def draw(client: ClientData) -> tuple[bytes, str]:
        return hashlib.sha256(f"{seed}/{round_number}/{client.client}".encode()).digest(), client.client

    return tuple(sorted(sorted(clients, key=draw)[:count], key=lambda client: client.client))


def batch(clients: Sequence[ClientData], batches: int) -> tuple[ClientBatch, ...]:
    """At most `batches` batches of about equal numbers of examples, largest client first to the lightest batch.

    (Graham 1969, "Bounds on multiprocessing timing anomalies": the longest batch is at most 4/3 of the best one.)
    """
    loads = [0] * min(batches, len(clients))
    members: list[list[str]] = [[] for _ in loads]
    for client in sorted(clients, key=lambda client: (-client.num_examples, client.client)):
        lightest = loads.index(min(loads))
        loads[lightest] += client.num_examples
        members[lightest].append(client.client)
    return tuple(ClientBatch(index=index, clients=tuple(batch)) for index, batch in enumerate(members))


def tiles(updates: int, updates_per_tile: int) -> tuple[Tile, ...]:
    """Updates 0..`updates` in runs of at most `updates_per_tile`."""
    starts = range(0, updates, updates_per_tile)
    return tuple(
        Tile(index=index, start=start, stop=min(start + updates_per_tile, updates))
        for index, start in enumerate(starts)
    )

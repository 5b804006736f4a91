"""Generated writers, for those who have no LEAF folder: nobody wrote these letters, and every name says so."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib import metadata
from typing import Any, ClassVar, Final

import numpy as np

from edgetrain.datasets.client_files import HoldOut
from edgetrain.datasets.glyphs import alphabets, versions
from edgetrain.datasets.hands import SIDE, draw_hand, write
from edgetrain.datasets.sources import ClientPart, ClientSource, checked_examples
from edgetrain.errors import UsageError
from edgetrain.tasks.base import Task
from edgetrain.tasks.femnist import Femnist

#: Another number, other writers: raised whenever what is drawn changes.
VERSION: Final = 1
MOST_WRITERS: Final = 10_000
#: What draws; another version may draw a pixel otherwise.
DRAWN_BY: Final = ("numpy", "pillow")


class GeneratedWriters(ClientSource):
    """So many writers by a seed. A writer depends on the seed and its own number, not on how many there are."""

    kind: ClassVar[str] = "generated"

    def __init__(self, task: Task, writers: int, seed: int, hold_out: HoldOut) -> None:
        if task.x.shape != (SIDE, SIDE, 1) or task.labels != Femnist.labels:
            raise UsageError(f"task {task.name}: writers are generated for femnist's images and labels only")
        if not 1 <= writers <= MOST_WRITERS:
            raise UsageError(f"writers to generate: {writers}: expected 1 to {MOST_WRITERS:,}")
        self._task, self._writers, self._seed, self._hold_out = task, writers, seed, hold_out
        self._alphabets = alphabets()

    def description(self) -> Mapping[str, Any]:
        """Seed, number, and the versions of all that draws."""
        return {
            "kind": self.kind,
            "generator": VERSION,
            "writers": self._writers,
            "seed": self._seed,
            "hold_out": asdict(self._hold_out),
            "drawn_by": {**versions(), **{name: metadata.version(name) for name in DRAWN_BY}},
        }

    def __len__(self) -> int:
        """A part to train on and a held-out one for each writer."""
        return 2 * self._writers if self._hold_out.share else self._writers

    def __iter__(self) -> Iterator[ClientPart]:
        """Writer after writer."""
        for number in range(self._writers):
            client = f"generated-{number:05d}"
            x, y = self.writer(number)
            values, labels = checked_examples(self._task, client, x, y)
            held_out = self._hold_out.rows(client, len(y))
            yield ClientPart(client, False, values[~held_out], labels[~held_out])
            if held_out.any():
                yield ClientPart(client, True, values[held_out], labels[held_out])

    def writer(self, number: int) -> tuple[Any, Any]:
        """All images [n, 28, 28] and labels [n] of one writer."""
        rng = np.random.default_rng([self._seed, number])
        hand = draw_hand(rng, len(self._alphabets))
        labels = rng.choice(len(self._task.labels), hand.samples, p=hand.shares)
        return write(hand, labels, self._task.labels, self._alphabets, rng), labels

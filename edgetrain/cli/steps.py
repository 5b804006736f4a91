"""Numbered steps of something that takes a while."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from edgetrain.cli import console

INDENT = " " * 6
Say = Callable[[str], None]


class Steps:
    """Tells on standard error which of `total` steps is being taken, and how long it took."""

    def __init__(self, total: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._total, self._clock = total, clock
        self._number = 0

    @contextmanager
    def step(self, title: str, *, draws: bool = False) -> Iterator[Say]:
        """The next step; what it gives says something below its title. One that `draws` has the terminal to itself."""
        self._number += 1
        where, began = console.stderr(), self._clock()
        where.print(f"[{self._number}/{self._total}] {title}", style="bold", soft_wrap=True)
        with where.status(f"{title} ...") if where.is_interactive and not draws else nullcontext():
            yield lambda text: where.print(f"{INDENT}{text}", soft_wrap=True)
        where.print(f"{INDENT}{self._clock() - began:.1f} s", style="dim")

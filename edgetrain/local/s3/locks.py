"""Who may change a key, and when: one writer at a time, so that a condition and the write behind it are one step."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

STRIPES: Final = 256


class KeyLocks:
    """A lock for every key, of which some are shared. A body is read before the lock is taken."""

    def __init__(self) -> None:
        self._locks = [threading.RLock() for _ in range(STRIPES)]

    @contextmanager
    def key(self, bucket: str, key: str) -> Iterator[None]:
        """Nobody else changes this key meanwhile."""
        with self._locks[hash((bucket, key)) % STRIPES]:
            yield

    @contextmanager
    def all(self) -> Iterator[None]:
        """Nobody else changes any key meanwhile."""
        with ExitStack() as stack:
            for lock in self._locks:  # always in this order
                stack.enter_context(lock)
            yield

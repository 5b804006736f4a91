"""What CloudFront keeps of its origins' answers: by distribution and path, for as long as their headers say."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from edgetrain.local.s3.policy import matches

#: What is kept in all, in bytes of bodies; what was asked for longest ago goes first.
CAPACITY: Final = 192 * 1024 * 1024

Clock = Callable[[], float]


@dataclass(frozen=True)
class Kept:
    """An origin's whole answer, as it was when it was stored."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    stored_at: float
    until: float


class Cache:
    """Answers by (distribution's id, path)."""

    def __init__(self, *, clock: Clock = time.monotonic, capacity: int = CAPACITY) -> None:
        self._clock, self._capacity = clock, capacity
        self._kept: OrderedDict[tuple[str, str], Kept] = OrderedDict()
        self._bytes = 0
        #: Grows with every invalidation: an answer that was asked for before one is not kept after it.
        self._era = 0
        self._lock = threading.Lock()

    @property
    def era(self) -> int:
        """To be read before an origin is asked, and given to `keep`."""
        return self._era

    def find(self, distribution: str, path: str) -> Kept | None:
        """What is kept and still fresh, or None."""
        with self._lock:
            found = self._kept.get((distribution, path))
            if found is None:
                return None
            if self._clock() >= found.until:
                self._drop((distribution, path))
                return None
            self._kept.move_to_end((distribution, path))
            return found

    def age(self, kept: Kept) -> int:
        """Whole seconds since it was stored."""
        return int(self._clock() - kept.stored_at)

    def keep(
        self,
        distribution: str,
        path: str,
        *,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        seconds: float,
        era: int,
    ) -> None:
        """Keep an answer for so long; nothing when it was asked for before the latest invalidation."""
        if seconds <= 0 or len(body) > self._capacity:
            return
        now = self._clock()
        with self._lock:
            if era != self._era:
                return
            self._drop((distribution, path))
            self._kept[distribution, path] = Kept(status, headers, body, now, now + seconds)
            self._bytes += len(body)
            while self._bytes > self._capacity:
                self._drop(next(iter(self._kept)))

    def invalidate(self, distribution: str, patterns: Iterable[str]) -> None:
        """Forget what an invalidation names: paths, `*` at their end standing for anything."""
        patterns = ["/" + pattern.removeprefix("/") for pattern in patterns]
        with self._lock:
            self._era += 1
            for key in [key for key in self._kept if key[0] == distribution]:
                if any(matches(pattern, key[1]) for pattern in patterns):
                    self._drop(key)

    def _drop(self, key: tuple[str, str]) -> None:
        gone = self._kept.pop(key, None)
        if gone is not None:
            self._bytes -= len(gone.body)

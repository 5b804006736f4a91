"""Token buckets: how many requests a route takes."""

import threading
import time
from collections.abc import Callable

from edgetrain.local.http_api.definition import Throttle


class Bucket:
    """Holds `burst` tokens at most; `rate` come back a second; each request takes one."""

    def __init__(self, limits: Throttle, clock: Callable[[], float]) -> None:
        self.limits = limits
        self._clock = clock
        self._burst = float("inf") if limits.burst is None else float(limits.burst)
        self._rate = float("inf") if limits.rate is None else limits.rate
        if limits.burst is None and limits.rate is not None:
            self._burst = max(1.0, limits.rate)
        self._tokens, self._at = self._burst, clock()
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take a token, if there is one."""
        with self._lock:
            now = self._clock()
            passed, self._at = now - self._at, now
            if self._rate == float("inf"):
                self._tokens = self._burst
            else:
                self._tokens = min(self._burst, self._tokens + passed * self._rate)
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True


class Throttles:
    """The buckets of all routes of all stages, made when a route is first asked for, and anew when its limits change."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str, str], Bucket] = {}
        self._lock = threading.Lock()

    def allows(self, api_id: str, stage: str, route: str, limits: Throttle) -> bool:
        """Whether one more request to a route is within its limits."""
        if limits == Throttle():
            return True
        key = (api_id, stage, route)
        bucket = self._buckets.get(key)
        if bucket is None or bucket.limits != limits:
            with self._lock:
                bucket = self._buckets.get(key)
                if bucket is None or bucket.limits != limits:
                    bucket = self._buckets[key] = Bucket(limits, self._clock)
        return bucket.take()

"""Waiting for what happens in another process or thread."""

import time
from collections.abc import Callable
from typing import TypeVar

PAUSE_SECONDS = 0.01
T = TypeVar("T")


def eventually(condition: Callable[[], T], what: str, seconds: float = 60.0) -> T:
    """The first true answer of `condition`; a failure when there is none for a minute."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := condition():
            return answer
        time.sleep(PAUSE_SECONDS)
    raise AssertionError(f"not so after {seconds} s: {what}")

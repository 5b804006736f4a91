"""What is handed out under a random name and good for a time: codes, sessions, refresh tokens."""

import secrets
import threading
from collections.abc import Callable
from typing import Final, Generic, TypeVar

#: Seconds since 1970.
Clock = Callable[[], float]

NAME_BYTES: Final = 32

T = TypeVar("T")


class Vault(Generic[T]):
    """Things by names that nobody can guess, each until its time is over."""

    def __init__(self, clock: Clock, seconds: int) -> None:
        self._clock = clock
        self._seconds = seconds
        self._kept: dict[str, tuple[float, T]] = {}
        self._lock = threading.Lock()

    def keep(self, thing: T, seconds: int | None = None) -> str:
        """The name of a thing that is kept from now on, for the vault's usual time or another."""
        now = self._clock()
        name = secrets.token_urlsafe(NAME_BYTES)
        with self._lock:
            self._kept = {each: entry for each, entry in self._kept.items() if entry[0] > now}
            self._kept[name] = (now + (self._seconds if seconds is None else seconds), thing)
        return name

    def look(self, name: str) -> T | None:
        """The thing of this name; None when there is none or its time is over."""
        with self._lock:
            entry = self._kept.get(name)
        return self._in_time(entry)

    def take(self, name: str) -> T | None:
        """The same, once: of any number of callers one gets it."""
        with self._lock:
            entry = self._kept.pop(name, None)
        return self._in_time(entry)

    def drop(self, unwanted: Callable[[T], bool]) -> None:
        """Forget what is unwanted."""
        with self._lock:
            self._kept = {name: entry for name, entry in self._kept.items() if not unwanted(entry[1])}

    def _in_time(self, entry: tuple[float, T] | None) -> T | None:
        return entry[1] if entry is not None and entry[0] > self._clock() else None

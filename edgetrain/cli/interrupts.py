"""What a program that is told to stop does with what it started."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

#: Beside Ctrl-C: `kill`, and a terminal that is closed.
SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def signals_interrupt() -> Iterator[None]:
    """Let `kill` and a closed terminal be what Ctrl-C is: a `KeyboardInterrupt`, after which things are cleaned up."""
    with _handled(_interrupt, SIGNALS):
        yield


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let nobody who presses Ctrl-C twice keep what is being cleaned up from being cleaned up."""
    with _handled(signal.SIG_IGN, (signal.SIGINT, *SIGNALS)):
        yield


@contextmanager
def _handled(
    handler: "Callable[[int, FrameType | None], Any] | int", numbers: tuple[signal.Signals, ...]
) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt

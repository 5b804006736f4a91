"""First come, first served; and who goes ahead when those that run only wait."""

import itertools
import threading
from collections.abc import Callable

import pytest

from edgetrain.local.functions import slots
from edgetrain.local.functions.slots import Closed, Slots


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "PATIENCE_SECONDS", 0.005)


def busy() -> Callable[[], float]:
    """Those that run use a second of processor time between any two looks."""
    return map(float, itertools.count()).__next__


class Holder:
    """A thread that holds a slot until it is told to let go."""

    def __init__(self, own: Slots) -> None:
        self.holds = threading.Event()
        self.turned_away = threading.Event()
        self.go = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(own,))
        self._thread.start()

    def _run(self, own: Slots) -> None:
        try:
            with own.one():
                self.holds.set()
                self.go.wait()
        except Closed:
            self.turned_away.set()

    def leave(self) -> None:
        self.go.set()
        self._thread.join()


def queue(own: Slots, number: int) -> list[Holder]:
    """Holders that came one after the other."""
    holders = []
    for length in range(number):
        holders.append(Holder(own))
        while len(own._waiting) < length + 1:
            pass
    return holders


def test_slots_are_given_in_order() -> None:
    own = Slots(2, busy())
    first, second = Holder(own), Holder(own)
    first.holds.wait()
    second.holds.wait()
    waiting = queue(own, 3)

    first.leave()
    assert waiting[0].holds.wait(5)
    assert not waiting[1].holds.is_set()
    second.leave()
    assert waiting[1].holds.wait(5)
    assert not waiting[2].holds.is_set()
    for holder in waiting:
        holder.leave()


def test_who_comes_does_not_overtake_who_waits() -> None:
    own = Slots(1, busy())
    first = Holder(own)
    first.holds.wait()
    (waiting,) = queue(own, 1)
    first.leave()
    assert waiting.holds.wait(5)
    late = Holder(own)
    assert not late.holds.wait(0.02)
    waiting.leave()
    assert late.holds.wait(5)
    late.leave()


def test_an_exception_gives_the_slot_back() -> None:
    own = Slots(1, busy())
    for _ in range(3):
        with pytest.raises(KeyError), own.one():
            raise KeyError
    with own.one():
        pass


def test_the_first_goes_ahead_when_the_others_only_wait() -> None:
    own = Slots(1, lambda: 7.0)
    sleeper = Holder(own)
    sleeper.holds.wait()

    ahead = Holder(own)
    assert ahead.holds.wait(5)
    sleeper.leave()
    ahead.leave()

    assert own._running == 0


def test_nobody_goes_ahead_of_those_that_work() -> None:
    own = Slots(1, busy())
    worker = Holder(own)
    worker.holds.wait()
    waiting = Holder(own)
    assert not waiting.holds.wait(0.05)
    worker.leave()
    waiting.leave()


def test_closing_turns_away_those_that_wait_and_those_that_come() -> None:
    own = Slots(1, busy())
    first = Holder(own)
    first.holds.wait()
    (waiting,) = queue(own, 1)

    own.close()

    assert waiting.turned_away.wait(5)
    with pytest.raises(Closed), own.one():
        pass
    first.leave()
    waiting.leave()

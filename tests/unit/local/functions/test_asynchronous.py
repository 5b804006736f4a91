"""How often an event is run, and when."""

import heapq
import itertools
import logging

import pytest

from edgetrain import limits
from edgetrain.local.functions.asynchronous import LAST_BACKOFF_SECONDS, Event, EventQueue
from edgetrain.local.functions.interface import InvocationError, Result
from tests.unit.fakes.functions import Clock

THROTTLED = InvocationError("TooManyRequestsException", 429, "Rate Exceeded.")


def result(error: str | None = None) -> Result:
    return Result(
        status_code=200, payload=b"", function_error=error, executed_version="1", log_tail=b"", request_id="r"
    )


class Played:
    """An event queue without threads: the test moves the clock from one due event to the next."""

    def __init__(self, *answers: Result | Exception) -> None:
        self.clock = Clock()
        self.ran: list[tuple[float, str]] = []
        self._answers = list(answers)
        self.queue = EventQueue(self._perform, workers=0, clock=self.clock)

    def _perform(self, event: Event) -> Result:
        self.ran.append((self.clock.now - 1000.0, event.request_id))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def play(self, runs: int = 100) -> list[float]:
        """Run until nothing is due any more, at most `runs` times; when each run was, in seconds from the start."""
        while self.queue._due and len(self.ran) < runs:
            due, _, event = heapq.heappop(self.queue._due)
            self.clock.now = max(self.clock.now, due)
            if again := self.queue._attempt(event):
                self.queue._push(*again)
        return [at for at, _ in self.ran]


def test_a_success_is_run_once() -> None:
    played = Played(result())
    played.queue.put("f", b"{}", "r")
    assert played.play() == [0.0]


def test_a_failure_is_run_again_after_one_minute_and_after_two_more(caplog: pytest.LogCaptureFixture) -> None:
    played = Played(result("Unhandled"))
    played.queue.put("f", b"{}", "r")
    assert played.play() == [0.0, 60.0, 180.0]
    assert {request for _, request in played.ran} == {"r"}
    assert "asynchronous invocation r of f failed for good" in caplog.text


def test_a_retry_that_succeeds_is_the_last() -> None:
    played = Played(result("Unhandled"), result())
    played.queue.put("f", b"{}", "r")
    assert played.play() == [0.0, 60.0]


def test_a_throttled_event_waits_longer_and_longer_and_does_not_count_as_failed() -> None:
    played = Played(THROTTLED, THROTTLED, THROTTLED, result("Unhandled"))
    played.queue.put("f", b"{}", "r")
    assert played.play() == [0.0, 1.0, 3.0, 7.0, 67.0, 187.0]


def test_a_throttled_event_is_dropped_after_six_hours() -> None:
    played = Played(THROTTLED)
    played.queue.put("f", b"{}", "r")
    times = played.play(runs=1000)
    assert limits.LAMBDA_EVENT_AGE_SECONDS - LAST_BACKOFF_SECONDS < times[-1] <= limits.LAMBDA_EVENT_AGE_SECONDS
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) == LAST_BACKOFF_SECONDS


@pytest.mark.parametrize("error", [InvocationError("ResourceNotFoundException", 404, "gone"), RuntimeError("ours")])
def test_what_can_never_run_is_dropped(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    played = Played(error)
    played.queue.put("f", b"{}", "r")
    assert played.play() == [0.0]
    assert "asynchronous invocation r of f" in caplog.text


def test_events_run_in_the_order_in_which_they_came() -> None:
    played = Played(result())
    for request_id in ("a", "b", "c"):
        played.queue.put("f", b"{}", request_id)
    played.play()
    assert [request for _, request in played.ran] == ["a", "b", "c"]


def test_closing_drops_what_waits_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    played = Played(result())
    played.queue.put("f", b"{}", "r")
    with caplog.at_level(logging.WARNING):
        played.queue.close()
    played.queue.put("f", b"{}", "late")
    assert played.play() == []
    assert "1 asynchronous invocations were waiting" in caplog.text

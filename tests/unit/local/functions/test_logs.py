"""From a pipe to log events, and from many events to few writes."""

import os
import threading
from collections.abc import Iterator, Sequence

import pytest

from edgetrain import limits
from edgetrain.local.functions.logs import BATCH_EVENTS, Event, LogWriter, ProcessLog


class Piped:
    """A log that the test prints into."""

    def __init__(self) -> None:
        reading, self._writing = os.pipe()
        self.events: list[str] = []
        self.log = ProcessLog(reading, lambda events: self.events.extend(text for _, text in events))

    def print(self, text: str | bytes) -> None:
        os.write(self._writing, text if isinstance(text, bytes) else text.encode())

    def end(self) -> None:
        os.close(self._writing)
        self._writing = -1

    def close(self) -> None:
        if self._writing >= 0:
            self.end()
        self.log.close()


@pytest.fixture
def piped() -> Iterator[Piped]:
    piped = Piped()
    yield piped
    piped.close()


def test_a_line_is_an_event_wherever_it_was_cut(piped: Piped) -> None:
    for part in ("one\ntw", "o\n\nthr"):
        piped.print(part)
        assert piped.log.drain()
    piped.print("ee\n")
    piped.end()
    assert not piped.log.drain()
    assert piped.events == ["one", "two", "", "three"]


def test_the_platform_speaks_after_what_was_printed(piped: Piped) -> None:
    piped.print("printed without an end")
    piped.log.write("END RequestId: 1", "REPORT RequestId: 1")
    piped.print("later\n")
    piped.log.drain()
    assert piped.events == ["printed without an end", "END RequestId: 1", "REPORT RequestId: 1", "later"]


def test_an_error_of_the_runtime_client_is_one_event(piped: Piped) -> None:
    piped.print("[ERROR] KeyError: 'x'\rTraceback (most recent call last):\r  File\nwindows\r\n")
    piped.log.drain()
    assert piped.events == ["[ERROR] KeyError: 'x'\nTraceback (most recent call last):\n  File", "windows"]


def test_what_is_no_text(piped: Piped) -> None:
    piped.print(b"\xff\xfe\n")
    piped.log.drain()
    assert piped.events == ["��"]


def test_an_event_has_its_largest_size(piped: Piped, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LAMBDA_LOG_EVENT_BYTES", 4)
    piped.print("abcdefghij\n")
    piped.print("0123456789")
    piped.log.drain()
    assert "".join(piped.events) == "abcdefghij0123456789"
    assert max(map(len, piped.events)) == 4


def test_the_tail_is_of_one_invocation_and_has_four_kilobytes(piped: Piped) -> None:
    piped.log.write("before")
    piped.log.forget()
    piped.log.write("START")
    assert piped.log.tail() == b"START\n"
    piped.print("x" * 5000 + "\n")
    piped.log.write("END")
    assert piped.log.tail() == b"x" * (4096 - 5) + b"\nEND\n"


class Logs:
    """PutLogEvents that can be held up, or fails for one stream."""

    def __init__(self) -> None:
        self.puts: list[tuple[str, str, list[Event]]] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def put(self, group: str, stream: str, events: Sequence[Event]) -> None:
        self.may_go_on.wait()
        if stream == "broken":
            raise RuntimeError("no such group")
        self.puts.append((group, stream, list(events)))


@pytest.fixture
def logs() -> Logs:
    return Logs()


@pytest.fixture
def writer(logs: Logs) -> Iterator[LogWriter]:
    writer = LogWriter(logs.put)
    yield writer
    logs.may_go_on.set()
    writer.close()


def test_flush_waits_for_all_and_events_stay_in_order(writer: LogWriter, logs: Logs) -> None:
    for number in range(100):
        writer.write("g", "s", [(number, str(number))])
        writer.write("g", "t", [(number, str(number))])
    writer.flush()
    for stream in ("s", "t"):
        assert [event for _, name, events in logs.puts if name == stream for event in events] == [
            (number, str(number)) for number in range(100)
        ]


def test_writing_waits_for_nobody(writer: LogWriter, logs: Logs) -> None:
    logs.may_go_on.clear()
    for number in range(10):
        writer.write("g", "s", [(number, "")])
    assert logs.puts == []
    logs.may_go_on.set()
    writer.flush()
    assert sum(len(events) for _, _, events in logs.puts) == 10


def test_a_write_that_fails_ends_nothing(writer: LogWriter, logs: Logs, caplog: pytest.LogCaptureFixture) -> None:
    writer.write("g", "broken", [(1, "lost")])
    writer.write("g", "s", [(2, "kept")])
    writer.flush()
    assert logs.puts == [("g", "s", [(2, "kept")])]
    assert "1 log events of g, broken could not be written" in caplog.text


def test_no_put_is_larger_than_the_service_takes(writer: LogWriter, logs: Logs) -> None:
    writer.write("g", "s", [(1, "")] * (BATCH_EVENTS + 1))
    writer.flush()
    assert [len(events) for _, _, events in logs.puts] == [BATCH_EVENTS, 1]


def test_close_delivers(logs: Logs) -> None:
    writer = LogWriter(logs.put)
    writer.write("g", "s", [(1, "last words")])
    writer.close()
    writer.close()
    assert logs.puts == [("g", "s", [(1, "last words")])]

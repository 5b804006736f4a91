"""How much memory and processor time a function process and what it started use."""

import re
import time
from pathlib import Path
from typing import Final

import psutil

from edgetrain import limits

#: Finding the children of a process reads the whole process table.
FAMILY_SECONDS: Final = 1.0
#: In /proc/PID/status; a zombie's has none.
HIGH_WATER_MARK: Final = re.compile(rb"^VmHWM:\s*(\d+) kB", re.MULTILINE)


class Usage:
    """A process and its descendants, looked at from outside. What has gone counts nothing."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._status = Path(f"/proc/{pid}/status")
        self._family: list[psutil.Process] = []
        self._family_seen = time.monotonic()
        self.seen_bytes = 0  # the most so far

    def resident_bytes(self) -> int:
        """Resident memory of all of them together, now."""
        if time.monotonic() - self._family_seen >= FAMILY_SECONDS:
            self._family = self.descendants()
            self._family_seen = time.monotonic()
        total = sum(_resident(process) for process in (self._process, *self._family))
        self.seen_bytes = max(self.seen_bytes, total)
        return total

    def peak_bytes(self) -> int:
        """The most that was seen together, or that the process itself ever had (the kernel keeps count of that)."""
        try:
            status = self._status.read_bytes()
        except OSError:  # it has gone; what was seen stands
            return self.seen_bytes
        if found := HIGH_WATER_MARK.search(status):
            self.seen_bytes = max(self.seen_bytes, int(found[1]) * limits.KIB)
        return self.seen_bytes

    def processor_seconds(self) -> float:
        """Processor time of all that live, and of the children that the process waited for."""
        total = 0.0
        for process in (self._process, *self._family):
            try:
                total += sum(process.cpu_times()[:4])
            except psutil.Error:
                continue
        return total

    def descendants(self) -> list[psutil.Process]:
        """What the process started, and what those started."""
        try:
            return self._process.children(recursive=True)
        except psutil.Error:
            return []


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0

"""The central trainer beside a federation: a process of its own, which never outlives its user."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgetrain.errors import RunFailed

if TYPE_CHECKING:
    from edgetrain.client.documents import TrainDocument

GRACE_SECONDS = 10
LOG = "central.log"


@dataclass(frozen=True)
class CentralTraining:
    """`edgetrain train --local` while something else is done."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def result(self) -> "TrainDocument":
        """Wait for it.

        Raises:
            RunFailed: the trainer failed; the sentence names its log.
        """
        from edgetrain.client.documents import TrainDocument

        printed, _ = self.process.communicate()
        if self.process.returncode != 0:
            raise RunFailed(f"the central trainer ended with exit code {self.process.returncode}: see {self.log}")
        return TrainDocument.model_validate_json(printed)


@contextmanager
def central_training(task: str, folder: Path, log: Path) -> Iterator[CentralTraining]:
    """Train `task` centrally in the background; at the end of the block the process is gone, with its children."""
    command = [
        sys.executable,
        "-m",
        "edgetrain.cli",
        "train",
        "--task",
        task,
        "--local",
        "--json",
        "--out",
        str(folder),
    ]
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, start_new_session=True
        )
    try:
        yield CentralTraining(process, log)
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Nobody of its session is left."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(GRACE_SECONDS)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
    if process.stdout is not None:
        process.stdout.close()

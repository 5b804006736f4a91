"""Child processes that die with the cloud: functions' and containers'."""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Child:
    """A process, our end of its lifeline (a descriptor: it is killed once this is closed), the reading end of its output."""

    process: "subprocess.Popen[bytes]"
    lifeline: int
    output: int


def spawn(command: Callable[[int], Sequence[str | Path]], *, folder: Path, variables: Mapping[str, str]) -> Child:
    """Start a process in a group of its own. `command` is given the descriptor of its end of the lifeline.

    The program has to hand that descriptor to `die_with_parent` (functions/bootstrap.py). Descriptors are ours to close.
    """
    theirs, lifeline = os.pipe()
    output, printing = os.pipe()
    try:
        process = subprocess.Popen(
            command(theirs),
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=printing,
            stderr=printing,
            pass_fds=(theirs,),
            start_new_session=True,
        )
    except BaseException:
        for descriptor in (lifeline, output):
            os.close(descriptor)
        raise
    finally:
        for descriptor in (theirs, printing):
            os.close(descriptor)
    return Child(process, lifeline, output)

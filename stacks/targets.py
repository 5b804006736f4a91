"""What layers and functions are built for: (architecture, Python version, platform tags).

`aws` is Lambda's `python3.13` on Amazon Linux 2023 (glibc 2.34); `host` is this machine, for the embedded cloud.
"""

import platform
import sys
from dataclasses import dataclass
from typing import Final, Literal, get_args

from edgetrain.errors import UsageError

TargetName = Literal["aws", "host"]
Architecture = Literal["x86_64", "arm64"]

AWS_PYTHON: Final = "3.13"
#: Amazon Linux 2023's glibc: nothing newer loads there.
AWS_GLIBC: Final = (2, 34)
#: The newest tag that we ask for: every package that we use has wheels of it or of an older one.
NEWEST_MANYLINUX: Final = (2, 28)
#: The oldest that pip still meets (manylinux2014). pip takes tags literally, so every one between is named.
OLDEST_MANYLINUX: Final = (2, 17)

#: Lambda's word -> the platform tags' word.
MACHINES: Final[dict[Architecture, str]] = {"x86_64": "x86_64", "arm64": "aarch64"}
ARCHITECTURES: Final = tuple(MACHINES)


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a layer will run. `platforms` is empty for this very machine: pip knows its tags."""

    name: TargetName
    architecture: Architecture
    python: str
    platforms: tuple[str, ...]

    @property
    def runtime(self) -> str:
        """Lambda's name of the Python runtime."""
        return f"python{self.python}"


def make_target(name: str, architecture: str | None = None) -> Target:
    """The target of the context's words.

    Raises:
        UsageError: an unknown name or architecture, or a host that is asked to be of another architecture.
    """
    if name not in get_args(TargetName):
        raise UsageError(f"target is {name!r}: expected one of {', '.join(get_args(TargetName))}")
    if architecture is not None and architecture not in get_args(Architecture):
        raise UsageError(f"architecture is {architecture!r}: expected one of {', '.join(get_args(Architecture))}")
    if name == "aws":
        return aws_target("arm64" if architecture == "arm64" else "x86_64")
    host = host_target()
    if architecture not in {None, host.architecture}:
        raise UsageError(
            f"architecture is {architecture!r}: target 'host' is this machine, which is {host.architecture}"
        )
    return host


def aws_target(architecture: Architecture) -> Target:
    """Lambda on AWS."""
    machine = MACHINES[architecture]
    oldest, newest = OLDEST_MANYLINUX[1], NEWEST_MANYLINUX[1]
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(newest, oldest - 1, -1)]
    return Target(
        name="aws",
        architecture=architecture,
        python=AWS_PYTHON,
        platforms=(*platforms, f"manylinux2014_{machine}"),
    )


def host_target() -> Target:
    """This machine and this Python."""
    machine = platform.machine()
    architecture: Architecture = "arm64" if machine in {"aarch64", "arm64"} else "x86_64"
    return Target(
        name="host",
        architecture=architecture,
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        platforms=(),
    )

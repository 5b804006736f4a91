"""Locked wheels of a target, unpacked by pip into a folder: nothing is compiled, no shell, no Docker."""

import subprocess
import sys
from pathlib import Path

from edgetrain.errors import PermanentError
from stacks.targets import Target


class LayerBuildFailed(PermanentError):
    """A Lambda layer could not be built; the sentence ends with pip's last words."""


def install_command(lock: Path, target: Target, folder: Path) -> list[str]:
    """The argument list for pip: exactly the locked files, only wheels, only those that load on the target."""
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"),
        *("--no-deps", "--only-binary", ":all:", "--require-hashes", "--no-compile"),
        *("--target", str(folder), "--requirement", str(lock)),
    ]
    if target.platforms:
        command += ["--implementation", "cp", "--python-version", target.python]
        for tag in target.platforms:
            command += ["--platform", tag]
    return command


def install(lock: Path, target: Target, folder: Path) -> None:
    """Unpack the wheels that `lock` names into `folder`.

    Raises:
        LayerBuildFailed: pip found no wheel, a hash differed, or there was no network.
    """
    done = subprocess.run(install_command(lock, target, folder), capture_output=True, text=True, check=False)
    if done.returncode:
        words = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        reason = " ".join(" ".join(words[-2:]).split())
        raise LayerBuildFailed(
            f"{lock.name} for target {target.name} ({target.architecture}, Python {target.python}): {reason}"
        )

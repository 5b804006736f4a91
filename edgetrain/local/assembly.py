"""The synthesised application, kept for as long as what it is made from stays the same."""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from edgetrain.errors import DeploymentFailed, ExtraMissing, UsageError

PROJECT: Final = Path(__file__).parents[2]
#: What the assembly is made from: files, and folders with what counts in them. Of `edgetrain`, what goes into the functions'
#: layer (stacks/packaging/layers.py) or the endpoints' image (stacks/packaging/serving.py), and what the stacks read.
SOURCES: Final = (
    *("app.py", "cdk.json", "stacks/**/*.py", "lambdas/**/*.py", "requirements/layer-*"),
    *("training_jobs/**/*.py", "training_jobs/Dockerfile", "requirements/serve.lock", "package-lock.json"),
    *(
        "edgetrain/__init__.py",
        "edgetrain/contracts.py",
        "edgetrain/errors.py",
        "edgetrain/keys.py",
        "edgetrain/limits.py",
    ),
    *(
        "edgetrain/api/**/*.py",
        "edgetrain/detection/**/*.py",
        "edgetrain/federated/**/*.py",
        "edgetrain/rounds/**/*.py",
        "edgetrain/runtime/**/*.py",
        "edgetrain/stores/**/*.py",
        "edgetrain/tasks/objects.py",
    ),
)
#: Packages that decide how a template looks.
PACKAGES: Final = ("aws-cdk-lib", "constructs", "cdk-nag")
CONTEXT: Final = {"target": "host"}
MANIFEST: Final = "manifest.json"
#: How many assemblies are kept: one for each branch that somebody goes to and fro between.
KEPT: Final = 4
LAST_LINES: Final = 5

Progress = Callable[[str], None]


def assembly(cache: Path, progress: Progress, project: Path = PROJECT) -> Path:
    """The folder of the cloud assembly for this machine, out of `cache` or made now (seconds; the layers' first time, more).

    Raises:
        NodeMissing: it has to be made, and there is no Node.js.
        ExtraMissing: it has to be made, and the CDK is not installed.
        DeploymentFailed: the application does not synthesise.
        UsageError: `project` is no checkout.
    """
    if not (project / "app.py").is_file():
        raise UsageError(f"this needs a checkout of the project: {project} is none")
    folder = cache.absolute() / source_hash(project)[:16]
    if (folder / MANIFEST).is_file():
        os.utime(folder)
        return folder
    if find_spec("aws_cdk") is None:
        raise ExtraMissing(
            "the CDK is not installed, which synthesises what is deployed: pip install 'edgetrain[deploy]'"
        )
    environment = _node_environment(project)
    progress("synthesising the application (the first time after a change)")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-") as scratch:
        made = Path(scratch, "assembly")
        _synthesise(project, made, environment, progress)
        try:
            made.rename(folder)
        except OSError:
            if not (folder / MANIFEST).is_file():  # else another process was faster
                raise
    _prune(folder.parent, folder)
    return folder


def _node_environment(project: Path) -> dict[str, str]:
    """An environment with Node.js on its PATH, found as app.py finds it (an installation does not carry `stacks`)."""
    if str(project) not in sys.path:
        sys.path.append(str(project))
    from stacks.node import node_environment

    return node_environment()


def source_hash(project: Path = PROJECT) -> str:
    """SHA-256 (hex) over all that the assembly is made from, this machine's Python and platform included."""
    total = hashlib.sha256(repr((CONTEXT, sys.version_info[:3], platform.machine(), platform.libc_ver())).encode())
    for package in PACKAGES:
        total.update(f"{package} {_version(package)}\n".encode())
    for path in _sources(project):
        for part in (path.relative_to(project).as_posix().encode(), path.read_bytes()):
            total.update(len(part).to_bytes(8, "big"))
            total.update(part)
    return total.hexdigest()


def _sources(project: Path) -> Iterator[Path]:
    found = {path for pattern in SOURCES for path in project.glob(pattern) if path.is_file()}
    return iter(sorted(path for path in found if "__pycache__" not in path.parts))


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _synthesise(project: Path, folder: Path, environment: dict[str, str], progress: Progress) -> None:
    """Run app.py; what it says is progress."""
    settings = {"CDK_OUTDIR": str(folder), "CDK_CONTEXT_JSON": json.dumps(CONTEXT)}
    said: list[str] = []
    command = [sys.executable, "app.py"]
    with subprocess.Popen(
        command,
        cwd=project,
        env={**environment, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
    ) as child:
        for line in child.stdout or ():
            text = line.rstrip().removeprefix("edgetrain: ")
            if text:
                said.append(text)
                progress(text)
    if child.returncode:
        kind = UsageError if child.returncode == 2 else DeploymentFailed
        last = "; ".join(said[-LAST_LINES:]) or f"app.py ended with exit code {child.returncode}"
        raise kind(f"the application does not synthesise: {last}")


def _prune(cache: Path, current: Path) -> None:
    """Remove all but the assemblies that were used last."""
    others = [path.parent for path in cache.glob(f"*/{MANIFEST}") if path.parent != current]
    for old in sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT - 1 :]:
        shutil.rmtree(old, ignore_errors=True)

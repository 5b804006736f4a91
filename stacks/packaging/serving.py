"""What the endpoints are made from: the image's build context and the tasks' first models, in a cache by their content.

The context holds what the Dockerfile's target `serve` copies and nothing else, so that the image's tag does not move with
tests, documents or the rest of `edgetrain`.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stacks.packaging.archive import digest
from stacks.packaging.layers import PROJECT

CACHE: Final = PROJECT / "build" / "serving"
DOCKERFILE: Final = "training_jobs/Dockerfile"
#: Files, and folders with what counts in them: what the serving program imports, and how its image is made.
CONTEXT: Final = (
    DOCKERFILE,
    "requirements/serve.lock",
    *("edgetrain/__init__.py", "edgetrain/contracts.py", "edgetrain/errors.py", "edgetrain/keys.py"),
    *("edgetrain/limits.py", "edgetrain/detection/**/*.py"),
    *("edgetrain/federated/__init__.py", "edgetrain/federated/weights.py"),
    *("edgetrain/runtime/__init__.py", "edgetrain/runtime/detector.py"),
    *("edgetrain/stores/__init__.py", "edgetrain/stores/base.py", "edgetrain/stores/failures.py"),
    *("edgetrain/stores/s3.py", "training_jobs/__init__.py", "training_jobs/__main__.py"),
    *("training_jobs/folders.py", "training_jobs/serve/**/*.py"),
)


@dataclass(frozen=True, kw_only=True)
class ServingArtifacts:
    """The folder that the image is built from, and each served task's first model (`model.tar.gz`)."""

    image: Path
    first_models: Mapping[str, Path]


def build_serving(tasks: Sequence[str], cache: Path = CACHE) -> ServingArtifacts:
    """The artifacts of these tasks, from the cache where they are there.

    Raises:
        PermanentError: a first model cannot be made: what it is cut from is not installed, or not the expected one.
    """
    return ServingArtifacts(
        image=image_context(cache / "image"),
        first_models={task: _first_model(task, cache / "models") for task in tasks},
    )


def image_context(cache: Path, project: Path = PROJECT) -> Path:
    """The build context as a folder, laid out like the project."""
    entries = {path.relative_to(project).as_posix(): path.read_bytes() for path in _files(project)}
    folder = cache / digest(entries)[:16]
    if not folder.exists():
        _write(entries, folder)
    return folder


def _files(project: Path) -> Iterator[Path]:
    found = {path for pattern in CONTEXT for path in project.glob(pattern) if path.is_file()}
    return iter(sorted(path for path in found if "__pycache__" not in path.parts))


def _first_model(task: str, cache: Path) -> Path:
    from edgetrain.tasks import objects

    makers: dict[str, Callable[[], bytes]] = {"objects": objects.first_model_archive}
    body = makers[task]()
    file = cache / digest({task: body})[:16] / "model.tar.gz"
    if not file.exists():
        _write({file.name: body}, file.parent)
    return file


def _write(entries: Mapping[str, bytes], folder: Path) -> None:
    """The whole folder or none; of two writers at once the first one wins, with the same files."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        for name, body in entries.items():
            path = scratch / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
            path.chmod(0o644)
        scratch.chmod(0o755)
        try:
            scratch.rename(folder)
        except OSError:
            if not folder.exists():
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)

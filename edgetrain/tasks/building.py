"""Building a task's training program, and keeping what was built in the user's cache folder."""

import hashlib
import inspect
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import edgetrain
from edgetrain import keys
from edgetrain.contracts import TaskSpec, TensorSpec
from edgetrain.errors import ExtraMissing, UsageError
from edgetrain.federated import weights
from edgetrain.tasks.base import Task
from edgetrain.tasks.silence import quiet

Progress = Callable[[str], None]

#: Every build of a task starts from the same weights.
INITIAL_SEED: Final = 7
FILES: Final = (keys.PROGRAM_FILE, keys.WEIGHTS_FILE, keys.SPEC_FILE)
#: Hex digits of a SHA-256 that make a program's id.
ID_DIGITS: Final = 32
#: What of our own determines a program, beside the task's own file.
SOURCES: Final = (
    "contracts.py",
    "federated/weights.py",
    "runtime/signatures.py",
    "tasks/base.py",
    "tasks/building.py",
    "tasks/exporting.py",
    "tasks/lowering/*.py",
)
#: Packages whose version determines a program; TensorFlow goes by two names.
PACKAGES: Final = ("tensorflow", "tensorflow-cpu", "keras", "numpy")
RECORD: Final = "build.json"


@dataclass(frozen=True)
class BuiltProgram:
    """A training program with its initial weights and `task.json`. `files` go by the names in `edgetrain.keys`."""

    task: str
    model: str
    program_id: str
    spec: TaskSpec
    files: Mapping[str, bytes]


def build_program(task: Task, model: str | None = None, *, progress: Progress | None = None) -> BuiltProgram:
    """Build the program of one of the task's models, the first if none is named, and check it against Keras.

    Reseeds Keras's, NumPy's and Python's global generators: the initial weights are the same every time.

    Raises:
        UsageError: the task has no model of this name.
        ExtraMissing: TensorFlow is not installed.
        LayerNotSupported: the model has a layer without a lowering; the sentence names it.
        ProgramInvalid: what came out does not train as Keras does.
    """
    name = chosen_model(task, model)
    report = progress or _say_nothing
    report("importing TensorFlow")
    with quiet():
        exporting = _import_exporting()
        keras_model = exporting.seeded(task.models()[name], INITIAL_SEED)
    report(f"converting {task.name}/{name} ({keras_model.count_params():,} parameters)")
    with quiet():
        spec = task_spec(task, name, exporting.weight_specs(keras_model))
        program = exporting.export_program(keras_model, spec)
    report("checking the program against Keras")
    with quiet():
        exporting.check_program(program, keras_model, spec)
    files = {
        keys.PROGRAM_FILE: program,
        keys.WEIGHTS_FILE: weights.encode(exporting.trainable_weights(keras_model)),
        keys.SPEC_FILE: (spec.model_dump_json(indent=2) + "\n").encode(),
    }
    return BuiltProgram(task.name, name, _program_id(files), spec, files)


def load_or_build(
    task: Task, model: str | None = None, *, cache: Path | None = None, progress: Progress | None = None
) -> BuiltProgram:
    """What `build_program` gives, from the cache if the same was built before; TensorFlow is imported only to build.

    `cache` is a folder, by default the user's. An entry whose bytes are not those that were written is built again. A task
    whose class has no source file is built every time.

    Raises:
        UsageError, ExtraMissing, LayerNotSupported, ProgramInvalid: as `build_program`.
    """
    name = chosen_model(task, model)
    key = _cache_key(task, name)
    if key is None:
        return build_program(task, name, progress=progress)
    entry = (cache or default_cache()) / task.name / key
    built = _read(entry, task.name, name)
    if built is None:
        built = build_program(task, name, progress=progress)
        _write(entry, built)
    return built


def default_cache() -> Path:
    """`edgetrain/programs` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "edgetrain" / "programs"


def chosen_model(task: Task, model: str | None) -> str:
    """The name of one of the task's models, its first if none is named.

    Raises:
        UsageError: the task has no model of this name.
    """
    names = list(task.models())
    if model is not None and model not in names:
        raise UsageError(f"task {task.name} has no model {model!r}: expected one of {', '.join(names)}")
    return model or names[0]


def _import_exporting() -> Any:
    try:
        from edgetrain.tasks import exporting
    except ModuleNotFoundError as error:
        raise ExtraMissing(f"building a task needs {error.name}: pip install 'edgetrain[tasks]'") from error
    return exporting


def task_spec(task: Task, model: str, weight_specs: tuple[TensorSpec, ...]) -> TaskSpec:
    """`task.json` of one of the task's models."""
    return TaskSpec(
        task=task.name,
        title=task.title,
        model=model,
        program_batch=task.program_batch,
        x=task.x,
        y=task.y,
        weights=weight_specs,
        labels=task.labels,
        loss=task.loss,
        metrics=task.metrics,
        client=task.client,
        preprocessing=dict(task.preprocessing),
    )


def _say_nothing(message: str) -> None:
    """Progress that nobody asked for."""


# --- the cache ----------------------------------------------------------------------------------------------


def _cache_key(task: Task, model: str) -> str | None:
    """Hash of what determines the program, computed without TensorFlow. None: the task's source is not to be had."""
    try:
        own = Path(inspect.getfile(type(task))).read_bytes()
    except (OSError, TypeError):
        return None
    root = Path(edgetrain.__file__).parent
    sources = {str(path.relative_to(root)): path.read_bytes() for part in SOURCES for path in sorted(root.glob(part))}
    digests = {name: hashlib.sha256(body).hexdigest() for name, body in {**sources, "task": own}.items()}
    return _digest({"model": model, "class": type(task).__qualname__, "sources": digests, "packages": _versions()})


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "none"
    return found


def _read(entry: Path, task: str, model: str) -> BuiltProgram | None:
    """The entry, or None when there is none or its bytes are not those that were written."""
    try:
        files = {name: (entry / name).read_bytes() for name in FILES}
        program_id = json.loads((entry / RECORD).read_text())["program_id"]
        if program_id != _program_id(files):
            return None
        return BuiltProgram(task, model, program_id, TaskSpec.model_validate_json(files[keys.SPEC_FILE]), files)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(entry: Path, built: BuiltProgram) -> None:
    """Whole or not at all: a folder of its own is filled, then takes the entry's name."""
    entry.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".fresh-", dir=entry.parent))
    try:
        for name, body in built.files.items():
            (fresh / name).write_bytes(body)
        (fresh / RECORD).write_text(json.dumps({"program_id": built.program_id}))
        if _read(entry, built.task, built.model) is None:
            shutil.rmtree(entry, ignore_errors=True)  # damaged, or not there
        try:
            fresh.rename(entry)
        except OSError:
            if _read(entry, built.task, built.model) is None:  # somebody else was not quicker: it cannot be written
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _program_id(files: Mapping[str, bytes]) -> str:
    return _digest({name: hashlib.sha256(body).hexdigest() for name, body in files.items()})


def _digest(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:ID_DIGITS]

"""Tasks from outside of this package: files named by their path, and entry points of installed packages."""

import hashlib
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from edgetrain.contracts import ClientSettings, TensorSpec
from edgetrain.errors import TaskInvalid, TaskNotFound
from edgetrain.keys import ID_PATTERN
from edgetrain.tasks.base import Task

GROUP: Final = "edgetrain.tasks"
ENDING: Final = ".py"


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(ID_PATTERN, value) is not None


def _are_labels(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) > 0 and all(isinstance(label, str) for label in value)


#: What a task has to say of itself -> whether it is of the right sort, and what that is.
ATTRIBUTES: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "name": (_is_name, "1 to 64 letters, digits, - or _, the first a letter or digit"),
    "title": (lambda value: isinstance(value, str), "a string"),
    "x": (lambda value: isinstance(value, TensorSpec), "a TensorSpec"),
    "labels": (_are_labels, "a tuple of strings"),
    "client": (lambda value: isinstance(value, ClientSettings), "ClientSettings"),
    "preprocessing": (lambda value: isinstance(value, Mapping), "a dict"),
}


def is_file(given: str) -> bool:
    """Whether `--task` names a file: no task's name has a dot or a slash."""
    return given.endswith(ENDING) or "/" in given


def task_of_file(path: Path) -> Task:
    """The one task that a file defines. The file is run, as an import runs it.

    Raises:
        TaskNotFound: there is no such file.
        TaskInvalid: it cannot be run, or does not define one whole task.
    """
    module = _run(path)
    classes = [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Task) and each.__module__ == module.__name__
    ]
    whole = sorted({each.__name__: each for each in classes if not inspect.isabstract(each)}.items())
    if len(whole) > 1:
        raise TaskInvalid(f"{path} defines {len(whole)} tasks ({', '.join(name for name, _ in whole)}): expected one")
    if not whole and classes:
        lacking = ", ".join(sorted(classes[-1].__abstractmethods__))
        raise TaskInvalid(f"{path}: class {classes[-1].__name__} has no {lacking}: expected models and load")
    if not whole:
        raise TaskInvalid(f"{path} defines no task: expected one class of edgetrain.tasks.base.Task")
    return _checked(whole[0][1], str(path))


def installed_tasks() -> dict[str, EntryPoint]:
    """Entry points of the group `edgetrain.tasks` by their names; nothing is imported."""
    return {point.name: point for point in entry_points(group=GROUP)}


def task_of_entry_point(point: EntryPoint) -> Task:
    """The task that an installed package brings; the entry point has the task's own name.

    Raises:
        TaskInvalid: it cannot be imported, or is no whole task of this name.
    """
    where = f"entry point {point.name} = {point.value} of {point.dist.name if point.dist else 'a package'}"
    try:
        found = point.load()
    except Exception as error:
        raise TaskInvalid(f"{where} cannot be imported: {_reason(error)}") from error
    if not (isinstance(found, type) and issubclass(found, Task)) or inspect.isabstract(found):
        raise TaskInvalid(f"{where} is no task: expected a class of edgetrain.tasks.base.Task with models and load")
    task = _checked(found, where)
    if task.name != point.name:
        raise TaskInvalid(f"{where}: its name is {task.name!r}: expected that of the entry point")
    return task


def _run(path: Path) -> ModuleType:
    """A new module each time, so that a file that was changed is seen; registered, so that its source can be found."""
    full = path.absolute()
    if not full.is_file():
        raise TaskNotFound(f"there is no file {path}: expected the name of a task, or a Python file with one")
    name = f"edgetrain_task_{hashlib.sha256(str(full).encode()).hexdigest()[:12]}"
    module = ModuleType(name)
    module.__file__ = str(full)
    sys.modules[name] = module
    try:
        # Compiled here, and not by an import: that would keep a .pyc, which two changes within a second deceive.
        exec(compile(full.read_bytes(), str(full), "exec", dont_inherit=True), module.__dict__)  # noqa: S102 (the user's own file)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise TaskInvalid(f"{path}{_line(error, str(full))} cannot be imported: {_reason(error)}") from error
    return module


def _line(error: BaseException, file: str) -> str:
    """`, line 7`: the last line of the file that was being run."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return f", line {error.lineno}"
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    return "" if line is None else f", line {line}"


def _reason(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _checked(kind: type[Task], where: str) -> Task:
    for name, (good, expected) in ATTRIBUTES.items():
        if not hasattr(kind, name):
            raise TaskInvalid(f"{where}: class {kind.__name__} has no {name}: expected {expected}")
        value = getattr(kind, name)
        if not good(value):
            raise TaskInvalid(f"{where}: {name} of class {kind.__name__} is {value!r}: expected {expected}")
    try:
        return kind()
    except Exception as error:
        raise TaskInvalid(
            f"{where}: class {kind.__name__} cannot be made without arguments: {_reason(error)}"
        ) from error

"""The tasks that are known: ours and those of installed packages by name, any other by its file."""

from pathlib import Path

from edgetrain.errors import TaskInvalid, TaskNotFound
from edgetrain.tasks import own
from edgetrain.tasks.base import Task
from edgetrain.tasks.digits import Digits
from edgetrain.tasks.femnist import Femnist

_TASKS: dict[str, type[Task]] = {task.name: task for task in (Digits, Femnist)}


def task_names() -> tuple[str, ...]:
    """Names in alphabetical order."""
    return tuple(sorted({*_TASKS, *own.installed_tasks()}))


def get_task(given: str) -> Task:
    """The task of this name, or that of this file (`path/to/file.py`), which is run.

    Where an installed package's task has the name of one of ours, ours is meant.

    Raises:
        TaskNotFound: there is none, or no such file.
        TaskInvalid: the file, or the installed package, does not define one whole task with a name of its own.
    """
    if own.is_file(given):
        task = own.task_of_file(Path(given))
        check_free(task.name, f"{given}: name of class {type(task).__name__}")
        return task
    if given in _TASKS:
        return _TASKS[given]()
    installed = own.installed_tasks()
    if given in installed:
        return own.task_of_entry_point(installed[given])
    raise TaskNotFound(f"there is no task {given!r}: expected one of {', '.join(task_names())}")


def name_of(given: str) -> str:
    """What the cloud calls a task: a name as it is, and for a file the name that is in it.

    Raises:
        TaskNotFound, TaskInvalid: as `get_task`, of a file.
    """
    return get_task(given).name if own.is_file(given) else given


def check_free(name: str, what: str) -> None:
    """See that no other task has this name; `what` begins the sentence.

    Raises:
        TaskInvalid: one has it.
    """
    owner = "Edgetrain" if name in _TASKS else "an installed package" if name in own.installed_tasks() else None
    if owner is not None:
        raise TaskInvalid(f"{what} is {name!r}, which is a task of {owner}: expected another name")

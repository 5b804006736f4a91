"""The tasks that are known by name."""

from edgetrain.errors import TaskNotFound
from edgetrain.tasks.base import Task
from edgetrain.tasks.digits import Digits
from edgetrain.tasks.femnist import Femnist

_TASKS: dict[str, type[Task]] = {task.name: task for task in (Digits, Femnist)}


def task_names() -> tuple[str, ...]:
    """Names in alphabetical order."""
    return tuple(sorted(_TASKS))


def get_task(name: str) -> Task:
    """The task of this name.

    Raises:
        TaskNotFound: there is none.
    """
    if name not in _TASKS:
        raise TaskNotFound(f"there is no task {name!r}: expected one of {', '.join(task_names())}")
    return _TASKS[name]()

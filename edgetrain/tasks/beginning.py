"""The file that a task of one's own begins with."""

from pathlib import Path
from typing import Final

from edgetrain.errors import UsageError
from edgetrain.keys import checked_id
from edgetrain.tasks import starter
from edgetrain.tasks.registry import check_free

#: What stands in the starter's source for the task's name.
PLACE_OF_NAME: Final = f'"{starter.OwnTask.name}"'
PLACE_OF_FILE: Final = "THIS_FILE"


def write_task(name: str, out: Path | None = None) -> Path:
    """Write a task of this name to `out`, by default `NAME.py` in this folder. Returns the file.

    Raises:
        UsageError: `name` is not an id, the file exists already or has another ending, or it cannot be written.
        TaskInvalid: another task has this name.
    """
    try:
        checked_id(name, "the task's name")
    except ValueError as error:
        raise UsageError(str(error)) from error
    check_free(name, "the task's name")
    file = out or Path(f"{name}.py")
    if file.suffix != ".py":
        raise UsageError(f"{file}: expected a file that ends in .py")
    source = Path(starter.__file__).read_text(encoding="utf-8")
    text = source.replace(PLACE_OF_NAME, f'"{name}"').replace(PLACE_OF_FILE, str(file))
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError as error:
        raise UsageError(f"{file} exists already: expected a file that does not") from error
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror or error}") from error
    return file

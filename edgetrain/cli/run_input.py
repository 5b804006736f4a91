"""A run's input from what was typed: a file, and options over it."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgetrain.errors import UsageError

STDIN = "-"
DEFAULT_METRIC = "accuracy"


def compose(file: Path | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """The input as it is sent: the file's fields, and those of `options` that were given (not None) over them.

    A key of `options` may name a field of a field: `client.epochs`. Nothing is filled in; the whole is checked as StartRun
    does, so that a mistake is told before anything starts.

    Raises:
        UsageError: the file is not a JSON object, or no task is named.
        InvalidRunInput: the sentence names the field and what was expected.
    """
    from edgetrain.rounds.start_run import parse_input

    document = {} if file is None else read_json_object(file)
    for name, value in options.items():
        if value is not None:
            _put(document, name.split("."), value)
    if "task" not in document:
        raise UsageError("no task is named: give --task, or --input FILE with a `task` in it")
    parse_input(document)
    return document


def read_json_object(file: Path) -> dict[str, Any]:
    """A JSON object from a file, or from standard input when it is called `-`.

    Raises:
        UsageError: it cannot be read, or is something else.
    """
    name = "standard input" if str(file) == STDIN else str(file)
    try:
        document = json.loads(sys.stdin.read() if str(file) == STDIN else file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror or error}: expected a JSON file with a run's input") from error
    except ValueError as error:
        raise UsageError(f"{name} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise UsageError(f"{name} holds {type(document).__name__}: expected a JSON object with at least a task")
    return document


def parse_target(text: str | None) -> dict[str, Any] | None:
    """`0.95` or `accuracy=0.95` or `loss=0.2`.

    Raises:
        UsageError: it is something else.
    """
    if text is None:
        return None
    metric, _, value = text.rpartition("=")
    try:
        return {"metric": metric or DEFAULT_METRIC, "value": float(value)}
    except ValueError:
        raise UsageError(f"--target is {text!r}: expected METRIC=VALUE, such as accuracy=0.95") from None


def _put(document: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        inner = document.setdefault(name, {})
        if not isinstance(inner, dict):
            return  # the check will say what is wrong with the file's field
        document = inner
    document[path[-1]] = value

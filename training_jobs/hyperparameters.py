"""The hyperparameters of the central trainer, as SageMaker hands them over: a map of strings."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from edgetrain.errors import TrainingJobInvalid
from edgetrain.keys import ID_PATTERN


def _unquoted(value: Any) -> Any:
    """SageMaker's Python SDK sends strings as JSON, in quotes."""
    if isinstance(value, str) and value.startswith('"'):
        return json.loads(value)
    return value


class Hyperparameters(BaseModel):
    """Everything but `task` has a default."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    #: Its name, or the path of its file.
    task: Annotated[str, Field(pattern=rf"{ID_PATTERN}|\.py$"), BeforeValidator(_unquoted)]
    #: One of the task's models; its first when none is named.
    model: Annotated[str | None, BeforeValidator(_unquoted)] = None
    epochs: int = Field(default=40, ge=1, le=10_000)
    batch_size: int = Field(default=32, ge=1, le=65_536)
    #: Adam's.
    learning_rate: float = Field(default=0.002, gt=0, le=10)
    #: Share of the training examples that decide when to stop.
    validation_share: float = Field(default=0.1, gt=0, lt=1)
    #: Epochs without a better validation loss until training stops.
    patience: int = Field(default=8, ge=1)
    seed: int = Field(default=7, ge=0, lt=2**31)


def read_hyperparameters(path: Path) -> Hyperparameters:
    """The job's hyperparameters. Names that SageMaker adds itself (`sagemaker_...`, `_...`) are left out.

    Raises:
        TrainingJobInvalid: the file cannot be read, or a value is wrong; the sentence names it.
    """
    try:
        given = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise TrainingJobInvalid(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(given, dict):
        raise TrainingJobInvalid(f"{path} holds {type(given).__name__}: expected a map of strings")
    ours = {name: value for name, value in given.items() if not name.startswith(("sagemaker_", "_"))}
    try:
        return Hyperparameters.model_validate(ours)
    except ValidationError as error:
        raise TrainingJobInvalid(_sentence(error)) from error


def as_strings(values: Mapping[str, object]) -> dict[str, str]:
    """What SageMaker makes of hyperparameters; those that are None are left to their defaults."""
    return {name: str(value) for name, value in values.items() if value is not None}


def _sentence(error: ValidationError) -> str:
    """The first thing that is wrong."""
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"hyperparameter {name!r} is unknown: expected {', '.join(Hyperparameters.model_fields)}"
    if first["type"] == "missing":
        return f"hyperparameter {name!r} is missing"
    return f"hyperparameter {name!r} is {first['input']!r}: {first['msg'][0].lower()}{first['msg'][1:]}"

"""Data that comes with its owners: what an importer of clients yields, one part after the other."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from edgetrain import keys
from edgetrain.errors import DataFileInvalid
from edgetrain.tasks.base import Task

#: A client is held in memory as a whole, while its numbers are read as Python's own: some 32 bytes each.
MOST_EXAMPLES: Final = 10_000
FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]


@dataclass(frozen=True)
class ClientPart:
    """Some of one client's examples: `x` float32 [n, ...], `y` int32 [n]. `held_out`: nobody trains on them."""

    client: str
    held_out: bool
    x: FloatArray
    y: IntArray


class ClientSource(ABC):
    """Where clients' parts come from. Reading it twice gives the same parts in the same order."""

    #: What it is called wherever the data set is shown.
    kind: ClassVar[str]

    @abstractmethod
    def description(self) -> Mapping[str, Any]:
        """All that determines the parts, as JSON: files by hash, a generator by its settings and version."""

    @abstractmethod
    def __len__(self) -> int:
        """How many parts there are."""

    @abstractmethod
    def __iter__(self) -> Iterator[ClientPart]:
        """The parts; a client has at most one of each sort.

        Raises:
            DataFileInvalid: what is read is not what the layout says.
        """


def checked_client(name: str, where: str) -> str:
    """`name`, when it may be a client's id.

    Raises:
        DataFileInvalid: it may not be part of a key.
    """
    try:
        return keys.checked_id(name, "the writer or client")
    except ValueError as error:
        raise DataFileInvalid(f"{where}: {error}") from error


def checked_examples(task: Task, where: str, x: npt.NDArray[Any], y: npt.NDArray[Any]) -> tuple[FloatArray, IntArray]:
    """A client's examples as the task wants them: `x` [n, ...] of any shape with as many numbers, `y` [n].

    Raises:
        DataFileInvalid: the sentence names the first sample that is wrong, counted from 0, and what was expected.
    """
    if x.dtype.kind not in "fiub":
        raise DataFileInvalid(f"{where}: x holds {x.dtype}: expected numbers")
    if y.dtype.kind not in "iu" or y.ndim != 1:
        raise DataFileInvalid(f"{where}: y is {y.dtype} {list(y.shape)}: expected one whole number for each sample")
    if not x.ndim or len(x) != len(y):
        raise DataFileInvalid(
            f"{where}: {len(x) if x.ndim else 'no'} samples in x, {len(y)} labels in y: expected as many"
        )
    if not len(x):
        raise DataFileInvalid(f"{where} has no samples: expected at least one")
    if x[0].size != task.x.size:
        raise DataFileInvalid(f"{where}, sample 0 has {x[0].size} numbers: expected {_wanted(task)}")
    with np.errstate(over="ignore"):  # too large for float32 is caught below, as infinite
        values = x.astype(np.float32, copy=False).reshape(len(x), *task.x.shape)
    _check_values(task, where, values)
    _check_labels(task, where, y)
    return values, y.astype(np.int32)


def _wanted(task: Task) -> str:
    return f"{task.x.size} ({' x '.join(map(str, task.x.shape))})"


def _check_values(task: Task, where: str, values: FloatArray) -> None:
    low, high = task.x_range or (-np.inf, np.inf)
    with np.errstate(invalid="ignore"):
        good = np.isfinite(values) & (values >= low) & (values <= high)
    if good.all():
        return
    sample, *place = (int(each[0]) for each in np.nonzero(~good))
    expected = "a finite number" if task.x_range is None else f"{low:g} to {high:g}"
    number = int(np.ravel_multi_index(tuple(place), values.shape[1:]))
    found = values[(sample, *place)]
    raise DataFileInvalid(f"{where}, sample {sample}: number {number} is {found:g}: expected {expected}")


def _check_labels(task: Task, where: str, y: npt.NDArray[Any]) -> None:
    wrong = np.flatnonzero((y < 0) | (y >= len(task.labels)))
    if len(wrong):
        sample = int(wrong[0])
        raise DataFileInvalid(f"{where}, sample {sample} has label {y[sample]}: expected 0 to {len(task.labels) - 1}")

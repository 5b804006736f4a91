"""One file for each client, named after it: arrays (`.npz`) or a table (`.csv`)."""

import csv
import hashlib
import zipfile
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from edgetrain.datasets.sources import MOST_EXAMPLES, ClientPart, ClientSource, checked_client, checked_examples
from edgetrain.errors import DataFileInvalid, UsageError
from edgetrain.tasks.base import Task

Arrays = tuple[npt.NDArray[Any], npt.NDArray[Any]]


@dataclass(frozen=True)
class HoldOut:
    """Which of a client's examples are held out: this share of them, drawn by the seed and the client's name."""

    share: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1:
            raise UsageError(f"the held-out share is {self.share}: expected 0 or more, and less than 1")

    def rows(self, client: str, count: int) -> npt.NDArray[np.bool_]:
        """Of `count` examples, those that are held out: at least one and not all, where there are two."""
        wanted = min(max(1, round(self.share * count)), count - 1) if self.share else 0
        rng = np.random.default_rng([self.seed, int.from_bytes(client.encode())])
        chosen = np.zeros(count, np.bool_)
        chosen[rng.permutation(count)[:wanted]] = True
        return chosen


class ClientFiles(ClientSource):
    """A folder with one file for each client; the file's name without its ending is the client's.

    Making one reads the files' hashes.
    """

    ending: ClassVar[str]

    def __init__(self, task: Task, folder: Path, hold_out: HoldOut) -> None:
        self._task, self._hold_out = task, hold_out
        self._files = sorted(folder.glob(f"*{self.ending}"))
        if not self._files:
            raise DataFileInvalid(f"{folder}: no *{self.ending} in it: expected one file for each client")
        self._hashes = {checked_client(path.stem, str(path)): _sha256(path) for path in self._files}

    def description(self) -> Mapping[str, Any]:
        """The files by hash, and how their examples are held out."""
        return {"kind": self.kind, "files": self._hashes, "hold_out": asdict(self._hold_out)}

    def __len__(self) -> int:
        """Two parts for each file (one for a client with one example)."""
        return 2 * len(self._files)

    def __iter__(self) -> Iterator[ClientPart]:
        """File by file, in the order of their names."""
        for path in self._files:
            x, y, test = self._read(path)
            yield ClientPart(path.stem, False, *checked_examples(self._task, str(path), x, y))
            if test is not None:
                yield ClientPart(path.stem, True, *checked_examples(self._task, f"{path}, held-out part", *test))

    @abstractmethod
    def _read(self, path: Path) -> tuple[npt.NDArray[Any], npt.NDArray[Any], Arrays | None]:
        """`x`, `y`, and the same of the held-out part if there is one."""

    def _split(self, path: Path, x: npt.NDArray[Any], y: npt.NDArray[Any]) -> tuple[Any, Any, Arrays | None]:
        """Hold out the client's share. The sentence of a bad sample must name it as it is in the file: so check first."""
        x, y = checked_examples(self._task, str(path), x, y)
        held_out = self._hold_out.rows(path.stem, len(y))
        return x[~held_out], y[~held_out], (x[held_out], y[held_out]) if held_out.any() else None


class NpzSource(ClientFiles):
    """`x` [n, ...] and `y` [n] of each client; `test_x` and `test_y`, if they are there, are its held-out part."""

    kind: ClassVar[str] = "npz"
    ending: ClassVar[str] = ".npz"

    def _read(self, path: Path) -> tuple[npt.NDArray[Any], npt.NDArray[Any], Arrays | None]:
        try:
            with np.load(path, allow_pickle=False) as archive:
                found = {name: archive[name] for name in ("x", "y", "test_x", "test_y") if name in archive}
        except (OSError, ValueError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise DataFileInvalid(f"{path} cannot be read ({reason}): expected an .npz with arrays x and y") from error
        missing = [name for name in ("x", "y") if name not in found]
        if missing or ("test_x" in found) != ("test_y" in found):
            raise DataFileInvalid(
                f"{path} holds {', '.join(found) or 'none'} of the arrays: expected x and y, and test_x and test_y or neither"
            )
        if "test_x" in found:
            return found["x"], found["y"], (found["test_x"], found["test_y"])
        return self._split(path, found["x"], found["y"])


class CsvSource(ClientFiles):
    """A table with a line of names on top: one column of labels, all others are an example's numbers, in their order.

    A label is one of the task's names, or a class's number. All files have the same columns.
    """

    kind: ClassVar[str] = "csv"
    ending: ClassVar[str] = ".csv"

    def __init__(self, task: Task, folder: Path, hold_out: HoldOut, label_column: str = "label") -> None:
        super().__init__(task, folder, hold_out)
        self._label = label_column
        self._columns: list[str] | None = None

    def description(self) -> Mapping[str, Any]:
        """As of all client files, and the labels' column."""
        return {**super().description(), "label_column": self._label}

    def _read(self, path: Path) -> tuple[npt.NDArray[Any], npt.NDArray[Any], Arrays | None]:
        x: list[list[float]] = []
        y: list[int] = []
        try:
            with path.open(newline="", encoding="utf-8-sig") as opened:
                lines = csv.reader(opened)
                at = self._label_position(path, next(lines, []))
                for cells in lines:
                    if not cells:
                        continue
                    if len(y) == MOST_EXAMPLES:
                        raise DataFileInvalid(
                            f"{path} has more than {MOST_EXAMPLES:,} samples: expected at most so many"
                        )
                    label, numbers = self._sample(f"{path}, line {lines.line_num}", len(y), cells, at)
                    x.append(numbers)
                    y.append(label)
        except (csv.Error, UnicodeDecodeError) as error:
            raise DataFileInvalid(f"{path} is no CSV ({error}): expected UTF-8 text with commas") from error
        return self._split(path, np.asarray(x, np.float64), np.asarray(y, np.int64))

    def _label_position(self, path: Path, columns: list[str]) -> int:
        names = [name.strip() for name in columns]
        if names.count(self._label) != 1:
            raise DataFileInvalid(
                f"{path}, line 1: {names.count(self._label)} columns are called {self._label}: expected one"
            )
        if len(names) - 1 != self._task.x.size:
            raise DataFileInvalid(
                f"{path}, line 1: {len(names) - 1} columns beside {self._label}: expected {self._task.x.size}, as task "
                f"{self._task.name} has numbers in an example"
            )
        if self._columns is not None and names != self._columns:
            raise DataFileInvalid(
                f"{path}, line 1: other columns than in {self._files[0]}: expected the same in all files"
            )
        self._columns = names
        return names.index(self._label)

    def _sample(self, where: str, sample: int, cells: Sequence[str], at: int) -> tuple[int, list[float]]:
        if self._columns is None or len(cells) != len(self._columns):
            raise DataFileInvalid(
                f"{where}, sample {sample} has {len(cells)} cells: expected {len(self._columns or ())}"
            )
        numbers = []
        for name, cell in zip(self._columns, cells, strict=True):
            if name != self._label:
                try:
                    numbers.append(float(cell))
                except ValueError as error:
                    raise DataFileInvalid(f"{where}, sample {sample}: {name} is {cell!r}: expected a number") from error
        return self._class_of(where, sample, cells[at].strip()), numbers

    def _class_of(self, where: str, sample: int, label: str) -> int:
        if label in self._task.labels:
            return self._task.labels.index(label)
        if label.isdecimal() and int(label) < len(self._task.labels):
            return int(label)
        known = ", ".join(self._task.labels[:10]) + (", ..." if len(self._task.labels) > 10 else "")
        raise DataFileInvalid(
            f"{where}, sample {sample} has label {label!r}: expected one of {known}, or 0 to {len(self._task.labels) - 1}"
        )


def _sha256(path: Path) -> str:
    if not path.stat().st_size:
        raise DataFileInvalid(f"{path} is empty: expected a client's examples")
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()

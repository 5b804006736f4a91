"""LEAF's JSON layout, read as a stream: one writer at a time, whatever the size of a file.

`train/*.json` and `test/*.json` hold `users`, `num_samples` and `user_data: {user: {"x": [[...], ...], "y": [...]}}`; one client per
user. S. Caldas et al.: "LEAF: A Benchmark for Federated Settings" (2018).
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import ijson
import numpy as np
import numpy.typing as npt

from edgetrain.datasets.sources import MOST_EXAMPLES, ClientPart, ClientSource, checked_client, checked_examples
from edgetrain.errors import DataFileInvalid
from edgetrain.tasks.base import Task

#: The two halves of a data set, and whether nobody trains on them.
HALVES: Final = {"train": False, "test": True}
LAYOUT: Final = "an object with users, num_samples and user_data"
#: A parser's words are cut here: they quote the file.
REASON_CHARACTERS: Final = 100


@dataclass(frozen=True)
class LeafFile:
    """One file: its users with their numbers of samples, and the SHA-256 of its bytes."""

    path: Path
    name: str
    held_out: bool
    users: Mapping[str, int]
    sha256: str


class LeafSource(ClientSource):
    """A folder in LEAF's layout. Making one reads every file's hash and its list of users, and no samples."""

    kind: ClassVar[str] = "LEAF"

    def __init__(self, task: Task, folder: Path) -> None:
        self._task = task
        self._files = [_look_at(path, folder, held_out) for path, held_out in _files(folder)]
        for held_out in HALVES.values():
            _check_once([file for file in self._files if file.held_out is held_out])

    def description(self) -> Mapping[str, Any]:
        """The files by name and hash."""
        return {"kind": self.kind, "files": {file.name: file.sha256 for file in self._files}}

    def __len__(self) -> int:
        """One part for each user of each file."""
        return sum(len(file.users) for file in self._files)

    def __iter__(self) -> Iterator[ClientPart]:
        """File by file, in the order of their names."""
        for file in self._files:
            yield from _parts(self._task, file)


def _files(folder: Path) -> list[tuple[Path, bool]]:
    """The files of both halves: `train/*.json`, or one `train.json`; the same for `test`.

    Raises:
        DataFileInvalid: a half is not there.
    """
    found = []
    for half, held_out in HALVES.items():
        single = folder / f"{half}.json"
        paths = sorted((folder / half).glob("*.json")) or ([single] if single.is_file() else [])
        if not paths:
            raise DataFileInvalid(
                f"{folder}: no {half}/*.json in it: expected LEAF's layout, train/*.json and test/*.json"
            )
        found += [(path, held_out) for path in paths]
    return found


def _look_at(path: Path, folder: Path, held_out: bool) -> LeafFile:
    if not path.stat().st_size:
        raise DataFileInvalid(f"{path} is empty: expected {LAYOUT}")
    with path.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    users, counts = (_list(path, name) for name in ("users", "num_samples"))
    if len(users) != len(counts):
        raise DataFileInvalid(f"{path}: {len(users)} users and {len(counts)} num_samples: expected as many")
    if not users:
        raise DataFileInvalid(f"{path} has no users: expected at least one")
    sizes: dict[str, int] = {}
    for position, (user, count) in enumerate(zip(users, counts, strict=True)):
        if not isinstance(user, str):
            raise DataFileInvalid(f"{path}: users[{position}] is {user!r}: expected a name")
        where = f"{path}, writer {user}"
        if user in sizes:
            raise DataFileInvalid(f"{where} is in users twice: expected every writer once")
        if type(count) is not int or not 1 <= count <= MOST_EXAMPLES:
            raise DataFileInvalid(f"{where}: num_samples is {count!r}: expected 1 to {MOST_EXAMPLES:,}")
        sizes[checked_client(user, where)] = count
    return LeafFile(path, path.relative_to(folder).as_posix(), held_out, sizes, digest)


def _check_once(files: list[LeafFile]) -> None:
    seen: dict[str, Path] = {}
    for file in files:
        for user in file.users:
            if user in seen:
                raise DataFileInvalid(f"{file.path}, writer {user} is in {seen[user]}, too: expected every writer once")
            seen[user] = file.path


def _list(path: Path, name: str) -> list[Any]:
    """A list at the top of the file; only as much is read as lies before its end."""
    with path.open("rb") as opened:
        try:
            found = next(ijson.items(opened, name, use_float=True), None)
        except ijson.JSONError as error:
            raise _not_json(path, error) from error
    if not isinstance(found, list):
        raise DataFileInvalid(f"{path}: no list {name} in it: expected {LAYOUT}")
    return found


def _parts(task: Task, file: LeafFile) -> Iterator[ClientPart]:
    """The writers of one file; those that `users` lists and no others, with as many samples as `num_samples` says."""
    seen: set[str] = set()
    for user, data in _user_data(file.path):
        where = f"{file.path}, writer {user}"
        if user not in file.users:
            raise DataFileInvalid(f"{where} is in user_data and not in users: expected the same writers in both")
        if user in seen:
            raise DataFileInvalid(f"{where} is in user_data twice: expected every writer once")
        seen.add(user)
        x, y = _arrays(task, where, data)
        if len(x) != file.users[user]:
            raise DataFileInvalid(
                f"{where}: {len(x)} samples, and num_samples says {file.users[user]}: expected as many"
            )
        yield ClientPart(user, file.held_out, *checked_examples(task, where, x, y))
    missing = next((user for user in file.users if user not in seen), None)
    if missing is not None:
        raise DataFileInvalid(
            f"{file.path}, writer {missing} is in users and not in user_data: expected the same in both"
        )


def _user_data(path: Path) -> Iterator[tuple[str, Any]]:
    """User after user; only one is in memory."""
    before = ""
    with path.open("rb") as opened:
        try:
            for user, data in ijson.kvitems(opened, "user_data", use_float=True):
                yield user, data
                before = f", after writer {user}"
        except ijson.JSONError as error:
            raise _not_json(path, error, before) from error


def _arrays(task: Task, where: str, data: Any) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """`x` [n, numbers] and `y` [n] of one user, as they came out of the JSON."""
    x, y = (data.get(name) if isinstance(data, dict) else None for name in ("x", "y"))
    if not isinstance(x, list) or not isinstance(y, list):
        raise DataFileInvalid(f"{where}: no lists x and y: expected both")
    for sample, label in enumerate(y):
        if type(label) is not int:
            raise DataFileInvalid(f"{where}, sample {sample} has label {label!r}: expected 0 to {len(task.labels) - 1}")
    for sample, row in enumerate(x):
        if not isinstance(row, list) or len(row) != task.x.size:
            found = f"{len(row)} numbers" if isinstance(row, list) else f"{row!r}"
            raise DataFileInvalid(f"{where}, sample {sample} has {found}: expected {task.x.size} numbers")
    return _numbers(where, x), np.asarray(y, np.int64)


def _numbers(where: str, rows: list[list[Any]]) -> npt.NDArray[np.float64]:
    try:
        return np.asarray(rows, np.float64)
    except (TypeError, ValueError) as error:
        for sample, row in enumerate(rows):
            for number, value in enumerate(row):
                if not isinstance(value, int | float):
                    raise DataFileInvalid(
                        f"{where}, sample {sample}: number {number} is {str(value)[:20]!r}: expected a number"
                    ) from error
        raise


def _not_json(path: Path, error: Exception, after: str = "") -> DataFileInvalid:
    reason = " ".join(str(error).splitlines()[0].split())[:REASON_CHARACTERS] if str(error) else type(error).__name__
    return DataFileInvalid(f"{path} is not JSON{after} ({reason}): expected {LAYOUT}")

"""From the options of `edgetrain data import` to the data that they ask for."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from edgetrain.client.data import Split
from edgetrain.datasets.sources import ClientSource
from edgetrain.errors import UsageError
from edgetrain.tasks.base import Task

CLIENTS: Final = 20
ALPHA: Final = 0.3
TEST_SHARE: Final = 0.1
LABEL_COLUMN: Final = "label"

#: Where data come from -> the options that go along with it.
BELONGING: Final = {
    "leaf": set[str](),
    "npz": {"test_share"},
    "csv": {"test_share", "label_column"},
    "generate_writers": {"test_share"},
}
OF_THE_TASKS_OWN: Final = {"clients", "alpha"}


@dataclass(frozen=True)
class DataOptions:
    """What was given; None where an option was not."""

    clients: int | None = None
    alpha: float | None = None
    leaf: Path | None = None
    npz: Path | None = None
    csv: Path | None = None
    label_column: str | None = None
    test_share: float | None = None
    generate_writers: int | None = None

    def data(self, task: Task, seed: int) -> Split | ClientSource:
        """The task's own data to be split, or a source of clients.

        Raises:
            UsageError: the options do not go together, or a folder is none.
            DataFileInvalid: a folder is not in its layout.
        """
        given = [field.name for field in fields(self) if getattr(self, field.name) is not None]
        kinds = [name for name in given if name in BELONGING]
        if len(kinds) > 1:
            raise UsageError(f"{' and '.join(map(_option, kinds))}: expected one of them")
        kind = kinds[0] if kinds else None
        for name in given:
            if name != kind and name not in (OF_THE_TASKS_OWN if kind is None else BELONGING[kind]):
                raise UsageError(
                    f"{_option(name)} does not go with {_option(kind) if kind else 'data that the task brings'}"
                )
        if kind is None:
            clients = CLIENTS if self.clients is None else self.clients
            return Split(clients=clients, alpha=ALPHA if self.alpha is None else self.alpha, seed=seed)
        return self._source(task, seed)

    def _source(self, task: Task, seed: int) -> ClientSource:
        from edgetrain.datasets.client_files import CsvSource, HoldOut, NpzSource

        hold_out = HoldOut(TEST_SHARE if self.test_share is None else self.test_share, seed)
        if self.npz is not None:
            return NpzSource(task, _folder("npz", self.npz), hold_out)
        if self.csv is not None:
            return CsvSource(task, _folder("csv", self.csv), hold_out, self.label_column or LABEL_COLUMN)
        if self.leaf is not None:
            from edgetrain.datasets.leaf import LeafSource

            return LeafSource(task, _folder("leaf", self.leaf))
        from edgetrain.datasets.generated import GeneratedWriters

        return GeneratedWriters(task, self.generate_writers or 0, seed, hold_out)


def _folder(name: str, folder: Path) -> Path:
    if not folder.is_dir():
        raise UsageError(f"{_option(name)} {folder}: expected a folder")
    return folder


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"

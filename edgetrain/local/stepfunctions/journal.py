"""What happened, in sqlite: executions, their histories, their map runs. Used by the engine's loop thread alone.

Rows are gathered and written in batches. `flush` is called before anything is read, before a start is answered, when
an execution ends, and a moment after anything else. A row is safe from the death of the process once it is flushed
(write-ahead log); `synchronous=NORMAL` gives up only what a failing machine held in its caches.

All that an execution needs is here: its definition, its input, where each of its flows stands (`places.Place`), each
map's items' outcomes. What was RUNNING when the process died is found at the next opening, and goes on. An event and
the move of the flow that it belongs to are gathered without a pause between them, so they are written together.
"""

import hashlib
import sqlite3
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from edgetrain.local.stepfunctions.failures import JournalUnreadable
from edgetrain.local.stepfunctions.places import Place
from edgetrain.local.stepfunctions.tables import SCHEMA, VERSION, ExecutionRow, MapRunRow

_INSERTS: Final = {
    "executions": f"insert into executions values ({', '.join('?' * len(fields(ExecutionRow)))})",  # noqa: S608 - no value in it
    "events": "insert into events values (?, ?, ?, ?, ?, ?)",
    "map_runs": f"insert into map_runs values ({', '.join('?' * len(fields(MapRunRow)))})",  # noqa: S608 - no value in it
}
_ENDS_EXECUTION: Final = "update executions set status = ?, stopped = ?, output = ?, error = ?, cause = ? where key = ?"
_ENDS_MAP_RUN: Final = "update map_runs set status = ?, stopped = ? where arn = ?"
_REDRIVES_EXECUTION: Final = (
    "update executions set status = 'RUNNING', stopped = null, error = null, cause = null, "
    "redrives = redrives + 1, redriven = ? where key = ?"
)
_REDRIVES_MAP_RUN: Final = (
    "update map_runs set status = 'RUNNING', stopped = null, redrives = redrives + 1, redriven = ? where arn = ?"
)
_FORGETS_PLACES: Final = "delete from places where execution = ? and substr(path, 1, ?) = ?"
_KEEPS_PLACE: Final = "insert or replace into places values (?, ?, ?, ?, ?, ?, ?)"
_SIZES_MAP_RUN: Final = "update map_runs set items = ?, executions = ? where arn = ?"
_KEEPS_ITEMS: Final = "insert or replace into map_items values (?, ?)"
_FORGETS_ITEMS: Final = "delete from map_items where map_run = ?"
#: How many rows are gathered before they are written without being asked for.
_BATCH: Final = 5_000


def _nothing(_now: bool) -> None:
    """Nobody is told."""


class Journal:
    """The rows, and what is asked of them."""

    def __init__(self, path: Path) -> None:
        """Open `path`, or make it.

        Raises:
            JournalUnreadable: another version of this program wrote it.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("pragma journal_mode = wal")
        self._database.execute("pragma synchronous = normal")
        version = self._database.execute("pragma user_version").fetchone()[0]
        if version not in (0, VERSION):
            self._database.close()
            raise JournalUnreadable(f"{path} has version {version} of the journal's tables, expected {VERSION}")
        if version == 0:
            self._database.executescript(f"begin; {SCHEMA} pragma user_version = {VERSION}; commit;")
        self._rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in _INSERTS}
        # In the order in which they are written: what a redrive begins may have ended in the same batch.
        self._updates: dict[str, list[tuple[Any, ...]]] = {
            _REDRIVES_EXECUTION: [],
            _REDRIVES_MAP_RUN: [],
            _ENDS_EXECUTION: [],
            _SIZES_MAP_RUN: [],
            _ENDS_MAP_RUN: [],
            _KEEPS_ITEMS: [],
            _FORGETS_ITEMS: [],
            _FORGETS_PLACES: [],
        }
        #: Places of flows that moved since they were written, and the executions that have written ones.
        self._moved: dict[int, dict[str, Place]] = {}
        self._placed: set[int] = {row[0] for row in self._database.execute("select distinct execution from places")}
        #: Called when rows begin to wait, and when they are many; whoever sets it calls `flush` soon (True: at once).
        #: Not within the call: rows that belong together are gathered one after the other, and written together.
        self.on_waiting: Callable[[bool], None] = _nothing
        self._waiting = 0
        self._frozen = False
        self._definitions: set[str] = {row[0] for row in self._database.execute("select id from definitions")}
        self._last_key: int = self._database.execute("select coalesce(max(key), 0) from executions").fetchone()[0]

    def close(self) -> None:
        """Write what is left, and close the file."""
        self.flush()
        self._database.close()

    # --- writing

    def new_key(self) -> int:
        """The key of the next execution: they grow in the order of starts."""
        self._last_key += 1
        return self._last_key

    def keep_definition(self, definition: str) -> str:
        """The id under which this text is kept."""
        identity = hashlib.sha256(definition.encode()).hexdigest()
        if identity not in self._definitions:
            self._database.execute("insert into definitions values (?, ?)", (identity, definition))
            self._definitions.add(identity)
        return identity

    def add_execution(self, row: ExecutionRow) -> None:
        """An execution has started."""
        self._gather(self._rows["executions"], tuple(vars(row).values()))

    def add_event(self, execution: int, event: int, previous: int, at: float, kind: str, details: str) -> None:
        """Something happened in an execution."""
        self._gather(self._rows["events"], (execution, event, previous, at, kind, details))

    def end_execution(
        self, key: int, status: str, at: float, output: str | None, error: str | None, cause: str | None
    ) -> None:
        """An execution has ended."""
        self._gather(self._updates[_ENDS_EXECUTION], (status, at, output, error, cause, key))

    def add_map_run(self, row: MapRunRow) -> None:
        """A map run has started."""
        self._gather(self._rows["map_runs"], tuple(vars(row).values()))

    def end_map_run(self, arn: str, status: str, at: float) -> None:
        """A map run has ended."""
        self._gather(self._updates[_ENDS_MAP_RUN], (status, at, arn))
        if status == "SUCCEEDED":
            self._gather(self._updates[_FORGETS_ITEMS], (arn,))

    def size_map_run(self, arn: str, items: int, executions: int) -> None:
        """It is known how many items a map run has, and in how many executions."""
        self._gather(self._updates[_SIZES_MAP_RUN], (items, executions, arn))

    def keep_items(self, arn: str, items: str) -> None:
        """A map run has read its items (JSON text): they are kept until it has succeeded."""
        self._gather(self._updates[_KEEPS_ITEMS], (arn, items))

    def redrive_execution(self, key: int, at: float) -> None:
        """An execution that had failed runs again."""
        self.flush()  # its end is written before
        self._gather(self._updates[_REDRIVES_EXECUTION], (at, key))

    def redrive_map_run(self, arn: str, at: float) -> None:
        """A map run that had failed runs again."""
        self.flush()
        self._gather(self._updates[_REDRIVES_MAP_RUN], (at, arn))

    def keep_place(self, place: Place) -> None:
        """A flow has moved. The place is read when it is written, and may move on until then."""
        self._moved.setdefault(place.execution, {})[place.path] = place
        self._wait()

    def forget_places(self, execution: int, within: str = "") -> None:
        """Flows whose paths begin with `within` are over."""
        moved = self._moved.get(execution, {})
        for path in [path for path in moved if path.startswith(within)]:
            del moved[path]
        if execution in self._placed:
            self._gather(self._updates[_FORGETS_PLACES], (execution, len(within), within))

    def _gather(self, rows: list[tuple[Any, ...]], row: tuple[Any, ...]) -> None:
        if not self._frozen:
            rows.append(row)
            self._wait()

    def _wait(self) -> None:
        self._waiting += 1
        if self._waiting == 1 or self._waiting % _BATCH == 0:
            self.on_waiting(self._waiting > 1)

    def flush(self) -> None:
        """Write everything gathered so far, in one transaction."""
        if not self._waiting or self._frozen:
            return
        places = [place.row() for moved in self._moved.values() for place in moved.values()]
        self._placed.update(execution for execution, moved in self._moved.items() if moved)
        pending = [
            *((_INSERTS[name], rows) for name, rows in self._rows.items()),
            *self._updates.items(),
            (_KEEPS_PLACE, places),
        ]
        with self._database:
            self._database.execute("begin")
            for statement, rows in pending:
                if rows:
                    self._database.executemany(statement, rows)
        for _, rows in pending:
            rows.clear()
        self._moved.clear()
        self._waiting = 0

    @property
    def frozen(self) -> bool:
        """Whether nothing is written any more."""
        return self._frozen

    def freeze(self) -> None:
        """Write everything gathered so far, and nothing any more: how things stand is how they are found again."""
        self.flush()
        self._frozen = True

    # --- reading

    def select(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query, over everything written and gathered."""
        self.flush()
        return self._database.execute(statement, values).fetchall()

    def execution(self, arn: str) -> ExecutionRow | None:
        """The execution of this ARN."""
        return next(iter(self.executions("arn = ?", arn)), None)

    def executions(self, condition: str, *values: Any) -> list[ExecutionRow]:
        """The executions of which a condition (SQL, with what may follow it) holds."""
        names = list(ExecutionRow.__dataclass_fields__)
        rows = self.select(f"select {', '.join(names)} from executions where {condition}", *values)  # noqa: S608 - our own text
        return [ExecutionRow(**dict(zip(names, row, strict=True))) for row in rows]

    def last_event(self, execution: int) -> int:
        """The number of an execution's last event, which is how many there are."""
        return int(self.select("select coalesce(max(id), 0) from events where execution = ?", execution)[0][0])

    def map_runs(self, condition: str, *values: Any) -> list[MapRunRow]:
        """The map runs of which a condition holds."""
        names = list(MapRunRow.__dataclass_fields__)
        rows = self.select(f"select {', '.join(names)} from map_runs where {condition}", *values)  # noqa: S608 - our own text
        return [MapRunRow(**dict(zip(names, row, strict=True))) for row in rows]

    def definition(self, identity: str) -> str:
        """A definition's text."""
        return str(self.select("select definition from definitions where id = ?", identity)[0][0])

    def places(self, execution: int) -> tuple[Place, ...]:
        """Where the flows of an execution stand."""
        return tuple(map(Place.of_row, self.select("select * from places where execution = ?", execution)))

    def items(self, map_run: str) -> str | None:
        """The items that a map run has read, as JSON text, or None when it has not."""
        rows = self.select("select items from map_items where map_run = ?", map_run)
        return str(rows[0][0]) if rows else None

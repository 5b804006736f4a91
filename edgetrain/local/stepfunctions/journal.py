"""What happened, in sqlite: executions, their histories, their map runs. Used by the engine's loop thread alone.

Rows are gathered and written in batches. `flush` is called before anything is read, before a start is answered, when
an execution ends, and a moment after anything else. A row is safe from the death of the process once it is flushed
(write-ahead log); `synchronous=NORMAL` gives up only what a failing machine held in its caches.

All that an execution needs is here: its definition, its input, each state's input and output, each map's items'
outcomes. What was RUNNING when the process died is found at the next opening.
"""

import hashlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edgetrain.local.stepfunctions.failures import JournalUnreadable

VERSION: Final = 1
_SCHEMA: Final = """
create table definitions (id text primary key, definition text not null) without rowid;
create table executions (
  key integer primary key,
  arn text not null unique,
  machine_arn text not null,
  name text not null,
  role_arn text not null,
  definition_id text not null references definitions (id),
  input text not null,
  status text not null,
  started real not null,
  stopped real,
  output text,
  error text,
  cause text,
  trace_header text,
  map_run_arn text,
  item integer
);
create index executions_of_machine on executions (machine_arn, started);
create index executions_of_map_run on executions (map_run_arn, status) where map_run_arn is not null;
create index executions_running on executions (status) where status = 'RUNNING';
create table events (
  execution integer not null,
  id integer not null,
  previous integer not null,
  at real not null,
  type text not null,
  details text not null,
  primary key (execution, id)
) without rowid;
create table map_runs (
  arn text primary key,
  execution_arn text not null,
  machine_arn text not null,
  label text not null,
  state text not null,
  status text not null,
  started real not null,
  stopped real,
  items integer not null,
  max_concurrency integer not null,
  tolerated_count integer not null,
  tolerated_percentage real not null
) without rowid;
create index map_runs_of_execution on map_runs (execution_arn);
"""


@dataclass(frozen=True, kw_only=True)
class ExecutionRow:
    """An execution, as its row has it; times are epoch seconds."""

    key: int
    arn: str
    machine_arn: str
    name: str
    role_arn: str
    definition_id: str
    input: str
    status: str
    started: float
    stopped: float | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    trace_header: str | None = None
    map_run_arn: str | None = None
    item: int | None = None


@dataclass(frozen=True, kw_only=True)
class MapRunRow:
    """A map run, as its row has it."""

    arn: str
    execution_arn: str
    machine_arn: str
    label: str
    state: str
    status: str
    started: float
    stopped: float | None = None
    items: int
    max_concurrency: int
    tolerated_count: int
    tolerated_percentage: float


_INSERTS: Final = {
    "executions": f"insert into executions values ({', '.join('?' * 16)})",  # noqa: S608 - no value in it
    "events": "insert into events values (?, ?, ?, ?, ?, ?)",
    "map_runs": f"insert into map_runs values ({', '.join('?' * 12)})",  # noqa: S608 - no value in it
}
_ENDS_EXECUTION: Final = "update executions set status = ?, stopped = ?, output = ?, error = ?, cause = ? where key = ?"
_ENDS_MAP_RUN: Final = "update map_runs set status = ?, stopped = ? where arn = ?"
_SIZES_MAP_RUN: Final = "update map_runs set items = ? where arn = ?"
#: How many rows are gathered before they are written without being asked for.
_BATCH: Final = 5_000


def _nothing() -> None:
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
            self._database.executescript(f"begin; {_SCHEMA} pragma user_version = {VERSION}; commit;")
        self._rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in _INSERTS}
        self._updates: dict[str, list[tuple[Any, ...]]] = {_ENDS_EXECUTION: [], _SIZES_MAP_RUN: [], _ENDS_MAP_RUN: []}
        #: Called when rows begin to wait; whoever sets it calls `flush` soon.
        self.on_waiting: Callable[[], None] = _nothing
        self._waiting = 0
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

    def size_map_run(self, arn: str, items: int) -> None:
        """It is known how many items a map run has."""
        self._gather(self._updates[_SIZES_MAP_RUN], (items, arn))

    def _gather(self, rows: list[tuple[Any, ...]], row: tuple[Any, ...]) -> None:
        rows.append(row)
        self._waiting += 1
        if self._waiting == 1:
            self.on_waiting()
        elif self._waiting >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Write everything gathered so far, in one transaction."""
        if not self._waiting:
            return
        pending = [*((_INSERTS[name], rows) for name, rows in self._rows.items()), *self._updates.items()]
        with self._database:
            self._database.execute("begin")
            for statement, rows in pending:
                if rows:
                    self._database.executemany(statement, rows)
        for _, rows in pending:
            rows.clear()
        self._waiting = 0

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

    def map_runs(self, condition: str, *values: Any) -> list[MapRunRow]:
        """The map runs of which a condition holds."""
        names = list(MapRunRow.__dataclass_fields__)
        rows = self.select(f"select {', '.join(names)} from map_runs where {condition}", *values)  # noqa: S608 - our own text
        return [MapRunRow(**dict(zip(names, row, strict=True))) for row in rows]

    def definition(self, identity: str) -> str:
        """A definition's text."""
        return str(self.select("select definition from definitions where id = ?", identity)[0][0])

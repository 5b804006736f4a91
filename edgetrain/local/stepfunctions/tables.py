"""The journal's tables, and their rows."""

from dataclasses import dataclass
from typing import Final

#: Of the tables; a journal of another version is not touched.
VERSION: Final = 2
SCHEMA: Final = """
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
  item integer,
  items integer,
  redrives integer not null,
  redriven real
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
  executions integer not null,
  max_concurrency integer not null,
  tolerated_count integer not null,
  tolerated_percentage real not null,
  redrives integer not null,
  redriven real
) without rowid;
create table map_items (map_run text primary key, items text not null) without rowid;
create table places (
  execution integer not null,
  path text not null,
  state text,
  data text not null,
  entered integer not null,
  last integer not null,
  notes text not null,
  primary key (execution, path)
) without rowid;
create index map_runs_of_execution on map_runs (execution_arn);
"""


@dataclass(frozen=True, kw_only=True)
class ExecutionRow:
    """An execution, as its row has it; times are epoch seconds.

    `item` is which of its map run's executions it is, and `items` how many items it has.
    """

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
    items: int | None = None
    redrives: int = 0
    redriven: float | None = None


@dataclass(frozen=True, kw_only=True)
class MapRunRow:
    """A map run, as its row has it: of so many items, in so many executions."""

    arn: str
    execution_arn: str
    machine_arn: str
    label: str
    state: str
    status: str
    started: float
    stopped: float | None = None
    items: int
    executions: int
    max_concurrency: int
    tolerated_count: int
    tolerated_percentage: float
    redrives: int = 0
    redriven: float | None = None

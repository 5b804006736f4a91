"""What is asked of the journal, page by page."""

from dataclasses import dataclass
from typing import Any, Final

from edgetrain import limits
from edgetrain.local.stepfunctions.failures import ApiError
from edgetrain.local.stepfunctions.journal import Journal
from edgetrain.local.stepfunctions.paging import read_token, write_token
from edgetrain.local.stepfunctions.tables import ExecutionRow, MapRunRow


@dataclass(frozen=True)
class Event:
    """One event of a history; `details` is the JSON text of what the API puts beside the common fields."""

    id: int
    previous: int
    at: float
    kind: str
    details: str


#: Rows, and the token of the next page or None.
ExecutionPage = tuple[list[ExecutionRow], str | None]
EventPage = tuple[list[Event], str | None]
MapRunPage = tuple[list[MapRunRow], str | None]
#: Running executions by their start, ended ones by their end; the latest first.
_MOMENT = "coalesce(stopped, started)"


class Queries:
    """Read only, in the loop's thread. A page has at most `limit` rows and comes with the next page's token, or None."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def execution(self, arn: str) -> ExecutionRow:
        """An execution.

        Raises:
            ApiError: ExecutionDoesNotExist.
        """
        row = self._journal.execution(arn)
        if row is None:
            raise ApiError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return row

    def last_event(self, row: ExecutionRow) -> int:
        """The number of an execution's last event, which is how many there are."""
        return self._journal.last_event(row.key)

    def definition(self, row: ExecutionRow) -> str:
        """The definition that an execution was started with."""
        return self._journal.definition(row.definition_id)

    def executions(
        self,
        arn: str,
        *,
        status: str | None = None,
        redriven: bool | None = None,
        limit: int = limits.DEFAULT_EXECUTIONS_PAGE,
        token: str | None = None,
    ) -> ExecutionPage:
        """The executions of a state machine, or of a map run, the latest first; `redriven`: only those that were, or were not.

        Raises:
            ApiError: InvalidToken; ResourceNotFound, there is no such map run.
        """
        owner = "machine_arn"
        if ":mapRun:" in arn:
            owner = "map_run_arn"
            self.map_run(arn)
        asked = f"executions {arn} {status} {redriven}"
        condition, values = f"{owner} = ?", [arn]
        if status is not None:
            condition += " and status = ?"
            values.append(status)
        if redriven is not None:
            condition += " and redrives > 0" if redriven else " and redrives = 0"
        position: list[Any] = read_token(token, asked, 2)
        if position:
            condition += f" and ({_MOMENT}, key) < (?, ?)"
        condition += f" order by {_MOMENT} desc, key desc limit ?"
        rows = self._journal.executions(condition, *values, *position, limit + 1)
        if len(rows) <= limit:
            return rows, None
        last = rows[limit - 1]
        moment = last.started if last.stopped is None else last.stopped
        return rows[:limit], write_token(asked, [moment, last.key])

    def events(
        self,
        arn: str,
        *,
        backwards: bool = False,
        limit: int = limits.DEFAULT_EXECUTIONS_PAGE,
        token: str | None = None,
    ) -> EventPage:
        """The events of an execution, the first or (`backwards`) the last first.

        Raises:
            ApiError: ExecutionDoesNotExist, InvalidToken.
        """
        row = self.execution(arn)
        asked = f"events {arn} {backwards}"
        position: list[Any] = read_token(token, asked, 1)
        condition = "execution = ?"
        if position:
            condition += " and id < ?" if backwards else " and id > ?"
        order = "desc" if backwards else "asc"
        rows = self._journal.select(
            f"select id, previous, at, type, details from events where {condition} order by id {order} limit ?",  # noqa: S608 - our own text
            row.key,
            *position,
            limit + 1,
        )
        events = [Event(*each) for each in rows]
        if len(events) <= limit:
            return events, None
        return events[:limit], write_token(asked, [events[limit - 1].id])

    def map_run(self, arn: str) -> MapRunRow:
        """A map run.

        Raises:
            ApiError: ResourceNotFound.
        """
        rows = self._journal.map_runs("arn = ?", arn)
        if not rows:
            raise ApiError("ResourceNotFound", f"Resource not found: '{arn}'")
        return rows[0]

    def map_runs(
        self, arn: str, *, limit: int = limits.DEFAULT_EXECUTIONS_PAGE, token: str | None = None
    ) -> MapRunPage:
        """The map runs of an execution, the latest first.

        Raises:
            ApiError: ExecutionDoesNotExist, InvalidToken.
        """
        self.execution(arn)
        asked = f"map runs {arn}"
        position: list[Any] = read_token(token, asked, 2)
        condition = "execution_arn = ?" + (" and (started, arn) < (?, ?)" if position else "")
        rows = self._journal.map_runs(f"{condition} order by started desc, arn desc limit ?", arn, *position, limit + 1)
        if len(rows) <= limit:
            return rows, None
        return rows[:limit], write_token(asked, [rows[limit - 1].started, rows[limit - 1].arn])

    def counts(self, map_run: MapRunRow) -> tuple[dict[str, int], dict[str, int]]:
        """How many of a map run's items, and of its executions, are in which status (`total`, `pending`, ...)."""
        rows = self._journal.select(
            "select status, coalesce(sum(items), 0), count(*) from executions where map_run_arn = ? group by status",
            map_run.arn,
        )
        items, executions = ({row[0]: row[column] for row in rows} for column in (1, 2))
        return _counted(items, map_run.items), _counted(executions, map_run.executions)


_COUNTS: Final = {
    "running": "RUNNING",
    "succeeded": "SUCCEEDED",
    "failed": "FAILED",
    "timedOut": "TIMED_OUT",
    "aborted": "ABORTED",
}


def _counted(counted: dict[str, int], total: int) -> dict[str, int]:
    shown = {name: counted.get(status, 0) for name, status in _COUNTS.items()}
    return {**shown, "total": total, "pending": max(total - sum(shown.values()), 0)}

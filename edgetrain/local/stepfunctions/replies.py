"""The shapes of replies. Times are epoch seconds."""

import json
from typing import Any, Final

from edgetrain.local.stepfunctions.queries import Event
from edgetrain.local.stepfunctions.tables import ExecutionRow, MapRunRow

Reply = dict[str, Any]
_DATA: Final = ("input", "output", "parameters")


def listed(row: ExecutionRow) -> Reply:
    """An execution in a list."""
    reply: Reply = {
        "executionArn": row.arn,
        "stateMachineArn": row.machine_arn,
        "name": row.name,
        "status": row.status,
        "startDate": row.started,
        "redriveCount": row.redrives,
    }
    if row.redriven is not None:
        reply["redriveDate"] = row.redriven
    if row.stopped is not None:
        reply["stopDate"] = row.stopped
    if row.map_run_arn is not None:
        reply |= {"mapRunArn": row.map_run_arn, "itemCount": row.items}
    return reply


def describe(row: ExecutionRow, not_redrivable: str | None, *, with_data: bool) -> Reply:
    """An execution by itself; `not_redrivable` says why it cannot be redriven."""
    reply = listed(row)
    reply.pop("itemCount", None)
    reply["inputDetails"] = {"included": with_data}
    if not_redrivable is not None:
        reply |= {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": not_redrivable}
    elif row.map_run_arn is not None:
        reply |= {
            "redriveStatus": "REDRIVABLE_BY_MAP_RUN",
            "redriveStatusReason": "Redrive the execution that started the map run: it redrives its unsuccessful items",
        }
    else:
        reply["redriveStatus"] = "REDRIVABLE"
    if with_data:
        reply["input"] = row.input
    if row.output is not None:
        reply["outputDetails"] = {"included": with_data}
        if with_data:
            reply["output"] = row.output
    for name, value in (("error", row.error), ("cause", row.cause), ("traceHeader", row.trace_header)):
        if value is not None:
            reply[name] = value
    return reply


def event(row: Event, *, with_data: bool) -> Reply:
    """An event of a history."""
    details: Reply = json.loads(row.details)
    if not with_data:
        details = {
            name: {field: value for field, value in inner.items() if field not in _DATA}
            for name, inner in details.items()
        }
    return {"timestamp": row.at, "type": row.kind, "id": row.id, "previousEventId": row.previous, **details}


def map_run_listed(row: MapRunRow) -> Reply:
    """A map run in a list."""
    reply: Reply = {
        "executionArn": row.execution_arn,
        "mapRunArn": row.arn,
        "stateMachineArn": row.machine_arn,
        "startDate": row.started,
    }
    return reply if row.stopped is None else {**reply, "stopDate": row.stopped}


def map_run(row: MapRunRow, items: dict[str, int], executions: dict[str, int]) -> Reply:
    """A map run by itself, with how its items and its executions stand."""
    reply: Reply = {
        "mapRunArn": row.arn,
        "executionArn": row.execution_arn,
        "status": row.status,
        "startDate": row.started,
        "maxConcurrency": row.max_concurrency,
        "toleratedFailureCount": row.tolerated_count,
        "toleratedFailurePercentage": row.tolerated_percentage,
        "itemCounts": {**items, "resultsWritten": 0},
        "executionCounts": {**executions, "resultsWritten": 0},
        "redriveCount": row.redrives,
    }
    if row.redriven is not None:
        reply["redriveDate"] = row.redriven
    return reply if row.stopped is None else {**reply, "stopDate": row.stopped}

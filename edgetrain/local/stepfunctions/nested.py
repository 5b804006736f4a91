"""`states:startExecution`: one execution starts another, and may wait for it (`.sync`, `.sync:2`)."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from edgetrain.local.stepfunctions import definition
from edgetrain.local.stepfunctions.documents import Document, from_text, to_text
from edgetrain.local.stepfunctions.failures import TASK_FAILED, ApiError, StateFailed
from edgetrain.local.stepfunctions.identities import execution_arn, new_id
from edgetrain.local.stepfunctions.service_task import service_call
from edgetrain.local.stepfunctions.steps import Step
from edgetrain.local.stepfunctions.tables import ExecutionRow
from edgetrain.local.stepfunctions.task_calls import TaskCall


def nested_call(step: Step[definition.Task], parameters: Document) -> TaskCall:
    """The call that starts the other execution. Interrupted and made again, it starts no second one."""
    given = dict(parameters.value)
    started_with = given.get("Input", {})
    given["Input"] = started_with if isinstance(started_with, str) else to_text(started_with)
    if given.get("Name") is None:
        if "name" not in step.lane.notes:
            step.lane.note(name=new_id())
        given["Name"] = step.lane.notes["name"]
    call = service_call(step, Document(given))

    def found() -> dict[str, Any] | None:
        arn = execution_arn(str(given.get("StateMachineArn")), given["Name"])
        row = step.run.around.executions.find(arn)
        if row is None or row.input != given["Input"] or row.started < step.lane.notes["scheduled_at"]:
            return None
        return {"ExecutionArn": row.arn, "StartDate": datetime.fromtimestamp(row.started, UTC)}

    return replace(call, found=found)


async def nested_ended(step: Step[definition.Task], arn: str) -> Document:
    """What the state has of the other execution, once it has ended: `.sync` its output as text, `.sync:2` as JSON.

    Raises:
        StateFailed: it did not succeed; the cause describes it.
    """
    try:
        row = await step.run.around.executions.ended(arn)
    except ApiError as error:
        raise StateFailed(f"StepFunctions.{error.code}Exception", error.message) from error
    shown = _described(row)
    if step.state.resource.pattern == "sync:2":
        shown |= {name: from_text(shown[name]) for name in ("Input", "Output") if name in shown}
    if row.status != "SUCCEEDED":
        raise StateFailed(TASK_FAILED, to_text(shown))
    return Document(shown)


def _described(row: ExecutionRow) -> dict[str, Any]:
    """As DescribeExecution has it, in the names and times (epoch milliseconds) of the integration."""
    shown: dict[str, Any] = {
        "Cause": row.cause,
        "Error": row.error,
        "ExecutionArn": row.arn,
        "Input": row.input,
        "InputDetails": {"Included": True},
        "Name": row.name,
        "Output": row.output,
        "OutputDetails": None if row.output is None else {"Included": True},
        "RedriveCount": row.redrives,
        "StartDate": round(row.started * 1000),
        "StateMachineArn": row.machine_arn,
        "Status": row.status,
        "StopDate": None if row.stopped is None else round(row.stopped * 1000),
    }
    return {name: value for name, value in shown.items() if value is not None}

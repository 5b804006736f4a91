"""Playing an execution from its first event to its last."""

import asyncio
import logging

from edgetrain.limits import HISTORY_EVENTS
from edgetrain.local.stepfunctions.definition import Flow
from edgetrain.local.stepfunctions.failures import DATA_LIMIT_EXCEEDED, RUNTIME, HistoryFull, StateFailed
from edgetrain.local.stepfunctions.flow import run_flow
from edgetrain.local.stepfunctions.history import Lane
from edgetrain.local.stepfunctions.run import Run

_LOG = logging.getLogger(__name__)


async def execute(run: Run, flow: Flow, lane: Lane) -> None:
    """Play `flow` as the execution `run`, which has begun with `lane`.

    It ends in any case: a failure is its outcome, and is not raised.
    """
    try:
        if run.input.oversized:
            raise StateFailed(DATA_LIMIT_EXCEEDED, "The input exceeds the maximum number of bytes service limit.")
        output = await run_flow(run, flow, lane, run.input, run.context())
    except StateFailed as failed:
        run.end("FAILED", error=failed.error, cause=failed.cause, after=lane.last)
    except HistoryFull:
        cause = f"The execution reached the maximum number of history events ({HISTORY_EVENTS})."
        run.end("FAILED", error=RUNTIME, cause=cause, after=lane.last)
    except asyncio.CancelledError:
        run.end("ABORTED")
        raise
    except Exception as error:
        # A defect of this engine: it must not leave an execution running for ever.
        _LOG.exception("execution %s failed inside the engine", run.row.arn)
        run.end("FAILED", error=RUNTIME, cause=f"Internal error: {type(error).__name__}: {error}", after=lane.last)
    else:
        run.end("SUCCEEDED", output=output, after=lane.last)

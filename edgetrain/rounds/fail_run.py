"""FailRun: say in one sentence why a run ended, and record it."""

import json
from contextlib import suppress

from edgetrain.contracts import FailRunRequest, RunFailure, RunRow
from edgetrain.errors import RunNotFound
from edgetrain.rounds.start_run import run_id_from
from edgetrain.rounds.stores import RoundStores

#: Step Functions' limit for a Fail state's cause is 32,768 characters; a sentence needs fewer.
CAUSE_CHARACTERS = 2000


def fail_run(stores: RoundStores, request: FailRunRequest) -> RunFailure:
    """Error and cause as the execution shall end with them.

    The run's row is marked only when this execution is the one that plays it: an execution that was refused
    because its input differs must not fail somebody else's run.
    """
    failure = RunFailure(error=request.error, cause=sentence(request.cause)[:CAUSE_CHARACTERS])
    given = request.input if isinstance(request.input, dict) else {}
    run_id = given.get("run_id") or run_id_from(request.execution_arn.rsplit(":", 1)[-1])

    def failed(row: RunRow) -> RunRow:
        if row.execution_arn != request.execution_arn:
            return row
        return row.model_copy(update={"status": "FAILED", "error": failure.error, "cause": failure.cause})

    with suppress(RunNotFound):  # it failed before there was a run
        stores.ledger.change_run(str(run_id), failed)
    return failure


def sentence(cause: str) -> str:
    """A Lambda's cause is JSON with the message in it; anything else is the message itself."""
    try:
        document = json.loads(cause)
    except ValueError:
        return cause
    if isinstance(document, dict) and isinstance(document.get("errorMessage"), str):
        return str(document["errorMessage"])
    return cause

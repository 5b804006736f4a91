"""FailRun: say in one sentence why a run ended, and record it."""

import json

from edgetrain.contracts import FailRunRequest, RunFailure
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
    try:
        row = stores.ledger.run(str(run_id))
    except RunNotFound:
        return failure
    if row.execution_arn == request.execution_arn:
        stores.ledger.save_run(
            row.model_copy(update={"status": "FAILED", "error": failure.error, "cause": failure.cause})
        )
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

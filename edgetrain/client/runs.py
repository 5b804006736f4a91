"""Runs: start, list, stop, and read one from its records."""

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from edgetrain import errors, keys
from edgetrain.client.documents import (
    ModelDocument,
    RefusedDocument,
    RoundDocument,
    RunDocument,
    RunSummary,
    UpdateDocument,
)
from edgetrain.client.executions import Status
from edgetrain.client.federation import Federation
from edgetrain.contracts import ClosedRound, Cohort, EvaluatedRound, Manifest, MetricSpread, RunRecord, RunRow
from edgetrain.errors import EdgetrainError, ObjectNotFound, RunFailed, RunNotFound, UsageError
from edgetrain.federated.schedules import client_rate, server_rate
from edgetrain.stores.base import read_record

#: A task's name is cut to this many characters in a generated run id, which has at most 64.
TASK_CHARACTERS = 32


@dataclass(frozen=True)
class StartedRun:
    """A run and the execution that plays it."""

    run_id: str
    execution_arn: str


@dataclass(frozen=True)
class RunState:
    """A run's row, and how the run stands. `error` and `cause` say why it did not succeed."""

    row: RunRow
    status: Status
    error: str | None = None
    cause: str | None = None


def start_run(federation: Federation, run_input: Mapping[str, Any], *, now: datetime | None = None) -> StartedRun:
    """Start an execution with this input, as it would be typed by hand.

    Without a `run_id` in the input the execution's name is the run's id. With one, the run is created or, when it
    exists, resumed; the execution gets a name of its own, because a name can be used only once.
    """
    run_id = run_input.get("run_id")
    nonce = secrets.token_hex(4)
    if run_id is None:
        stamp = (now or datetime.now(UTC)).strftime("%Y%m%d-%H%M%S")
        name = run_id = f"{run_input['task'][:TASK_CHARACTERS]}-{stamp}-{nonce}"
    else:
        name = f"{run_id}-{nonce}"
    return StartedRun(run_id, federation.executions.start(name, json.dumps(dict(run_input))))


def stop_run(federation: Federation, run_id: str) -> None:
    """Abort the run's execution. What it finished stays, and a new execution of the same `run_id` resumes it.

    Raises:
        RunNotFound: there is no such run.
        UsageError: it does not run.
    """
    state = state_of(federation, run_id)
    if state.status != "RUNNING":
        raise UsageError(f"run {run_id!r} is not running: it is {state.status}")
    federation.executions.stop(state.row.execution_arn, "stopped with `edgetrain runs stop`")


def list_runs(federation: Federation) -> Iterator[RunSummary]:
    """All runs, newest first."""
    for row in federation.ledger.runs():
        state = _settled(federation, row)
        yield RunSummary(
            run_id=row.run_id,
            task=row.task,
            status=state.status,
            created_at=row.created_at,
            rounds_done=state.row.rounds_done,
            rounds=row.rounds,
            model_version=state.row.model_version,
            error=state.error,
            execution_arn=row.execution_arn,
        )


def state_of(federation: Federation, run_id: str) -> RunState:
    """How a run stands, or `RunNotFound` with the command to type."""
    if re.match(keys.ID_PATTERN, run_id) is not None:
        try:
            return _settled(federation, federation.ledger.run(run_id))
        except RunNotFound:
            pass
    raise RunNotFound(f"there is no run {run_id!r}: `edgetrain runs list` shows those that there are")


def _settled(federation: Federation, row: RunRow) -> RunState:
    """The ledger knows how a run ended by itself. One that was stopped or timed out had no chance to write that
    down: of a row that says RUNNING, Step Functions is asked, and then the row once more.
    """
    if row.status == "RUNNING":
        execution = federation.executions.describe(row.execution_arn)
        if execution is None or execution.status == "RUNNING":
            return RunState(row, "RUNNING")
        row = federation.ledger.run(row.run_id)
        if row.status == "RUNNING":
            return RunState(row, execution.status, execution.error, execution.cause)
    return RunState(row, row.status, row.error, row.cause)


def failure(code: str | None, cause: str | None) -> EdgetrainError:
    """An execution's error as ours: the class of this name, or `RunFailed`."""
    kind = getattr(errors, code or "", None)
    if isinstance(kind, type) and issubclass(kind, EdgetrainError):
        return kind(cause or kind.__name__)
    return RunFailed(": ".join(part for part in (code, cause) if part) or "the execution ended without saying why")


def read_run(federation: Federation, run_id: str) -> RunDocument:
    """Everything about a run, from its records.

    Raises:
        RunNotFound: there is no such run.
    """
    state = state_of(federation, run_id)
    record = read_record(federation.runs, keys.run_record(run_id), RunRecord)
    return RunDocument(
        run_id=run_id,
        execution_arn=state.row.execution_arn,
        status=state.status,
        error=state.error,
        cause=state.cause,
        created_at=record.created_at,
        runs_bucket=federation.outputs.runs_bucket,
        models_bucket=federation.outputs.models_bucket,
        dataset_id=record.dataset_id,
        program_id=record.program_id,
        input=record.input,
        client=record.client,
        model=_model(federation, state.row),
        rounds=tuple(read_rounds(federation, record)),
    )


def read_rounds(federation: Federation, run: RunRecord, *, first: int = 1) -> Iterator[RoundDocument]:
    """The closed rounds from `first` on, until one is not closed yet."""
    number = first
    while (document := read_round(federation, run, number)) is not None:
        yield document
        number += 1


def read_round(federation: Federation, run: RunRecord, number: int) -> RoundDocument | None:
    """One closed round, or None when it is not closed. `metrics` is empty as long as it is not evaluated."""
    metrics: dict[str, float] = {}
    spread: dict[str, MetricSpread] = {}
    try:
        evaluated = read_record(federation.runs, keys.evaluated_round(run.run_id, number), EvaluatedRound)
        closed, metrics, ended = evaluated.closed, evaluated.metrics, evaluated.evaluated_at
        spread = evaluated.spread
    except ObjectNotFound:
        try:
            closed = read_record(federation.runs, keys.closed_round(run.run_id, number), ClosedRound)
        except ObjectNotFound:
            return None
        ended = closed.closed_at
    cohort = read_record(federation.runs, keys.cohort(run.run_id, number), Cohort)
    return RoundDocument(
        round=number,
        metrics=metrics,
        client_metrics=spread,
        accuracy=metrics.get("accuracy"),
        loss=metrics.get("loss"),
        train_loss=closed.train_loss,
        examples=closed.examples,
        global_key=closed.base.key,
        global_sha256=closed.base.sha256,
        next_global_key=closed.next.key,
        next_global_sha256=closed.next.sha256,
        number_format=cohort.number_format,
        client_learning_rate=client_rate(run, cohort),
        server_learning_rate=server_rate(run, cohort),
        state=closed.state,
        updates=tuple(UpdateDocument(**entry.model_dump()) for entry in closed.updates),
        refused=tuple(
            RefusedDocument(client=each.client, error=each.error, message=each.message) for each in closed.refused
        ),
        seconds=round(ended - closed.started_at, 3),
    )


def _model(federation: Federation, row: RunRow) -> ModelDocument:
    if row.model_version is None:
        return ModelDocument(task=row.task)
    manifest_key = keys.model_file(row.task, row.model_version, keys.MANIFEST_FILE)
    manifest = read_record(federation.models, manifest_key, Manifest)
    weights = next(entry for entry in manifest.files if entry.name == keys.WEIGHTS_FILE)
    return ModelDocument(
        task=row.task,
        version=row.model_version,
        manifest_key=manifest_key,
        key=weights.key,
        sha256=weights.sha256,
        metrics=manifest.metrics,
    )

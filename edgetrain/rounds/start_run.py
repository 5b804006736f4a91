"""StartRun: check the input, then create the run or find where it stands."""

import hashlib
import json
import re
import time
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from edgetrain import __version__, keys
from edgetrain.contracts import (
    DataIndex,
    DatasetPointer,
    EvaluatedRound,
    ProgramPointer,
    RunInput,
    RunPosition,
    RunRecord,
    RunRow,
    StartRunRequest,
    TaskSpec,
)
from edgetrain.errors import DataNotFound, InvalidRunInput, ObjectNotFound, RunInputDiffers, TaskNotBuilt
from edgetrain.federated import number_format
from edgetrain.rounds.stores import Clock, RoundStores, file_of, read_run, read_verified
from edgetrain.stores.base import read_record, write_record


def start_run(stores: RoundStores, request: StartRunRequest, *, clock: Clock = time.time) -> RunPosition:
    """Create the run, or resume it when its `run_id` exists.

    Raises:
        InvalidRunInput: the sentence names the field and what was expected.
        DataNotFound: no data of this task was imported.
        TaskNotBuilt: there is no training program of this task.
        RunInputDiffers: the run exists and was started with another input.
    """
    given = parse_input(request.input)
    run_id = given.run_id or run_id_from(request.execution_name)
    given = given.model_copy(update={"run_id": run_id})
    try:
        record = read_run(stores, run_id)
    except ObjectNotFound:
        record = _create(stores, request, given, run_id, clock())
    if record.input != given:
        raise RunInputDiffers(
            f"run {run_id!r} exists and was started with another input: {_difference(record.input, given)}"
        )
    _put_initial_model(stores, record)
    stores.ledger.create_run(_row(record))
    resumed = {"status": "RUNNING", "execution_arn": request.execution_arn, "error": None, "cause": None}
    row = stores.ledger.change_run(run_id, lambda row: row.model_copy(update=resumed))
    return position(stores, record, row.rounds_done)


def parse_input(given: Any) -> RunInput:
    """The execution's input, checked; `InvalidRunInput` names the first field that is wrong."""
    if not isinstance(given, dict):
        raise InvalidRunInput(f"the input is {_short(given)}: expected a JSON object with at least a task")
    try:
        # Strict, and as JSON: a number in quotes, or true for 1, is a mistake that its author should see.
        run_input = RunInput.model_validate_json(json.dumps(given), strict=True)
        number_format.choose(run_input.clients_per_round, run_input.max_abs_delta, run_input.max_examples)
    except ValidationError as error:
        raise InvalidRunInput(_sentence(error)) from error
    except ValueError as error:
        raise InvalidRunInput(str(error)) from error
    return run_input


def run_id_from(execution_name: str) -> str:
    """The execution's name when it can be part of a key, else a digest of it."""
    if re.fullmatch(keys.ID_PATTERN, execution_name):
        return execution_name
    return "run-" + hashlib.sha256(execution_name.encode()).hexdigest()[:32]


def position(stores: RoundStores, record: RunRecord, rounds_done: int) -> RunPosition:
    """Where the run goes on: a finished round whose row in the ledger is not there yet is played again, from its records."""
    reached = False
    if rounds_done and record.input.target is not None:
        last = read_record(stores.runs, keys.evaluated_round(record.run_id, rounds_done), EvaluatedRound)
        reached = record.input.target.reached_by(last.metrics)
    more = rounds_done < record.input.rounds and not reached
    return RunPosition(run_id=record.run_id, next_round=rounds_done + 1, more_rounds=more)


def _create(stores: RoundStores, request: StartRunRequest, given: RunInput, run_id: str, now: float) -> RunRecord:
    index = _read_index(stores, given.task)
    pointer = _read_pointer(stores, given.task)
    spec = read_record(stores.models, file_of(pointer, keys.SPEC_FILE).key, TaskSpec)
    if given.clients_per_round > len(index.clients):
        raise InvalidRunInput(
            f"clients_per_round is {given.clients_per_round}: expected at most {len(index.clients)}, "
            f"the number of clients in the data of task {given.task!r}"
        )
    if given.evaluation_clients > len(index.client_tests):
        raise InvalidRunInput(
            f"evaluation_clients is {given.evaluation_clients}: expected at most {len(index.client_tests)}, the number of clients "
            f"with a test part of their own in the data of task {given.task!r} (edgetrain data hold-out makes some)"
        )
    if given.target is not None and given.target.metric not in {"loss", *spec.metrics}:
        raise InvalidRunInput(
            f"target.metric is {given.target.metric!r}: expected one of {', '.join(['loss', *spec.metrics])}"
        )
    weights = file_of(pointer, keys.WEIGHTS_FILE)
    record = RunRecord(
        run_id=run_id,
        task=given.task,
        input=given,
        client=given.client.over(spec.client),
        dataset_id=index.dataset_id,
        index_key=keys.dataset_index(given.task, index.dataset_id),
        program_id=pointer.program_id,
        initial_sha256=weights.sha256,
        execution_arn=request.execution_arn,
        created_at=datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds"),
        code_version=__version__,
    )
    return write_record(stores.runs, keys.run_record(run_id), record)


def _put_initial_model(stores: RoundStores, record: RunRecord) -> None:
    """After the record, which pins the program: whoever builds another one meanwhile changes nothing."""
    key = keys.global_model(record.run_id, 0)
    if stores.runs.find(key) is None:
        weights = keys.program_file(record.task, record.program_id, keys.WEIGHTS_FILE)
        stores.runs.put_once(key, read_verified(stores.models, weights, record.initial_sha256))


def _read_index(stores: RoundStores, task: str) -> DataIndex:
    try:
        pointer = read_record(stores.data, keys.dataset_pointer(task), DatasetPointer)
    except ObjectNotFound as error:
        raise DataNotFound(
            f"DataBucket holds no data of task {task!r}: import some first (edgetrain data import --task {task})"
        ) from error
    return read_record(stores.data, pointer.index_key, DataIndex)


def _read_pointer(stores: RoundStores, task: str) -> ProgramPointer:
    try:
        return read_record(stores.models, keys.program_pointer(task), ProgramPointer)
    except ObjectNotFound as error:
        raise TaskNotBuilt(
            f"ModelsBucket holds no training program of task {task!r}: build it first (edgetrain tasks build {task})"
        ) from error


def _row(record: RunRecord) -> RunRow:
    return RunRow(
        run_id=record.run_id,
        task=record.task,
        status="RUNNING",
        execution_arn=record.execution_arn,
        created_at=record.created_at,
        rounds=record.input.rounds,
    )


def _sentence(error: ValidationError) -> str:
    """The first thing that is wrong, as field, value and what was expected."""
    first = error.errors(include_url=False)[0]
    field = ".".join(map(str, first["loc"]))
    message = first["msg"].removeprefix("Value error, ")
    if not field:
        return message
    if first["type"] == "missing":
        return f"{field} is missing: expected a value"
    if first["type"] == "extra_forbidden":
        return f"{field} is not a field of a run's input: expected one of {', '.join(RunInput.model_fields)}"
    return f"{field} is {_short(first['input'])}: {message[:1].lower()}{message[1:]}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _difference(stood: RunInput, given: RunInput) -> str:
    names = [name for name in RunInput.model_fields if getattr(stood, name) != getattr(given, name)]
    return "; ".join(f"{name} was {getattr(stood, name)!r}, now {getattr(given, name)!r}" for name in names)

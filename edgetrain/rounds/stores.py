"""The stores that the steps share, and what most of them read first."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from edgetrain import keys
from edgetrain.contracts import ClosedRound, FileEntry, ModelPointer, ProgramPointer, RunRecord, TaskSpec
from edgetrain.errors import DataInvalid
from edgetrain.stores.base import ObjectStore, read_record
from edgetrain.stores.ledger import Ledger

Clock = Callable[[], float]


@dataclass(frozen=True)
class RoundStores:
    """Data, runs and models are buckets; the ledger is a table."""

    data: ObjectStore
    runs: ObjectStore
    models: ObjectStore
    ledger: Ledger


@dataclass(frozen=True)
class ProgramFiles:
    """A task's training program as it was built."""

    spec: TaskSpec
    program: bytes


def read_run(stores: RoundStores, run_id: str) -> RunRecord:
    """The run's record, or `ObjectNotFound`."""
    return read_record(stores.runs, keys.run_record(run_id), RunRecord)


def base_model(stores: RoundStores, run: RunRecord, round_number: int) -> ModelPointer:
    """The global model that round `round_number` starts from."""
    if round_number == 1:
        return ModelPointer(key=keys.global_model(run.run_id, 0), sha256=run.initial_sha256)
    return read_record(stores.runs, keys.closed_round(run.run_id, round_number - 1), ClosedRound).next


def read_verified(store: ObjectStore, key: str, sha256: str) -> bytes:
    """The whole object.

    Raises:
        ObjectNotFound: there is none.
        DataInvalid: its bytes are not those that were recorded.
    """
    body = store.get(key)
    if hashlib.sha256(body).hexdigest() != sha256:
        raise DataInvalid(f"{key}: the stored bytes do not have the SHA-256 {sha256} that was recorded")
    return body


def read_program(stores: RoundStores, task: str, program_id: str) -> ProgramFiles:
    """The training program and its task.json."""
    spec = read_record(stores.models, keys.program_file(task, program_id, keys.SPEC_FILE), TaskSpec)
    return ProgramFiles(spec, stores.models.get(keys.program_file(task, program_id, keys.PROGRAM_FILE)))


def file_of(pointer: ProgramPointer, name: str) -> FileEntry:
    """One of a program's files by name.

    Raises:
        DataInvalid: the pointer does not list it.
    """
    for entry in pointer.files:
        if entry.name == name:
            return entry
    raise DataInvalid(f"{keys.program_pointer(pointer.task)} lists no {name}")

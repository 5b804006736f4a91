"""The stores that the steps share, and what most of them read first."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgetrain import keys
from edgetrain.contracts import ClosedRound, FileEntry, ModelPointer, ProgramPointer, Refusal, RunRecord, TaskSpec
from edgetrain.errors import DataInvalid, ObjectNotFound, QuorumNotReached, UpdateRefused
from edgetrain.federated.weights import ByteSource
from edgetrain.stores.base import ObjectStore, read_record, sha256_of
from edgetrain.stores.ledger import Ledger

Clock = Callable[[], float]
#: A refusal's sentence is for a person; what a file claims in it is cut.
REFUSAL_CHARACTERS = 1000


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


def open_verified(store: ObjectStore, key: str, sha256: str) -> ByteSource:
    """The whole object, to be read by ranges.

    Raises:
        ObjectNotFound: there is none.
        DataInvalid: its bytes are not those that were recorded.
    """
    found = store.find(key)
    if found is None:
        raise ObjectNotFound(f"{key} does not exist")
    source = store.open(key, version_id=found.version_id, size=found.size)
    # The store has no SHA-256 of an object that was written in parts.
    if (found.sha256 or sha256_of(source)) != sha256:
        raise DataInvalid(f"{key}: the stored bytes do not have the SHA-256 {sha256} that was recorded")
    return source


def read_spec(stores: RoundStores, task: str, program_id: str) -> TaskSpec:
    """The program's task.json."""
    return read_record(stores.models, keys.program_file(task, program_id, keys.SPEC_FILE), TaskSpec)


def read_program(stores: RoundStores, task: str, program_id: str) -> ProgramFiles:
    """The training program and its task.json."""
    spec = read_spec(stores, task, program_id)
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


def refusal_of(run_id: str, round_number: int, error: UpdateRefused) -> Refusal:
    """The ledger's row of an update that does not count."""
    return Refusal(
        run_id=run_id,
        round=round_number,
        client=error.client,
        error=type(error).__name__,
        message=str(error)[:REFUSAL_CHARACTERS],
    )


def require_quorum(accepted: int, refused: Sequence[Refusal], quorum: int, round_number: int) -> None:
    """Raise `QuorumNotReached` when fewer than `quorum` updates are left; the sentence names the first reasons."""
    if accepted < quorum:
        reasons = ", ".join(f"{refusal.client} {refusal.error}" for refusal in refused[:10])
        raise QuorumNotReached(
            f"round {round_number}: {accepted} updates were accepted, min_clients is {quorum}; refused: {reasons}"
        )

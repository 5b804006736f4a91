"""TrainClient: train the clients of one batch, one after the other, each with its own receipt and its own failure."""

import logging
import time
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from edgetrain import keys
from edgetrain.contracts import ClientData, Cohort, Receipt, RunRecord, TrainClientRequest
from edgetrain.errors import (
    DataInvalid,
    ObjectNotFound,
    PermanentError,
    TrainingFailed,
    TransientError,
    UpdateChecksumDiffers,
    UpdateLate,
    UpdateRefused,
)
from edgetrain.federated import weights
from edgetrain.federated.bounds import check_norm, check_values, norm_of
from edgetrain.federated.schedules import client_rate
from edgetrain.rounds.stores import Clock, RoundStores, read_program, read_run, read_verified, refusal_of
from edgetrain.runtime.program import TrainingProgram
from edgetrain.stores.base import StoredObject, read_record

logger = logging.getLogger(__name__)
Tensors = Mapping[str, npt.NDArray[np.float32]]


class Programs:
    """The training program of the last task, kept for the life of a sandbox."""

    def __init__(self) -> None:
        self._held: tuple[str, TrainingProgram] | None = None

    def get(self, stores: RoundStores, task: str, program_id: str) -> TrainingProgram:
        """The program, loaded at most once in a row."""
        if self._held is None or self._held[0] != program_id:
            files = read_program(stores, task, program_id)
            self._held = (program_id, TrainingProgram(files.program, files.spec))
        return self._held[1]


def train_client(
    stores: RoundStores, programs: Programs, request: TrainClientRequest, *, clock: Clock = time.time
) -> dict[str, int]:
    """Train every client of the batch that has no receipt yet.

    Returns how many have a receipt now and how many were refused for good.

    Raises:
        TransientError: some clients failed in a way that another try may mend; the others are done.
    """
    run = read_run(stores, request.run_id)
    cohort = read_record(stores.runs, keys.cohort(run.run_id, request.round), Cohort)
    program = programs.get(stores, run.task, run.program_id)
    base = weights.decode(read_verified(stores.runs, cohort.base.key, cohort.base.sha256))
    trained, refused, failed = 0, 0, []
    for client in request.batch.clients:
        try:
            _train_one(stores, program, run, cohort, base, client, request.deadline, clock)
            trained += 1
        except PermanentError as error:
            _refuse(stores, cohort, client, error)
            refused += 1
        except Exception as error:
            logger.exception("client %s failed in attempt %d", client, request.attempt)
            _refuse(stores, cohort, client, error)
            failed.append(f"{client}: {type(error).__name__}: {error}")
    if failed:
        raise TransientError(
            f"{len(failed)} of {len(request.batch.clients)} clients failed: {'; '.join(failed)[:1000]}"
        )
    return {"trained": trained, "refused": refused}


def _train_one(
    stores: RoundStores,
    program: TrainingProgram,
    run: RunRecord,
    cohort: Cohort,
    base: Tensors,
    client: str,
    deadline: float,
    clock: Clock,
) -> Receipt:
    started = clock()
    standing = stores.ledger.receipt(run.run_id, cohort.round, client)
    if standing is not None:
        return standing
    member = cohort.member(client)
    if member is None:
        raise DataInvalid(f"{client} is not in the cohort of round {cohort.round}")
    if started > deadline:
        raise UpdateLate("the round's deadline came before training began", client=client)
    x, y = _read_examples(stores, program, member)
    rng = np.random.default_rng([run.input.seed, cohort.round, int.from_bytes(client.encode())])
    settings = run.client.model_copy(update={"learning_rate": client_rate(run, cohort)})
    outcome = program.train(base, x, y, settings, rng, deadline=deadline)
    if outcome.stopped or clock() > deadline:
        raise UpdateLate(f"the round's deadline came after {outcome.steps} steps of training", client=client)
    delta = {name: outcome.weights[name] - value for name, value in base.items()}
    _check_bounds(run, cohort, program, client, delta)
    stored = _store(stores, cohort, member, delta)
    receipt = Receipt(
        run_id=run.run_id,
        round=cohort.round,
        client=client,
        key=stored.key,
        version_id=stored.version_id,
        sha256=stored.sha256,
        size=stored.size,
        num_examples=member.num_examples,
        loss=outcome.loss,
        seconds=round(clock() - started, 3),
    )
    return stores.ledger.put_receipt(receipt)


def _check_bounds(run: RunRecord, cohort: Cohort, program: TrainingProgram, client: str, delta: Tensors) -> None:
    """What the aggregator checks again, for those who do not."""
    for name, part in delta.items():
        check_values(name, part, cohort.number_format.max_abs_delta, client=client)
    if run.input.max_update_norm is not None:
        norm = norm_of(delta[spec.name] for spec in program.spec.weights)
        check_norm(norm, run.input.max_update_norm, client=client)


def _store(stores: RoundStores, cohort: Cohort, member: ClientData, delta: Tensors) -> StoredObject:
    """Put the update, or find the one that stands: a retry on another kind of CPU trains other bits, and the first ones count."""
    key = keys.update(cohort.run_id, cohort.round, member.client)
    stored = stores.runs.put_once(key, weights.encode(delta, _metadata(cohort, member))).stored
    if not stored.sha256:
        raise UpdateChecksumDiffers(f"{key} holds an object without a SHA-256: no client put it", client=member.client)
    return stored


def _metadata(cohort: Cohort, member: ClientData) -> dict[str, str]:
    return weights.update_metadata(
        run_id=cohort.run_id,
        round_number=cohort.round,
        client=member.client,
        base_sha256=cohort.base.sha256,
        num_examples=member.num_examples,
    )


def _read_examples(
    stores: RoundStores, program: TrainingProgram, member: ClientData
) -> tuple[npt.NDArray[np.float32], dict[str, npt.NDArray[np.generic]]]:
    try:
        tensors = weights.decode(read_verified(stores.data, member.key, member.sha256))
    except ObjectNotFound as error:
        raise DataInvalid(f"{member.key} is in the data index and not in the bucket") from error
    x, *rest = (tensors.get(name) for name in ("x", *(spec.name for spec in program.spec.y)))
    names = [spec.name for spec in program.spec.y]
    if x is None or any(part is None or len(part) != member.num_examples for part in (x, *rest)):
        raise DataInvalid(f"{member.key}: expected {member.num_examples} examples in tensors x, {', '.join(names)}")
    return x, {name: part for name, part in zip(names, rest, strict=True) if part is not None}


def _refuse(stores: RoundStores, cohort: Cohort, client: str, error: Exception) -> None:
    if not isinstance(error, UpdateRefused):
        error = TrainingFailed(f"{type(error).__name__}: {error}")
    error.client = client
    stores.ledger.put_refusal(refusal_of(cohort.run_id, cohort.round, error))

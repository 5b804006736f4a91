"""CloseRound: combine the tiles' sums, let the strategy make the next global model, and record what it was made from."""

import math
import time
from collections.abc import Sequence

from edgetrain import keys
from edgetrain.contracts import (
    ClosedRound,
    Cohort,
    ModelPointer,
    Receipt,
    RoundRequest,
    RunRecord,
    SealedRound,
    TileResult,
    UpdateEntry,
)
from edgetrain.errors import ObjectNotFound
from edgetrain.federated import aggregation
from edgetrain.federated.strategies import get_strategy
from edgetrain.rounds.stores import Clock, RoundStores, open_verified, read_run, read_spec, require_quorum
from edgetrain.stores.base import read_record, write_record


def close_round(stores: RoundStores, request: RoundRequest, *, clock: Clock = time.time) -> dict[str, int]:
    """Write the next global model and the round's record, once.

    Returns how many updates and examples it is made from, and how many updates were refused.

    Raises:
        QuorumNotReached: after what the tiles refused, fewer updates than `min_clients` are left.
        DataInvalid: the base model's bytes are not those that were recorded.
    """
    key = keys.closed_round(request.run_id, request.round)
    try:
        closed = read_record(stores.runs, key, ClosedRound)
    except ObjectNotFound:
        closed = write_record(stores.runs, key, _close(stores, request, clock))
    return {"updates": len(closed.updates), "examples": closed.examples, "refused": len(closed.refused)}


def _close(stores: RoundStores, request: RoundRequest, clock: Clock) -> ClosedRound:
    run = read_run(stores, request.run_id)
    cohort = read_record(stores.runs, keys.cohort(run.run_id, request.round), Cohort)
    sealed = read_record(stores.runs, keys.sealed_round(run.run_id, request.round), SealedRound)
    results = [
        read_record(stores.runs, keys.tile_result(run.run_id, request.round, tile.index), TileResult)
        for tile in sealed.tiles
    ]
    summed = {client for result in results for client in result.accepted}
    accepted = [receipt for receipt in sealed.accepted if receipt.client in summed]
    refused = (*sealed.refused, *(refusal for result in results for refusal in result.refused))
    require_quorum(len(accepted), refused, run.input.quorum, request.round)
    return ClosedRound(
        round=request.round,
        base=cohort.base,
        next=_next_model(stores, run, cohort, results),
        updates=tuple(_entry(receipt) for receipt in accepted),
        refused=refused,
        examples=sum(receipt.num_examples for receipt in accepted),
        train_loss=mean_loss(accepted),
        started_at=cohort.started_at,
        closed_at=clock(),
    )


def _next_model(stores: RoundStores, run: RunRecord, cohort: Cohort, results: Sequence[TileResult]) -> ModelPointer:
    spec = read_spec(stores, run.task, run.program_id)
    partials = [
        stores.runs.open(result.key, version_id=result.version_id, size=8 * spec.parameters) for result in results
    ]
    writer = stores.runs.writer(keys.global_model(run.run_id, cohort.round))
    try:
        aggregation.close(
            partials,
            open_verified(stores.runs, cohort.base.key, cohort.base.sha256),
            spec.weights,
            sum(result.weight for result in results),
            cohort.number_format,
            get_strategy(run.input.strategy),
            writer.write,
        )
        stored = writer.finish().stored
    finally:
        writer.abort()
    return ModelPointer(key=stored.key, sha256=stored.sha256)


def mean_loss(receipts: Sequence[Receipt]) -> float | None:
    """The clients' own training losses, weighted by examples; None when no receipt has one."""
    losses = [(receipt.num_examples, receipt.loss) for receipt in receipts if receipt.loss is not None]
    if not losses:
        return None
    return math.fsum(count * loss for count, loss in losses) / sum(count for count, _ in losses)


def _entry(receipt: Receipt) -> UpdateEntry:
    return UpdateEntry(
        client=receipt.client,
        key=receipt.key,
        version_id=receipt.version_id,
        sha256=receipt.sha256,
        num_examples=receipt.num_examples,
    )

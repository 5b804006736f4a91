"""CloseRound: combine the tiles' sums, let the strategy make the next global model, and record what it was made from."""

import math
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import Any, Protocol

from edgetrain import keys
from edgetrain.contracts import (
    ClosedRound,
    Cohort,
    ModelPointer,
    Receipt,
    Refusal,
    RoundRequest,
    RunRecord,
    SealedRound,
    StatePointer,
    TileResult,
    UpdateEntry,
)
from edgetrain.errors import DataInvalid, ObjectNotFound
from edgetrain.federated import aggregation
from edgetrain.federated.schedules import server_rate
from edgetrain.federated.strategies import get_strategy, state_names
from edgetrain.federated.weights import ByteSource
from edgetrain.rounds.stores import Clock, RoundStores, open_verified, read_spec, require_quorum
from edgetrain.stores.base import ObjectWriter, read_digested, read_record, write_record


def close_round(stores: RoundStores, request: RoundRequest, *, clock: Clock = time.time) -> dict[str, int]:
    """Write the next global model, the strategy's state and the round's record, once.

    Returns how many updates and examples it is made from, and how many updates were refused.

    Raises:
        QuorumNotReached: after what the tiles refused, fewer updates than `min_clients` are left.
        DataInvalid: the bytes of the base model or of the strategy's state are not those that were recorded.
    """
    key = keys.closed_round(request.run_id, request.round)
    try:
        closed = read_record(stores.runs, key, ClosedRound)
    except ObjectNotFound:
        closed = write_record(stores.runs, key, _close(stores, request, clock))
    return {"updates": len(closed.updates), "examples": closed.examples, "refused": len(closed.refused)}


def _close(stores: RoundStores, request: RoundRequest, clock: Clock) -> ClosedRound:
    run, run_sha256 = read_digested(stores.runs, keys.run_record(request.run_id), RunRecord)
    cohort, cohort_sha256 = read_digested(stores.runs, keys.cohort(run.run_id, request.round), Cohort)
    sealed, sealed_sha256 = read_digested(stores.runs, keys.sealed_round(run.run_id, request.round), SealedRound)
    last, previous = None, run_sha256
    if request.round > 1:
        last, previous = read_digested(stores.runs, keys.closed_round(run.run_id, request.round - 1), ClosedRound)
    results = [
        read_record(stores.runs, keys.tile_result(run.run_id, request.round, tile.index), TileResult)
        for tile in sealed.tiles
    ]
    accepted, refused = counted(sealed, results)
    require_quorum(len(accepted), refused, run.input.quorum, request.round)
    following, state = _next_model(stores, run, cohort, results, last)
    return ClosedRound(
        **made_from(cohort, accepted, refused),
        next=following,
        closed_at=clock(),
        state=state,
        previous_sha256=previous,
        cohort_sha256=cohort_sha256,
        sealed_sha256=sealed_sha256,
    )


class Summed(Protocol):
    """What is left of a tile: whose updates were added, and which were refused."""

    @property
    def accepted(self) -> tuple[str, ...]: ...

    @property
    def refused(self) -> tuple[Refusal, ...]: ...


def counted(sealed: SealedRound, tiles: Iterable[Summed]) -> tuple[list[Receipt], tuple[Refusal, ...]]:
    """The receipts of all updates that were added, and everything that was refused, when the round was sealed or later."""
    results = tuple(tiles)
    summed = {client for result in results for client in result.accepted}
    accepted = [receipt for receipt in sealed.accepted if receipt.client in summed]
    return accepted, (*sealed.refused, *(refusal for result in results for refusal in result.refused))


def made_from(cohort: Cohort, accepted: Sequence[Receipt], refused: tuple[Refusal, ...]) -> dict[str, Any]:
    """The fields of a round's record that say what its model is made from."""
    return {
        "round": cohort.round,
        "base": cohort.base,
        "updates": tuple(entry_of(receipt) for receipt in accepted),
        "refused": refused,
        "examples": sum(receipt.num_examples for receipt in accepted),
        "train_loss": mean_loss(accepted),
        "started_at": cohort.started_at,
    }


def _next_model(
    stores: RoundStores, run: RunRecord, cohort: Cohort, results: Sequence[TileResult], last: ClosedRound | None
) -> tuple[ModelPointer, tuple[StatePointer, ...]]:
    """The model and the strategy's state: whoever makes them again makes the same bytes, or is told that others stand."""
    spec = read_spec(stores, run.task, run.program_id)
    partials = [
        stores.runs.open(result.key, version_id=result.version_id, size=8 * spec.parameters) for result in results
    ]
    strategy = get_strategy(run.input.strategy, server_rate(run, cohort))
    names = state_names(strategy)
    with ExitStack() as stack:

        def writer(key: str) -> ObjectWriter:
            made = stores.runs.writer(key)
            stack.callback(made.abort)
            return made

        model = writer(keys.global_model(run.run_id, cohort.round))
        arrays = {name: writer(keys.strategy_state(run.run_id, cohort.round, name)) for name in names}
        aggregation.close(
            partials,
            open_verified(stores.runs, cohort.base.key, cohort.base.sha256),
            spec.weights,
            sum(result.weight for result in results),
            cohort.number_format,
            strategy,
            model.write,
            state=_last_state(stores, run, last, names),
            write_state={name: array.write for name, array in arrays.items()},
        )
        stored = {name: array.finish().stored for name, array in arrays.items()}
        following = model.finish().stored
    pointers = tuple(StatePointer(name=name, key=each.key, sha256=each.sha256) for name, each in stored.items())
    return ModelPointer(key=following.key, sha256=following.sha256), pointers


def _last_state(
    stores: RoundStores, run: RunRecord, last: ClosedRound | None, names: Sequence[str]
) -> dict[str, ByteSource] | None:
    """The strategy's state after the `last` round, its bytes checked; None before the first round."""
    if last is None or not names:
        return None
    pointers = {each.name: each for each in last.state}
    if pointers.keys() != set(names):
        record = keys.closed_round(run.run_id, last.round)
        raise DataInvalid(f"{record} names the state {sorted(pointers)}: expected {sorted(names)}")
    return {name: open_verified(stores.runs, pointers[name].key, pointers[name].sha256) for name in names}


def mean_loss(receipts: Sequence[Receipt]) -> float | None:
    """The clients' own training losses, weighted by examples; None when no receipt has one."""
    losses = [(receipt.num_examples, receipt.loss) for receipt in receipts if receipt.loss is not None]
    if not losses:
        return None
    return math.fsum(count * loss for count, loss in losses) / sum(count for count, _ in losses)


def entry_of(receipt: Receipt) -> UpdateEntry:
    """What the round's record says of an update that was added."""
    return UpdateEntry(
        client=receipt.client,
        key=receipt.key,
        version_id=receipt.version_id,
        sha256=receipt.sha256,
        num_examples=receipt.num_examples,
    )

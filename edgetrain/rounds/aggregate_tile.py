"""AggregateTile: the exact sum of one tile's updates, read from the sealed list and from nothing else."""

from collections.abc import Sequence

from edgetrain import keys
from edgetrain.contracts import (
    AggregateTileRequest,
    Cohort,
    Receipt,
    RunRecord,
    SealedRound,
    TaskSpec,
    Tile,
    TileResult,
)
from edgetrain.errors import DataInvalid, ObjectNotFound
from edgetrain.federated import weights
from edgetrain.federated.aggregation import Sink, TileSum, Update, sum_updates
from edgetrain.rounds.stores import RoundStores, read_run, read_spec, refusal_of
from edgetrain.stores.base import ObjectStore, Written, read_record, write_record


def aggregate_tile(stores: RoundStores, request: AggregateTileRequest) -> dict[str, int]:
    """Write the tile's partial sum and what it is made of, once; refused updates get their rows in the ledger.

    Returns the tile's number, and how many updates it accepted and refused.

    Raises:
        DataInvalid: the sealed round has no such tile, or another partial sum stands in this one's place.
    """
    key = keys.tile_result(request.run_id, request.round, request.tile)
    try:
        result = read_record(stores.runs, key, TileResult)
    except ObjectNotFound:
        result = _aggregate(stores, request)
        # The result comes last: a try that finds it need not look at the ledger.
        for refusal in result.refused:
            stores.ledger.put_refusal(refusal)
        result = write_record(stores.runs, key, result)
    return {"tile": request.tile, "accepted": len(result.accepted), "refused": len(result.refused)}


def _aggregate(stores: RoundStores, request: AggregateTileRequest) -> TileResult:
    run = read_run(stores, request.run_id)
    cohort = read_record(stores.runs, keys.cohort(run.run_id, request.round), Cohort)
    sealed = read_record(stores.runs, keys.sealed_round(run.run_id, request.round), SealedRound)
    tile = _tile_of(sealed, request.tile)
    spec = read_spec(stores, run.task, run.program_id)
    writer = stores.runs.writer(keys.partial_sum(run.run_id, request.round, tile.index))
    try:
        summed = sum_tile(stores.runs, run, cohort, sealed.accepted[tile.start : tile.stop], spec, writer)
        written = writer.finish()
    finally:
        writer.abort()
    return _result(cohort, tile, summed, written)


def sum_tile(
    store: ObjectStore, run: RunRecord, cohort: Cohort, receipts: Sequence[Receipt], spec: TaskSpec, sink: Sink
) -> TileSum:
    """Write the exact sum of these updates to `sink`: whoever does it again writes the same bytes and refuses the same updates."""
    return sum_updates(
        [_update(store, receipt) for receipt in receipts],
        spec.weights,
        cohort.number_format,
        run.input.strategy.weighting,
        sink,
        admit=lambda header, update: _admit(cohort, header, update),
        max_norm=run.input.max_update_norm,
    )


def _tile_of(sealed: SealedRound, index: int) -> Tile:
    for tile in sealed.tiles:
        if tile.index == index:
            return tile
    raise DataInvalid(f"round {sealed.round} was sealed with {len(sealed.tiles)} tiles: there is no tile {index}")


def _update(store: ObjectStore, receipt: Receipt) -> Update:
    source = store.open(receipt.key, version_id=receipt.version_id, size=receipt.size)
    return Update(receipt.client, receipt.num_examples, source)


def _admit(cohort: Cohort, header: weights.Header, update: Update) -> None:
    """The update was made for this very round, from this base, by this client, from as many examples as its receipt says."""
    expected = weights.update_metadata(
        run_id=cohort.run_id,
        round_number=cohort.round,
        client=update.client,
        base_sha256=cohort.base.sha256,
        num_examples=update.num_examples,
    )
    weights.check_metadata(header, expected, client=update.client)


def _result(cohort: Cohort, tile: Tile, summed: TileSum, written: Written) -> TileResult:
    return TileResult(
        tile=tile,
        key=written.stored.key,
        version_id=written.stored.version_id,
        sha256=written.stored.sha256,
        examples=summed.examples,
        weight=summed.weight,
        accepted=summed.accepted,
        refused=tuple(refusal_of(cohort.run_id, cohort.round, error) for error in summed.refused),
    )

"""SealRound: decide, once and for all, which updates count."""

import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

from edgetrain import keys
from edgetrain.contracts import ClientData, Cohort, Receipt, Refusal, RoundRequest, SealedReply, SealedRound
from edgetrain.errors import (
    ObjectNotFound,
    UpdateChecksumDiffers,
    UpdateForAnotherRound,
    UpdateMissing,
    UpdateRefused,
    WrongNumExamples,
)
from edgetrain.federated import sampling
from edgetrain.rounds.stores import Clock, RoundStores, read_run, refusal_of, require_quorum
from edgetrain.stores.base import read_record, write_record

#: Requests in flight, one for each client: each is a few milliseconds of waiting.
REQUESTS_AT_ONCE = 16


def seal_round(stores: RoundStores, request: RoundRequest, *, clock: Clock = time.time) -> SealedReply:
    """Write the accepted list and the plan of tiles, or find the ones that were written.

    A round that misses its quorum is left open: an execution that resumes the run lets the missing clients
    train again.

    Raises:
        QuorumNotReached: fewer updates than `min_clients` can be accepted.
    """
    key = keys.sealed_round(request.run_id, request.round)
    try:
        sealed = read_record(stores.runs, key, SealedRound)
    except ObjectNotFound:
        sealed = _seal(stores, request, clock())
    return SealedReply(run_id=sealed.run_id, round=sealed.round, tiles=tuple(tile.index for tile in sealed.tiles))


def _seal(stores: RoundStores, request: RoundRequest, now: float) -> SealedRound:
    run = read_run(stores, request.run_id)
    cohort = read_record(stores.runs, keys.cohort(run.run_id, request.round), Cohort)
    accepted, refused = _sort_out(stores, cohort, already_checked=())
    require_quorum(len(accepted), refused, run.input.quorum, request.round)
    # From here on a receipt is late; those that arrived since the first look count.
    stores.ledger.seal(run.run_id, request.round)
    accepted, refused = _sort_out(stores, cohort, already_checked=accepted)
    standing = set(stores.ledger.refusals(run.run_id, request.round))
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        list(pool.map(stores.ledger.put_refusal, [refusal for refusal in refused if refusal not in standing]))
    sealed = SealedRound(
        run_id=run.run_id,
        round=request.round,
        accepted=tuple(accepted),
        refused=tuple(refused),
        tiles=sampling.tiles(len(accepted), run.input.updates_per_tile),
        sealed_at=now,
    )
    return write_record(stores.runs, keys.sealed_round(run.run_id, request.round), sealed)


def _sort_out(
    stores: RoundStores, cohort: Cohort, already_checked: Collection[Receipt]
) -> tuple[list[Receipt], list[Refusal]]:
    """Accepted receipts and refusals, both in the cohort's order."""
    known = {receipt.client: receipt for receipt in already_checked}
    receipts = {receipt.client: receipt for receipt in stores.ledger.receipts(cohort.run_id, cohort.round)}
    refusals = {refusal.client: refusal for refusal in stores.ledger.refusals(cohort.run_id, cohort.round)}

    def judge(member: ClientData) -> Receipt | Refusal:
        receipt = receipts.get(member.client)
        if receipt is None:
            missing = UpdateMissing("no receipt arrived before the round was sealed", client=member.client)
            return refusals.get(member.client) or refusal_of(cohort.run_id, cohort.round, missing)
        try:
            if receipt != known.get(member.client):
                _check_receipt(stores, cohort, member, receipt)
        except UpdateRefused as error:
            return refusal_of(cohort.run_id, cohort.round, error)
        return receipt

    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        judged = list(pool.map(judge, cohort.clients))
    accepted = [verdict for verdict in judged if isinstance(verdict, Receipt)]
    return accepted, [verdict for verdict in judged if isinstance(verdict, Refusal)]


def _check_receipt(stores: RoundStores, cohort: Cohort, member: ClientData, receipt: Receipt) -> None:
    """What can be said without reading the update: S3 itself has checked its SHA-256 when it was put."""
    client = member.client
    if receipt.key != keys.update(cohort.run_id, cohort.round, client):
        raise UpdateForAnotherRound(f"the receipt names {receipt.key}", client=client)
    if receipt.num_examples != member.num_examples:
        raise WrongNumExamples(
            f"num_examples is {receipt.num_examples}, the data index says {member.num_examples}", client=client
        )
    stored = stores.runs.find(receipt.key, version_id=receipt.version_id)
    if stored is None:
        raise UpdateMissing(f"{receipt.key} has no version {receipt.version_id}", client=client)
    if stored.size != receipt.size or stored.sha256 != receipt.sha256:
        raise UpdateChecksumDiffers(
            f"the receipt names {receipt.size} bytes with SHA-256 {receipt.sha256}; stored are {stored.size} bytes "
            f"with {stored.sha256 or 'no SHA-256'}",
            client=client,
        )

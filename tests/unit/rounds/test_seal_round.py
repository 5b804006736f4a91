"""SealRound decides once, whatever arrives when; AggregateTile and CloseRound keep to it."""

from collections.abc import Callable

import pytest

from edgetrain import keys
from edgetrain.contracts import Receipt
from edgetrain.errors import QuorumNotReached
from tests.unit.fakes.stores import MemoryStore
from tests.unit.rounds.conftest import RUN, Federation


def test_what_is_sealed_is_in_the_cohorts_order(started: Federation) -> None:
    clients = started.cohort()
    started.train(reversed(clients))
    assert started.seal() == (0, 1)
    sealed = started.sealed()
    assert [receipt.client for receipt in sealed.accepted] == list(clients)
    assert sealed.refused == ()
    assert [(tile.start, tile.stop) for tile in sealed.tiles] == [(0, 3), (3, 6)]


def test_a_missed_quorum_leaves_the_round_open(started: Federation) -> None:
    clients = started.cohort()
    started.train(clients[:4])
    with pytest.raises(QuorumNotReached, match=r"4 updates were accepted, min_clients is 5; refused: .*UpdateMissing"):
        started.seal()
    assert keys.sealed_round(RUN, 1) not in started.runs
    assert started.ledger.sealed == set()
    started.train(clients)  # the run is resumed
    assert started.seal() == (0, 1)
    assert len(started.sealed().accepted) == 6


def test_who_sent_nothing_has_a_row(started: Federation) -> None:
    *there, missing = started.cohort()
    started.train(there)
    started.seal()
    assert started.refusals() == {missing: "UpdateMissing"}
    assert [(row.client, row.error) for row in started.sealed().refused] == [(missing, "UpdateMissing")]


def test_the_reason_that_a_client_gave_stands(started: Federation) -> None:
    *there, broken = started.cohort()
    started.train(there)
    started.train([broken], deadline=started.now - 1)
    started.seal()
    assert started.refusals() == {broken: "UpdateLate"}


def test_sealing_twice_is_sealing_once(started: Federation) -> None:
    started.train(started.cohort())
    tiles, body = started.seal(), started.runs.get(keys.sealed_round(RUN, 1))
    started.now += 100
    assert started.seal() == tiles
    assert started.runs.get(keys.sealed_round(RUN, 1)) == body


def test_a_crash_between_the_seal_and_its_record(started: Federation) -> None:
    """Nothing can arrive in between: the second try writes what the first would have written."""
    *early, late = started.cohort()
    started.train(early)
    started.seal()
    body = started.runs.objects.pop(keys.sealed_round(RUN, 1))
    started.train([late])
    started.seal()
    assert [receipt.client for receipt in started.sealed().accepted] == early
    assert [(row.client, row.error) for row in started.sealed().refused] == [(late, "UpdateLate")]
    assert len(body) == 1


def test_a_receipt_that_arrives_while_sealing_counts(started: Federation, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first look and before the seal."""
    *early, last = started.cohort()
    started.train(early)
    seal = started.ledger.seal

    def late_arrival(run_id: str, number: int) -> None:
        started.train([last])
        seal(run_id, number)

    monkeypatch.setattr(started.ledger, "seal", late_arrival)
    started.seal()
    assert len(started.sealed().accepted) == 6


def test_two_executions_that_seal_at_once_agree(started: Federation, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one writes its record first; it is the one that counts, and both report it."""
    clients = started.cohort()
    started.train(clients)
    other: list[tuple[int, ...]] = []
    put_once = MemoryStore.put_once

    def slower(store: MemoryStore, key: str, body: bytes, **options: str) -> object:
        if key == keys.sealed_round(RUN, 1) and not other:
            other.append(())
            other[0] = started.seal()
        return put_once(store, key, body, **options)

    monkeypatch.setattr(MemoryStore, "put_once", slower)
    started.now += 5
    assert started.seal() == other[0]
    assert len(started.runs.objects[keys.sealed_round(RUN, 1)]) == 1


def changed(**changes: object) -> Callable[[Receipt], Receipt]:
    return lambda receipt: receipt.model_copy(update=changes)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (changed(num_examples=0), "WrongNumExamples"),
        (changed(num_examples=-1), "WrongNumExamples"),
        (changed(num_examples=2**62), "WrongNumExamples"),
        (changed(sha256="0" * 64), "UpdateChecksumDiffers"),
        (changed(size=1), "UpdateChecksumDiffers"),
        (changed(key=keys.update(RUN, 2, "client-00")), "UpdateForAnotherRound"),
        (changed(key=keys.global_model(RUN, 0)), "UpdateForAnotherRound"),
        (changed(version_id="7"), "UpdateMissing"),
    ],
)
def test_a_receipt_that_lies_is_refused(started: Federation, change: Callable[[Receipt], Receipt], error: str) -> None:
    liar, *honest = started.cohort()
    started.train([liar, *honest])
    row = (RUN, 1, liar)
    started.ledger.receipt_rows[row] = change(started.ledger.receipt_rows[row])
    started.seal()
    assert [receipt.client for receipt in started.sealed().accepted] == honest
    assert started.refusals() == {liar: error}


def test_an_object_without_a_checksum_does_not_count(started: Federation) -> None:
    client, *others = started.cohort()
    started.train([client, *others])
    started.runs.without_checksum.add(keys.update(RUN, 1, client))
    started.seal()
    assert started.refusals() == {client: "UpdateChecksumDiffers"}


def test_an_empty_cohort_of_receipts_is_a_missed_quorum(started: Federation) -> None:
    with pytest.raises(QuorumNotReached):
        started.seal()

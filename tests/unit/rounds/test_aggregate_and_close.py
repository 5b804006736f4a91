"""AggregateTile and CloseRound: from the sealed list to the next model, however often, and whatever happens beside."""

import itertools
import json

import numpy as np
import pytest

from edgetrain import keys
from edgetrain.errors import DataInvalid, ObjectNotFound, UpdateLate
from edgetrain.federated import weights
from edgetrain.rounds.close_round import mean_loss
from tests.unit.fakes.programs import SPEC
from tests.unit.fakes.stores import MemoryStore, MemoryWriter
from tests.unit.rounds.conftest import RUN, Federation


@pytest.fixture
def sealed(started: Federation) -> Federation:
    """Six updates in two tiles of three."""
    started.train(started.cohort())
    started.seal()
    return started


@pytest.fixture
def expected(sealed: Federation) -> bytes:
    """The next model when nothing goes wrong."""
    world = Federation(stores=sealed.stores)
    keep = dict(sealed.runs.objects)
    for tile in (0, 1):
        world.aggregate(tile)
    world.close()
    model = world.model()
    sealed.runs.objects.clear()
    sealed.runs.objects.update(keep)
    return model


def close(world: Federation) -> bytes:
    world.close()
    return world.model()


def test_a_round_is_closed(sealed: Federation) -> None:
    assert sealed.aggregate(0) == {"tile": 0, "accepted": 3, "refused": 0}
    assert sealed.aggregate(1) == {"tile": 1, "accepted": 3, "refused": 0}
    sealed.now += 10
    reply = sealed.close()
    closed = sealed.closed()
    receipts = sealed.ledger.receipts(RUN, 1)
    examples = sum(receipt.num_examples for receipt in receipts)
    assert reply == {"updates": 6, "examples": examples, "refused": 0}
    assert closed.examples == examples
    assert [entry.client for entry in closed.updates] == list(sealed.cohort())
    assert closed.base.key == keys.global_model(RUN, 0)
    assert closed.next.key == keys.global_model(RUN, 1)
    assert closed.closed_at - closed.started_at == 10
    weighted = sum(receipt.num_examples * receipt.loss for receipt in receipts)  # type: ignore[operator]
    assert closed.train_loss == pytest.approx(weighted / examples)


def test_the_order_of_the_tiles_does_not_matter(sealed: Federation, expected: bytes) -> None:
    sealed.aggregate(1)
    sealed.aggregate(0)
    assert close(sealed) == expected


@pytest.mark.parametrize("number", range(8))
def test_a_step_that_went_down_anywhere_is_done_again(sealed: Federation, expected: bytes, number: int) -> None:
    """Every write fails once, after it was made; the step is tried again until it is through."""
    count, writes = itertools.count(), sealed.runs.put

    def crashing(key: str, body: bytes, **options: str) -> object:
        stored = writes(key, body, **options)
        if next(count) == number:
            raise RuntimeError("the process is lost")
        return stored

    sealed.runs.put = crashing  # type: ignore[method-assign, assignment]
    lost = 0
    for step in (lambda: sealed.aggregate(0), lambda: sealed.aggregate(1), sealed.close):
        try:
            step()
        except RuntimeError:
            lost += 1
            step()
    assert lost == (number < 6)  # two sums with their records, a model and its record
    assert sealed.model() == expected
    assert all(len(versions) == 1 for versions in sealed.runs.objects.values())


def test_steps_that_run_twice_change_nothing(sealed: Federation, expected: bytes) -> None:
    for step in (lambda: sealed.aggregate(0), lambda: sealed.aggregate(1), sealed.close):
        step()
        before = dict(sealed.runs.objects)
        sealed.now += 1
        step()
        assert sealed.runs.objects == before
    assert sealed.model() == expected


def test_a_receipt_between_two_tiles_changes_nothing(started: Federation) -> None:
    *early, late = started.cohort()
    started.train(early)
    started.seal()
    started.aggregate(0)
    sealed_tile = started.runs.get(keys.partial_sum(RUN, 1, 0))
    body = started.update(late, 1.0)
    with pytest.raises(UpdateLate):
        started.send(late, body)
    # Even a row that somebody wrote past the seal, before a retried tile:
    receipt = started.ledger.receipts(RUN, 1)[0]
    started.ledger.receipt_rows[(RUN, 1, late)] = receipt.model_copy(
        update={"client": late, "key": keys.update(RUN, 1, late)}
    )
    del started.runs.objects[keys.tile_result(RUN, 1, 0)]
    started.aggregate(0)
    started.aggregate(1)
    started.seal()
    started.close()
    assert started.runs.get(keys.partial_sum(RUN, 1, 0)) == sealed_tile
    assert [entry.client for entry in started.closed().updates] == early


def test_an_update_overwritten_after_its_receipt_is_not_read(sealed: Federation, expected: bytes) -> None:
    """An administrator can; the sealed list names the version."""
    for client in sealed.cohort():
        sealed.runs.put(keys.update(RUN, 1, client), sealed.update(client, 7.0))
    sealed.aggregate(0)
    sealed.aggregate(1)
    assert close(sealed) == expected


@pytest.mark.parametrize("between", ["seal", "tiles"])
def test_an_update_overwritten_between_receipt_and_seal_is_not_read(started: Federation, between: str) -> None:
    clients = started.cohort()
    started.train(clients)
    first = {client: started.runs.get(keys.update(RUN, 1, client)) for client in clients}
    if between == "seal":
        started.runs.put(keys.update(RUN, 1, clients[0]), started.update(clients[0], 7.0))
    started.seal()
    if between == "tiles":
        started.runs.put(keys.update(RUN, 1, clients[0]), b"")
    assert all(started.aggregate(tile)["refused"] == 0 for tile in (0, 1))
    started.close()
    entry = started.closed().updates[0]
    assert started.runs.get(entry.key, version_id=entry.version_id) == first[clients[0]]


def test_a_tile_that_is_not_in_the_plan(sealed: Federation) -> None:
    with pytest.raises(DataInvalid, match="2 tiles: there is no tile 2"):
        sealed.aggregate(2)


def test_closing_waits_for_every_tile(sealed: Federation) -> None:
    sealed.aggregate(0)
    with pytest.raises(ObjectNotFound, match=r"partials/0001\.json"):
        sealed.close()


def test_nothing_is_summed_before_the_seal(started: Federation) -> None:
    with pytest.raises(ObjectNotFound, match=r"sealed\.json"):
        started.aggregate(0)


def test_another_partial_sum_in_its_place_is_an_error(sealed: Federation) -> None:
    sealed.runs.put(keys.partial_sum(RUN, 1, 0), bytes(64))
    with pytest.raises(DataInvalid, match=r"partials/0000\.i64"):
        sealed.aggregate(0)
    assert keys.tile_result(RUN, 1, 0) not in sealed.runs


def test_another_base_model_is_an_error(sealed: Federation) -> None:
    sealed.aggregate(0)
    sealed.aggregate(1)
    sealed.runs.objects[keys.global_model(RUN, 0)] = [
        weights.encode({spec.name: np.ones(spec.shape, np.float32) for spec in SPEC.weights})
    ]
    with pytest.raises(DataInvalid, match="globals/00000"):
        sealed.close()


def test_a_base_model_in_parts_is_checked_by_reading_it(sealed: Federation, expected: bytes) -> None:
    sealed.aggregate(0)
    sealed.aggregate(1)
    sealed.runs.without_checksum.add(keys.global_model(RUN, 0))
    assert close(sealed) == expected


def test_what_is_given_up_leaves_nothing_behind(sealed: Federation, monkeypatch: pytest.MonkeyPatch) -> None:
    aborted = []
    monkeypatch.setattr(MemoryWriter, "abort", lambda writer: aborted.append(writer.key))
    monkeypatch.setattr(MemoryStore, "open", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        sealed.aggregate(0)
    assert aborted == [keys.partial_sum(RUN, 1, 0)]


def test_refusals_are_rows_before_the_tile_is_done(started: Federation) -> None:
    """A tile that was lost between the two must not leave a refusal without a row."""
    liar, *honest = started.cohort()
    started.train(honest)
    started.send(liar, started.update(liar, np.nan))
    started.seal()
    put_refusal = started.ledger.put_refusal
    started.ledger.put_refusal = lambda _: 1 / 0  # type: ignore[method-assign, assignment]
    with pytest.raises(ZeroDivisionError):
        started.aggregate(0)
    assert keys.tile_result(RUN, 1, 0) not in started.runs
    started.ledger.put_refusal = put_refusal  # type: ignore[method-assign]
    started.aggregate(0)
    assert started.refusals() == {liar: "UpdateNotFinite"}


def test_the_reply_holds_no_list(federation: Federation) -> None:
    """What goes through the state machine must fit 256 KB, however many updates a tile has."""
    federation.start()
    federation.select()
    federation.train(federation.cohort())
    federation.seal()
    assert len(json.dumps(federation.aggregate(0))) < 100
    assert len(json.dumps(federation.close())) < 100


def test_the_loss_of_a_round(sealed: Federation) -> None:
    first, second, *_ = sealed.ledger.receipts(RUN, 1)
    a = first.model_copy(update={"loss": 2.0, "num_examples": 3})
    b = second.model_copy(update={"loss": 1.0, "num_examples": 1})
    silent = second.model_copy(update={"loss": None, "num_examples": 100})
    assert mean_loss([a, b, silent]) == 1.75
    assert mean_loss([silent]) is None
    assert mean_loss([]) is None

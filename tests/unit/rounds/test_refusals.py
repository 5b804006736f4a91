"""Bad updates: each is refused with its own class and a row, and the round goes on while the quorum stands."""

from collections.abc import Callable

import numpy as np
import pytest

from edgetrain import keys
from edgetrain.errors import QuorumNotReached
from edgetrain.federated import weights
from tests.unit.fakes.programs import SPEC
from tests.unit.rounds.conftest import RUN, Federation


def tensors(**changes: np.ndarray | None) -> dict[str, np.ndarray]:
    good = {spec.name: np.full(spec.shape, 0.25, np.float32) for spec in SPEC.weights}
    return {name: array for name, array in {**good, **changes}.items() if array is not None}


def bad(value: float) -> np.ndarray:
    return np.array([0.5, value], np.float32)


def body_of(world: Federation, client: str, arrays: dict[str, np.ndarray], **said: str) -> bytes:
    return weights.encode(arrays, world.metadata(client, **said))


def longer_header(body: bytes) -> bytes:
    return (2**40).to_bytes(8, "little") + body[8:]


def header_beyond_the_file(body: bytes) -> bytes:
    return (len(body) + 1).to_bytes(8, "little") + body[8:]


#: What is wrong -> the bytes of such an update, the class that the ledger names.
BAD: dict[str, tuple[Callable[[Federation, str], bytes], str]] = {
    "a name is missing": (lambda w, c: body_of(w, c, tensors(bias=None)), "UpdateNamesDiffer"),
    "a name is not the model's": (lambda w, c: body_of(w, c, tensors(more=bad(0))), "UpdateNamesDiffer"),
    "another shape": (lambda w, c: body_of(w, c, tensors(bias=np.zeros(3, np.float32))), "UpdateShapeDiffers"),
    "another dtype": (lambda w, c: body_of(w, c, tensors(bias=np.zeros(2, np.int32))), "UpdateDtypeDiffers"),
    "NaN": (lambda w, c: body_of(w, c, tensors(bias=bad(np.nan))), "UpdateNotFinite"),
    "infinity": (lambda w, c: body_of(w, c, tensors(bias=bad(-np.inf))), "UpdateNotFinite"),
    "out of bounds": (lambda w, c: body_of(w, c, tensors(bias=bad(8.000001))), "UpdateOutOfBounds"),
    "truncated": (lambda w, c: w.update(c)[:-4], "UpdateTruncated"),
    "nothing": (lambda *_: b"", "UpdateTruncated"),
    "a header longer than the file": (lambda w, c: header_beyond_the_file(w.update(c)), "UpdateTruncated"),
    "a header of a terabyte": (lambda w, c: longer_header(w.update(c)), "UpdateMalformed"),
    "a pickle": (lambda *_: b"\x80\x04\x95" + bytes(60), "UpdateMalformed"),
    "another round": (lambda w, c: w.update(c, round="2"), "UpdateForAnotherRound"),
    "another run": (lambda w, c: w.update(c, run_id="other"), "UpdateForAnotherRound"),
    "another client": (lambda w, c: w.update(c, client="other"), "UpdateForAnotherRound"),
    "another base": (lambda w, c: w.update(c, base_sha256="0" * 64), "UpdateForAnotherRound"),
    "other examples": (lambda w, c: w.update(c, num_examples="1"), "WrongNumExamples"),
    "no metadata": (lambda *_: weights.encode(tensors()), "UpdateForAnotherRound"),
    "half a surrogate pair": (
        lambda w, c: w.update(c).replace(b'"kernel"', rb'"\udfff"'),
        "UpdateMalformed",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_update_is_refused_and_the_round_goes_on(started: Federation, what: str) -> None:
    make, error = BAD[what]
    liar, *honest = started.cohort()
    started.train(honest)
    started.send(liar, make(started, liar))
    started.seal()
    assert [started.aggregate(tile)["refused"] for tile in (0, 1)] == [1, 0]
    assert started.refusals() == {liar: error}
    started.close()
    closed = started.closed()
    assert [(row.client, row.error) for row in closed.refused] == [(liar, error)]
    assert [entry.client for entry in closed.updates] == honest
    # As if it had not been there:
    alone = Federation(stores=started.stores)
    model = alone.model()
    for key in (keys.sealed_round, keys.closed_round):
        del alone.runs.objects[key(RUN, 1)]
    for key in [key for key in alone.runs.objects if "/partials/" in key or key == keys.global_model(RUN, 1)]:
        del alone.runs.objects[key]
    del alone.ledger.receipt_rows[(RUN, 1, liar)]
    for tile in alone.seal():
        alone.aggregate(tile)
    alone.close()
    assert alone.model() == model


def test_a_tile_of_nothing_but_bad_updates_adds_nothing(federation: Federation) -> None:
    federation.start(updates_per_tile=1, min_clients=4)
    federation.select()
    first, second, *honest = federation.cohort()
    federation.train(honest)
    for liar in (first, second):
        federation.send(liar, federation.update(liar, np.inf))
    for tile in federation.seal():
        federation.aggregate(tile)
    assert (federation.tile(0).weight, federation.tile(0).accepted) == (0, ())
    federation.close()
    assert [entry.client for entry in federation.closed().updates] == honest


def test_the_quorum_is_asked_again_after_the_tiles(started: Federation) -> None:
    first, second, *honest = started.cohort()
    started.train(honest)
    for liar in (first, second):
        started.send(liar, started.update(liar, 100.0))
    started.seal()
    for tile in (0, 1):
        started.aggregate(tile)
    with pytest.raises(
        QuorumNotReached, match=f"4 updates were accepted, min_clients is 5; refused: {first} UpdateOut"
    ):
        started.close()
    assert keys.global_model(RUN, 1) not in started.runs
    assert keys.closed_round(RUN, 1) not in started.runs

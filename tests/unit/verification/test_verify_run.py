"""A run in memory, played by the steps, of which one thing is changed: the verification names that one."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgetrain import keys
from edgetrain.errors import RunNotFound
from edgetrain.federated import weights
from edgetrain.verification import made
from edgetrain.verification.findings import RunVerdict
from edgetrain.verification.verify_run import verify_run
from tests.unit.rounds.conftest import RUN, Federation, put_data, put_program

ROUNDS = 3
GIVEN: dict[str, Any] = {"rounds": ROUNDS, "updates_per_tile": 4, "strategy": {"name": "fedadam"}}


def played(**given: Any) -> Federation:
    world = Federation()
    put_data(world.stores, clients=10)
    put_program(world.stores)
    world.start(**{**GIVEN, **given})
    for number in range(1, given.get("rounds", ROUNDS) + 1):
        world.now += 10
        world.play(number)
    return world


@pytest.fixture(scope="module")
def original() -> Federation:
    return played()


@pytest.fixture
def world(original: Federation) -> Federation:
    """A run of three rounds, to be altered by one test."""
    copy = Federation()
    for name in ("runs", "models"):
        objects = getattr(original.stores, name).objects
        getattr(copy.stores, name).objects.update({key: list(versions) for key, versions in objects.items()})
    return copy


def verify(world: Federation) -> RunVerdict:
    return verify_run(world.stores.runs, world.stores.models, RUN)


def flip(world: Federation, key: str, byte: int, version: int = -1) -> None:
    """One bit of a stored version, as no API of S3 can."""
    body = bytearray(world.runs.objects[key][version])
    body[byte] ^= 1
    world.runs.objects[key][version] = bytes(body)


def rewrite(world: Federation, key: str, change: Callable[[Any], None]) -> None:
    """A record that says something else."""
    document = json.loads(world.runs.objects[key][-1])
    change(document)
    world.runs.objects[key][-1] = json.dumps(document).encode()


def found(verdict: RunVerdict) -> list[tuple[str, str, int | None]]:
    assert not verdict.verified
    return [(each.code, each.key, each.round) for each in verdict.findings]


def recomputed(verdict: RunVerdict) -> list[int]:
    return [each.round for each in verdict.rounds if each.recomputed]


# --- nothing was changed


@pytest.mark.parametrize("name", ["fedavg", "fedavgm", "fedadagrad", "fedadam", "fedyogi"])
def test_a_run_is_what_it_was(name: str) -> None:
    world = played(
        strategy={"name": name, "schedule": {"name": "cosine", "final": 0.1}, "weighting": "uniform"},
        max_update_norm=50.0,
    )
    verdict = verify(world)
    assert verdict.findings == ()
    assert (verdict.verified, verdict.chained, recomputed(verdict)) == (True, True, [1, 2, 3])
    last = world.runs.get(keys.closed_round(RUN, ROUNDS))
    assert verdict.head_sha256 == hashlib.sha256(last).hexdigest()


def test_refused_updates_are_refused_again() -> None:
    """One that has no receipt, one that is no number: both stand in the records, and neither is a finding."""
    world = Federation()
    put_data(world.stores, clients=10)
    put_program(world.stores)
    world.start(rounds=1, updates_per_tile=2, min_clients=4)
    world.select()
    silent, liar, *honest = world.cohort()
    world.train(honest)
    world.send(liar, world.update(liar, np.nan))
    for tile in world.seal():
        world.aggregate(tile)
    world.close()
    world.evaluate()
    verdict = verify(world)
    assert (verdict.findings, verdict.verified) == ((), True)
    assert [(each.updates, each.recomputed) for each in verdict.rounds] == [(4, True)]
    rewrite(world, keys.closed_round(RUN, 1), lambda closed: closed["refused"].pop())
    assert ("differs", liar) in {(each.code, each.client) for each in verify(world).findings}
    assert silent not in {each.client for each in verify(world).findings}


def test_what_comes_after_the_seal_is_no_finding(world: Federation) -> None:
    """Another version of an update: the sealed one counts."""
    client = world.closed(2).updates[0].client
    world.runs.put(keys.update(RUN, 2, client), b"later")
    assert verify(world).verified


def test_a_round_that_is_being_closed_is_not_looked_at(world: Federation) -> None:
    for key in (keys.closed_round(RUN, 3), keys.evaluated_round(RUN, 3)):
        del world.runs.objects[key]
    verdict = verify(world)
    assert (verdict.verified, [each.round for each in verdict.rounds]) == (True, [1, 2])


def test_a_run_without_a_closed_round() -> None:
    world = Federation()
    put_data(world.stores, clients=10)
    put_program(world.stores)
    world.start(**GIVEN)
    verdict = verify(world)
    assert (verdict.verified, verdict.rounds, verdict.head_sha256) == (True, (), None)


@pytest.mark.parametrize("run_id", ["nobody", "../etc", ""])
def test_a_run_that_is_not_there(world: Federation, run_id: str) -> None:
    with pytest.raises(RunNotFound, match="edgetrain runs list"):
        verify_run(world.stores.runs, world.stores.models, run_id)


def test_rounds_from_before_the_chain(world: Federation) -> None:
    """They are made again all the same, and the verdict says that they hang on nothing."""
    take_chain_away(world)
    verdict = verify(world)
    assert (verdict.findings, verdict.verified, verdict.chained) == ((), True, False)


def take_chain_away(world: Federation) -> None:
    for number in range(1, ROUNDS + 1):
        for key in (keys.closed_round(RUN, number), keys.evaluated_round(RUN, number)):
            rewrite(world, key, lambda document: unchain(document.get("closed", document)))


def unchain(closed: dict[str, Any]) -> None:
    for name in ("previous_sha256", "cohort_sha256", "sealed_sha256"):
        closed[name] = None


def test_progress_is_told(world: Federation) -> None:
    told: list[tuple[int, int]] = []
    verify_run(world.stores.runs, world.stores.models, RUN, lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


# --- updates


@pytest.mark.parametrize("change", ["a bit", "a byte less", "gone"])
def test_an_altered_update_is_named(world: Federation, change: str) -> None:
    entry = world.closed(2).updates[1]
    versions = world.runs.objects[entry.key]
    if change == "a bit":
        flip(world, entry.key, len(versions[0]) - 3)
    elif change == "a byte less":
        versions[0] = versions[0][:-1]
    else:
        del world.runs.objects[entry.key]
    verdict = verify(world)
    assert found(verdict) == [("missing" if change == "gone" else "altered", entry.key, 2)]
    (finding,) = verdict.findings
    assert (finding.client, finding.version_id) == (entry.client, entry.version_id)
    assert entry.client in finding.message
    # The others are made again: the third from what round 2 left and recorded.
    assert recomputed(verdict) == [1, 3]


def test_an_altered_update_whose_checksum_the_store_still_repeats_is_found(
    world: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a store says of an object's SHA-256 is not asked."""
    entry = world.closed(1).updates[0]
    flip(world, entry.key, 200)
    find = type(world.runs).find

    def lying(store: Any, key: str, **version: Any) -> Any:
        stored = find(store, key, **version)
        return stored and type(stored)(stored.key, stored.version_id, entry.sha256, stored.size)

    monkeypatch.setattr(type(world.runs), "find", lying)
    assert found(verify(world)) == [("altered", entry.key, 1)]


# --- models and state


@pytest.mark.parametrize("number", [1, ROUNDS])
def test_an_altered_model_is_named_with_its_byte(world: Federation, number: int) -> None:
    key = keys.global_model(RUN, number)
    byte = len(world.model(number)) - 2 * 4 + 1  # of the first bias
    before = world.model(number)[byte]
    flip(world, key, byte)
    verdict = verify(world)
    assert found(verdict) == [("altered", key, number)]
    (finding,) = verdict.findings
    assert finding.byte == byte
    words = f"byte {byte} (in bias, element 0) is 0x{before ^ 1:02x}: 0x{before:02x} was made again"
    assert words in finding.message
    # Later rounds start from what was made again.
    assert [each.round for each in verdict.rounds if not each.recomputed] == [number]


def test_a_model_that_is_cut_short(world: Federation) -> None:
    key = keys.global_model(RUN, 2)
    world.runs.objects[key][-1] = world.model(2)[:-4]
    verdict = verify(world)
    assert found(verdict) == [("altered", key, 2)]
    assert verdict.findings[0].byte == len(world.model(2))
    assert "is not there" in verdict.findings[0].message


def test_the_first_model_is_the_programs(world: Federation) -> None:
    flip(world, keys.global_model(RUN, 0), 150)
    verdict = verify(world)
    assert found(verdict) == [("altered", keys.global_model(RUN, 0), 1)]
    assert recomputed(verdict) == [2, 3]


def test_an_altered_state_is_named_with_its_byte(world: Federation) -> None:
    key = keys.strategy_state(RUN, 2, "v")
    flip(world, key, 8 * 5 + 2)
    verdict = verify(world)
    assert found(verdict) == [("altered", key, 2)]
    assert verdict.findings[0].byte == 42
    assert "in kernel, element 5" in verdict.findings[0].message
    assert recomputed(verdict) == [1, 3]


def test_a_model_that_was_never_the_average_is_found_though_every_checksum_agrees(world: Federation) -> None:
    """Somebody replaced the last model and wrote all records anew."""
    body = weights.encode({name: tensor + 1 for name, tensor in weights.decode(world.model(3)).items()})
    sha256 = hashlib.sha256(body).hexdigest()
    world.runs.objects[keys.global_model(RUN, 3)][-1] = body
    rewrite(world, keys.closed_round(RUN, 3), lambda closed: closed["next"].update(sha256=sha256))
    rewrite(world, keys.evaluated_round(RUN, 3), lambda each: each["closed"]["next"].update(sha256=sha256))
    verdict = verify(world)
    assert found(verdict) == [
        ("differs", keys.closed_round(RUN, 3), 3),
        ("differs", keys.global_model(RUN, 3), 3),
    ]
    assert verdict.findings[1].byte is not None


# --- records and their chain


def test_an_altered_sealed_list_is_named(world: Federation) -> None:
    key = keys.sealed_round(RUN, 2)
    client = world.sealed(2).accepted[3].client
    rewrite(world, key, lambda sealed: sealed["accepted"].pop(3))
    verdict = verify(world)
    assert ("altered", key, 2) in found(verdict)
    assert client in {each.client for each in verdict.findings}
    assert {each.round for each in verdict.findings} == {2}
    assert recomputed(verdict) == [1, 3]


def test_an_altered_receipt_in_the_sealed_list_is_named(world: Federation) -> None:
    key, client = keys.sealed_round(RUN, 1), world.sealed(1).accepted[0].client
    rewrite(world, key, lambda sealed: sealed["accepted"][0].update(num_examples=1000))
    verdict = verify(world)
    assert {(each.code, each.client) for each in verdict.findings} == {("altered", None), ("differs", client)}
    assert any("1000 examples" in each.message for each in verdict.findings)


def test_what_changes_no_number_changes_the_chain(world: Federation) -> None:
    """How long a client took stands in the sealed list and in nothing that is made from it."""
    key = keys.sealed_round(RUN, 2)
    rewrite(world, key, lambda sealed: sealed["accepted"][0].update(seconds=0.125))
    verdict = verify(world)
    assert found(verdict) == [("altered", key, 2)]
    assert recomputed(verdict) == [1, 2, 3]


@pytest.mark.parametrize(
    ("change", "key", "words"),
    [
        (lambda sealed: sealed["accepted"].append(sealed["accepted"][0]), keys.sealed_round(RUN, 2), "accepted twice"),
        (lambda sealed: sealed["tiles"].pop(), keys.sealed_round(RUN, 2), "its tiles are not those of 6 updates"),
        (lambda sealed: sealed.update(round=1), keys.sealed_round(RUN, 2), "round 1"),
        (
            lambda sealed: sealed["accepted"][0].update(client="client-99"),
            keys.sealed_round(RUN, 2),
            "client-99 is not of the cohort",
        ),
        (
            lambda sealed: sealed["accepted"][0].update(key="elsewhere"),
            keys.sealed_round(RUN, 2),
            "has its update under elsewhere",
        ),
    ],
    ids=["twice", "tiles", "round", "stranger", "key"],
)
def test_a_sealed_list_that_contradicts_itself_is_named_without_a_chain(
    world: Federation, change: Callable[[dict[str, Any]], object], key: str, words: str
) -> None:
    take_chain_away(world)
    rewrite(world, keys.sealed_round(RUN, 2), change)  # type: ignore[arg-type]
    verdict = verify(world)
    assert any(words in each.message and each.key == key for each in verdict.findings)
    assert {each.round for each in verdict.findings} == {2}
    assert recomputed(verdict) == [1, 3]


def test_an_update_that_was_sealed_and_forgotten_is_named(world: Federation) -> None:
    take_chain_away(world)
    for key in (keys.closed_round(RUN, 2), keys.evaluated_round(RUN, 2)):
        rewrite(world, key, lambda document: document.get("closed", document)["updates"].pop())
    (finding,) = verify(world).findings
    assert (finding.key, finding.client) == (keys.closed_round(RUN, 2), world.sealed(2).accepted[-1].client)
    assert "neither counts nor refuses" in finding.message


def test_an_altered_cohort_is_named(world: Federation) -> None:
    key = keys.cohort(RUN, 3)
    rewrite(world, key, lambda cohort: cohort["base"].update(sha256="0" * 64))
    assert found(verify(world)) == [("altered", key, 3), ("differs", key, 3)]


def test_an_altered_run_record_is_named(world: Federation) -> None:
    key = keys.run_record(RUN)
    rewrite(world, key, lambda run: run.update(code_version="another"))
    assert found(verify(world)) == [("altered", key, None)]


def test_an_altered_link_of_the_chain_is_named(world: Federation) -> None:
    """Round 1's record, with its copy in the evaluation: the round after does not name these bytes."""
    key = keys.closed_round(RUN, 1)
    rewrite(world, key, lambda closed: closed.update(closed_at=5.0))
    rewrite(world, keys.evaluated_round(RUN, 1), lambda each: each["closed"].update(closed_at=5.0))
    verdict = verify(world)
    assert found(verdict) == [("altered", key, 1)]
    assert f"{keys.closed_round(RUN, 2)} was made from one" in verdict.findings[0].message
    assert recomputed(verdict) == [1, 2, 3]


def test_a_link_that_was_taken_away_is_named(world: Federation) -> None:
    for key in (keys.closed_round(RUN, 3), keys.evaluated_round(RUN, 3)):
        rewrite(world, key, lambda document: unchain(document.get("closed", document)))
    verdict = verify(world)
    assert found(verdict) == [("chain", keys.closed_round(RUN, 3), 3)]
    assert not verdict.chained


@pytest.mark.parametrize(
    ("change", "client"),
    [
        (lambda closed: closed["updates"][0].update(version_id="7"), True),
        (lambda closed: closed["updates"].pop(0), True),
        (lambda closed: closed.update(examples=1), False),
        (lambda closed: closed.update(train_loss=0.0), False),
    ],
    ids=["another version", "one less", "examples", "loss"],
)
def test_an_altered_last_record_is_named(
    world: Federation, change: Callable[[dict[str, Any]], object], client: bool
) -> None:
    first = world.closed(3).updates[0].client
    rewrite(world, keys.closed_round(RUN, 3), change)  # type: ignore[arg-type]
    verdict = verify(world)
    assert found(verdict) == [
        ("differs", keys.evaluated_round(RUN, 3), 3),
        ("differs", keys.closed_round(RUN, 3), 3),
    ]
    assert verdict.findings[1].client == (first if client else None)


def test_a_record_that_cannot_be_read(world: Federation) -> None:
    world.runs.objects[keys.cohort(RUN, 2)][-1] = b"{}"
    verdict = verify(world)
    assert found(verdict)[0] == ("unreadable", keys.cohort(RUN, 2), 2)
    assert recomputed(verdict) == [1, 3]


# --- what is gone


@pytest.mark.parametrize(
    ("key", "number", "made_again"),
    [
        (keys.run_record(RUN), None, []),
        (keys.cohort(RUN, 1), 1, [2, 3]),
        (keys.sealed_round(RUN, 2), 2, [1, 3]),
        (keys.closed_round(RUN, 1), 1, [3]),
        (keys.closed_round(RUN, 3), 3, [1, 2]),
        (keys.evaluated_round(RUN, 2), 2, [1, 2, 3]),
        (keys.global_model(RUN, 0), 1, [2, 3]),
        (keys.global_model(RUN, 1), 1, [2, 3]),
        (keys.global_model(RUN, 3), 3, [1, 2]),
        (keys.strategy_state(RUN, 2, "m"), 2, [1, 3]),
    ],
)
def test_a_missing_object_is_named(world: Federation, key: str, number: int | None, made_again: list[int]) -> None:
    del world.runs.objects[key]
    verdict = verify(world)
    assert found(verdict) == [("missing", key, number)]
    assert recomputed(verdict) == made_again


def test_a_missing_description_of_the_task(world: Federation) -> None:
    key = keys.program_file("toy", "p1", keys.SPEC_FILE)
    del world.stores.models.objects[key]  # type: ignore[attr-defined]
    assert found(verify(world)) == [("missing", key, None)]


def test_another_description_of_the_task(world: Federation) -> None:
    key = keys.program_file("toy", "p1", keys.SPEC_FILE)
    objects = world.stores.models.objects  # type: ignore[attr-defined]
    objects[key][-1] = objects[key][-1].replace(b'"bias"', b'"bent"')
    verdict = verify(world)
    assert found(verdict) == [("differs", keys.closed_round(RUN, number), number) for number in (1, 2, 3)]
    assert key in verdict.findings[0].message


# --- bytes


def test_the_first_difference_is_found_across_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "PIECE", 4)
    one, other = made.Made(), made.Made()
    one.write(bytes(range(11)))
    other.write(bytes(range(11)))
    assert made.first_difference(one, other) is None
    other.write(b"\x0b")
    assert made.first_difference(one, other) == 11
    other.restart()
    other.write(bytes([*range(6), 99, 99]))
    assert made.first_difference(one, other) == 6
    with pytest.raises(ValueError, match="at most 11"):
        one.read_into(8, memoryview(bytearray(4)))

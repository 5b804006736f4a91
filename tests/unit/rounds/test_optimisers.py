"""Strategies with a state, schedules and the bound on the norm, through the steps of a round."""

import itertools

import numpy as np
import pytest

from edgetrain import keys
from edgetrain.contracts import ClosedRound, RunRecord
from edgetrain.errors import DataInvalid
from edgetrain.federated import weights
from edgetrain.federated.strategies import Sums, get_strategy
from tests.unit.fakes.programs import SPEC
from tests.unit.rounds.conftest import RUN, Federation

STRATEGIES = ["fedavgm", "fedadagrad", "fedadam", "fedyogi"]


def play(world: Federation, rounds: int, **given: object) -> None:
    world.start(rounds=rounds, **given)
    for number in range(1, rounds + 1):
        world.play(number)


def objects(world: Federation) -> dict[str, bytes]:
    """Models and states, by key."""
    return {key: versions[-1] for key, versions in world.runs.objects.items() if key.endswith((".f64", ".safetensors"))}


def flat(world: Federation, number: int) -> np.ndarray:
    model = weights.decode(world.model(number))
    return np.concatenate([model[spec.name].ravel() for spec in SPEC.weights])


def sums_of(world: Federation, number: int) -> Sums:
    """The round's sums, from the partial sums of its tiles."""
    tiles = [world.tile(tile.index, number) for tile in world.sealed(number).tiles]
    total = sum(np.frombuffer(world.runs.get(tile.key), "<i8") for tile in tiles)
    assert isinstance(total, np.ndarray)
    return Sums(total, sum(tile.weight for tile in tiles), world.cohort_record(number).number_format.fraction_bits)


@pytest.mark.parametrize("name", STRATEGIES)
def test_each_round_goes_on_from_the_state_of_the_last(federation: Federation, name: str) -> None:
    play(federation, 3, strategy={"name": name}, updates_per_tile=4)
    strategy = get_strategy(federation.record(keys.run_record(RUN), RunRecord).input.strategy)
    params = flat(federation, 0)
    state = strategy.init(params)
    for number in (1, 2, 3):
        params, state = strategy.apply(params, state, sums_of(federation, number))
        np.testing.assert_array_equal(flat(federation, number), params)
        closed = federation.closed(number)
        assert [each.name for each in closed.state] == list(state)
        for each in closed.state:
            assert each.key == keys.strategy_state(RUN, number, each.name)
            stored = federation.runs.find(each.key)
            assert stored is not None
            assert stored.sha256 == each.sha256
            assert federation.runs.get(each.key) == state[each.name].astype("<f8").tobytes()


def test_fedavg_leaves_no_state(federation: Federation) -> None:
    play(federation, 2)
    assert federation.closed(2).state == ()
    assert not [key for key in federation.runs.objects if "/state/" in key]


@pytest.mark.parametrize("number", range(4))
def test_a_round_that_went_down_while_it_was_closed_is_closed_with_the_same_bytes(
    federation: Federation, number: int
) -> None:
    """Of CloseRound's writes - two arrays, model, record - each fails once after it was made."""
    world = Federation()
    world.stores.data.objects.update(federation.stores.data.objects)  # type: ignore[attr-defined]
    world.stores.models.objects.update(federation.stores.models.objects)  # type: ignore[attr-defined]
    play(world, 2, strategy={"name": "fedyogi"})
    federation.start(rounds=2, strategy={"name": "fedyogi"})
    federation.play(1)
    federation.select(2)
    federation.train(federation.cohort(2), 2)
    federation.seal(2)
    federation.aggregate(0, 2)
    count, writes = itertools.count(), federation.runs.put

    def crashing(key: str, body: bytes, **options: str) -> object:
        stored = writes(key, body, **options)
        if next(count) == number:
            raise RuntimeError("the process is lost")
        return stored

    federation.runs.put = crashing  # type: ignore[method-assign, assignment]
    with pytest.raises(RuntimeError):
        federation.close(2)
    federation.close(2)
    assert next(count) >= 4
    assert objects(federation) == objects(world)
    assert federation.closed(2) == world.closed(2)


@pytest.mark.parametrize("change", ["other bytes", "another strategy's"])
def test_a_state_that_is_not_what_was_recorded_is_refused(federation: Federation, change: str) -> None:
    federation.start(rounds=2, strategy={"name": "fedadam"})
    federation.play(1)
    key = keys.strategy_state(RUN, 1, "v")
    if change == "other bytes":
        federation.runs.put(key, federation.runs.get(key)[:-1] + b"\1")
    else:
        record = keys.closed_round(RUN, 1)
        closed = federation.record(record, ClosedRound)
        federation.runs.put(record, closed.model_copy(update={"state": closed.state[:1]}).model_dump_json().encode())
    federation.select(2)
    federation.train(federation.cohort(2), 2)
    federation.seal(2)
    federation.aggregate(0, 2)
    with pytest.raises(DataInvalid, match="SHA-256" if change == "other bytes" else r"names the state \['m'\]"):
        federation.close(2)
    assert keys.global_model(RUN, 2) not in federation.runs


# --- schedules


def test_the_rates_of_a_round_stand_in_its_cohort_and_are_what_everybody_uses(federation: Federation) -> None:
    used = []
    train = federation.programs.program.train

    def recorded(base, x, y, settings, rng, **more):  # type: ignore[no-untyped-def]
        used.append(settings.learning_rate)
        return train(base, x, y, settings, rng, **more)

    federation.programs.program.train = recorded  # type: ignore[method-assign]
    halves = {"name": "step", "gamma": 0.5, "every": 1}
    play(
        federation,
        3,
        clients_per_round=2,
        client={"learning_rate": 0.4, "schedule": halves},
        strategy={"server_learning_rate": 2, "schedule": {"name": "exponential", "gamma": 0.25}},
    )
    cohorts = [federation.cohort_record(number) for number in (1, 2, 3)]
    assert [each.client_learning_rate for each in cohorts] == [0.4, 0.2, 0.1]
    assert [each.server_learning_rate for each in cohorts] == [2, 0.5, 0.125]
    assert used == [0.4, 0.4, 0.2, 0.2, 0.1, 0.1]
    mean = sums_of(federation, 3).mean()
    expected = (flat(federation, 2) + 0.125 * mean).astype(np.float32)
    np.testing.assert_array_equal(flat(federation, 3), expected)


def test_a_resumed_run_keeps_the_rates_of_the_cohort_that_stands(federation: Federation) -> None:
    federation.start(rounds=2, client={"schedule": {"name": "cosine", "final": 0}})
    federation.play(1)
    federation.select(2)
    rate = federation.cohort_record(2).client_learning_rate
    federation.now += 1000
    federation.select(2)
    assert federation.cohort_record(2).client_learning_rate == rate == pytest.approx(0.25)


# --- settings of the client


def test_what_a_user_gives_stands_over_what_the_task_says(federation: Federation) -> None:
    federation.start(client={"steps": 3, "proximal_mu": 0.01, "clip_norm": 2})
    client = federation.record(keys.run_record(RUN), RunRecord).client
    assert (client.steps, client.epochs, client.full_batch) == (3, 2, False)
    assert (client.proximal_mu, client.clip_norm, client.batch_size) == (0.01, 2, 4)


# --- the norm


def test_a_client_refuses_its_own_update_above_the_norm(federation: Federation) -> None:
    federation.start(max_update_norm=1e-6, min_clients=1)
    federation.select()
    federation.train(federation.cohort())
    assert set(federation.refusals().values()) == {"UpdateNormExceeded"}
    assert not [key for key in federation.runs.objects if "/updates/" in key]


def test_the_aggregator_refuses_what_somebody_elses_client_sent(federation: Federation) -> None:
    """Eight parameters of 0.25 and 8: norms 0.707 and 22.6."""
    federation.start(max_update_norm=1.0, min_clients=5)
    federation.select()
    liar, *honest = federation.cohort()
    federation.send(liar, federation.update(liar, 8.0))
    for client in honest:
        federation.send(client, federation.update(client, 0.25))
    federation.seal()
    federation.aggregate()
    federation.close()
    closed = federation.closed()
    assert [(each.client, each.error) for each in closed.refused] == [(liar, "UpdateNormExceeded")]
    np.testing.assert_allclose(flat(federation, 1) - flat(federation, 0), 0.25, rtol=1e-6)

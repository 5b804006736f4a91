"""The strategies: the papers' equations by hand, and what holds whatever the numbers."""

from math import sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgetrain.contracts import STRATEGY_DEFAULTS, StrategySettings
from edgetrain.federated.strategies import FedAdagrad, FedAvg, FedAvgM, Strategy, Sums, get_strategy, state_names

NAMES = sorted(STRATEGY_DEFAULTS)
ADAPTIVE = ["fedadagrad", "fedadam", "fedyogi"]
F, M = 4, 4


def make(name: str, **settings: float) -> Strategy:
    return get_strategy(StrategySettings(name=name, **settings))  # type: ignore[arg-type]


def mean(*delta: float) -> Sums:
    """Sums whose mean is `delta`, in multiples of 2^-6."""
    return Sums(np.array([each * M * 2**F for each in delta], np.int64), M, F)


def play(strategy: Strategy, params: list[float], *deltas: list[float]) -> tuple[list[list[float]], Any]:
    """The models after each round, and the last state."""
    g, models = np.array(params, np.float32), []
    state = strategy.init(g)
    for delta in deltas:
        g, state = strategy.apply(g, state, mean(*delta))
        assert g.dtype == np.float32
        models.append(g.tolist())
    return models, {name: array.tolist() for name, array in state.items()}


# --- by hand


def test_fedavg_by_hand() -> None:
    """S = [6, -2] * 2^4, M = 4: the mean is [1.5, -0.5]; with eta = 0.5 from g = [1, 1]: [1.75, 0.75]."""
    strategy = make("fedavg", server_learning_rate=0.5)
    params = np.ones(2, np.float32)
    sums = Sums(np.array([96, -32], np.int64), weight=4, fraction_bits=4)
    following, state = strategy.apply(params, strategy.init(params), sums)
    assert following.dtype == np.float32
    assert following.tolist() == [1.75, 0.75]
    assert state == {}
    assert params.tolist() == [1, 1]


def test_fedavgm_by_hand() -> None:
    """beta = eta = 1/2. m: [1.5, -0.5], then half of that plus [1, 1] = [1.75, 0.75]; half of it is the step."""
    models, state = play(make("fedavgm", server_learning_rate=0.5, momentum=0.5), [1, 1], [1.5, -0.5], [1, 1])
    assert models == [[1.75, 0.75], [2.625, 1.125]]
    assert state == {"m": [1.75, 0.75]}


def test_fedadagrad_by_hand() -> None:
    """tau = 3/4, so v_0 = 9/16. D = 1: v = 25/16, step 1 / (5/4 + 3/4) = 1/2. D = 3: v = 169/16, step 3 / (13/4 + 3/4) = 3/4."""
    models, state = play(make("fedadagrad", server_learning_rate=1, tau=0.75), [1, 1], [1, -1], [3, -3])
    assert models == [[1.5, 0.5], [2.25, -0.25]]
    assert state == {"v": [10.5625, 10.5625]}


def test_fedadam_by_hand() -> None:
    """beta_1 = beta_2 = 1/2, tau = v_0 = 1. D = 1: m = 1/2, v = 1, step 1/4. D = 7: m = 15/4, v = 25, step 15/4 / 6 = 5/8."""
    strategy = make("fedadam", server_learning_rate=1, beta_1=0.5, beta_2=0.5, tau=1)
    models, state = play(strategy, [1], [1], [7])
    assert models == [[1.25], [1.875]]
    assert state == {"m": [3.75], "v": [25]}


def test_fedyogi_by_hand() -> None:
    """As FedAdam; D = 1: D^2 = v, which stays 1. D = 4: v = 1 + 16/2 = 9, m = 9/4, step 9/16. D = 2: v = 9 - 4/2 = 7, m = 17/8."""
    strategy = make("fedyogi", server_learning_rate=1, beta_1=0.5, beta_2=0.5, tau=1)
    models, state = play(strategy, [1], [1], [4], [2])
    assert models[:2] == [[1.25], [1.8125]]
    assert models[2] == [np.float32(1.8125 + 2.125 / (sqrt(7) + 1))]
    assert state == {"m": [2.125], "v": [7]}


# --- settings


def test_the_papers_defaults() -> None:
    settings = {name: StrategySettings(name=name).model_dump(exclude_none=True) for name in NAMES}  # type: ignore[arg-type]
    assert {name: (each.get("beta_1"), each.get("beta_2"), each.get("tau")) for name, each in settings.items()} == {
        "fedavg": (None, None, None),
        "fedavgm": (None, None, None),
        "fedadagrad": (0.0, None, 1e-3),
        "fedadam": (0.9, 0.99, 1e-3),
        "fedyogi": (0.9, 0.99, 1e-3),
    }
    assert settings["fedavgm"]["momentum"] == 0.9
    assert StrategySettings() == StrategySettings(name="fedavg", server_learning_rate=1.0)


@pytest.mark.parametrize("name", NAMES)
def test_a_strategy_made_alone_has_the_defaults_of_the_input(name: str) -> None:
    strategy = make(name)
    assert strategy == type(strategy)()
    assert strategy.__class__.__name__.lower() == name


@pytest.mark.parametrize("name", NAMES)
def test_the_settings_survive_json(name: str) -> None:
    settings = StrategySettings(name=name, server_learning_rate=0.25)  # type: ignore[arg-type]
    assert StrategySettings.model_validate_json(settings.model_dump_json()) == settings


@pytest.mark.parametrize("name", NAMES)
def test_the_rate_of_a_round_replaces_the_runs(name: str) -> None:
    settings = StrategySettings(name=name)  # type: ignore[arg-type]
    assert get_strategy(settings, 0.125) == make(name, server_learning_rate=0.125)


def test_the_names_of_a_state() -> None:
    names = {name: state_names(make(name)) for name in NAMES}
    assert names == {
        "fedavg": (),
        "fedavgm": ("m",),
        "fedadagrad": ("v",),
        "fedadam": ("m", "v"),
        "fedyogi": ("m", "v"),
    }
    assert state_names(FedAdagrad(beta_1=0.5)) == ("m", "v")


# --- whatever the numbers

rounds = st.integers(2, 4).flatmap(
    lambda size: st.lists(st.lists(st.integers(-(2**34), 2**34), min_size=size, max_size=size), min_size=1, max_size=4)
)
named = st.sampled_from(NAMES)


def frozen(*arrays: np.ndarray) -> None:
    for array in arrays:
        array.setflags(write=False)


@given(name=named, history=rounds)
def test_it_is_pure_and_works_element_by_element(name: str, history: list[list[int]]) -> None:
    """Arrays that cannot be written are enough; a model in two pieces gives the same bits as in one."""
    strategy, size = make(name), len(history[0])
    g = np.linspace(-1, 1, size, dtype=np.float32)
    whole = (g, strategy.init(g))
    pieces = [(g[:1], strategy.init(g[:1])), (g[1:], strategy.init(g[1:]))]
    for total in history:
        sums = np.array(total, np.int64)
        frozen(whole[0], *whole[1].values(), sums)
        whole = strategy.apply(*whole, Sums(sums, 100, 25))
        pieces = [
            strategy.apply(*piece, Sums(part, 100, 25))
            for piece, part in zip(pieces, (sums[:1], sums[1:]), strict=True)
        ]
        assert np.concatenate([piece[0] for piece in pieces]).tobytes() == whole[0].tobytes()
        for array in whole[1]:
            assert np.concatenate([piece[1][array] for piece in pieces]).tobytes() == whole[1][array].tobytes()
            assert whole[1][array].dtype == np.float64


@given(name=named, history=rounds)
def test_the_mirror_image_of_everything_is_the_mirror_image_of_the_model(name: str, history: list[list[int]]) -> None:
    strategy = make(name)
    one = np.linspace(-1, 1, len(history[0]), dtype=np.float32)
    other, first, second = -one, strategy.init(one), strategy.init(one)
    for total in history:
        sums = np.array(total, np.int64)
        one, first = strategy.apply(one, first, Sums(sums, 100, 25))
        other, second = strategy.apply(other, second, Sums(-sums, 100, 25))
        np.testing.assert_array_equal(one, -other)


@given(name=st.sampled_from(ADAPTIVE), history=rounds)
def test_the_second_moment_is_never_negative_and_bounds_the_step(name: str, history: list[list[int]]) -> None:
    """|step| <= eta |m| / tau, and m is no larger than the largest delta so far."""
    strategy = make(name, tau=0.5, server_learning_rate=0.25)
    g = np.zeros(len(history[0]), np.float32)
    state, largest = strategy.init(g), 0.0
    for total in history:
        sums = Sums(np.array(total, np.int64), 100, 25)
        largest = max(largest, float(np.abs(sums.mean()).max()))
        following, state = strategy.apply(g, state, sums)
        assert (state["v"] >= 0).all()
        moved = np.abs(following.astype(np.float64) - g)
        assert (moved <= 0.25 * largest / 0.5 + np.spacing(np.maximum(np.abs(g), np.abs(following)))).all()
        g = following


@given(name=st.sampled_from(["fedadagrad"]), history=rounds)
def test_fedadagrads_moment_only_grows(name: str, history: list[list[int]]) -> None:
    strategy = make(name)
    g = np.zeros(len(history[0]), np.float32)
    state = strategy.init(g)
    for total in history:
        before = state["v"]
        g, state = strategy.apply(g, state, Sums(np.array(total, np.int64), 100, 25))
        assert (state["v"] >= before).all()


@given(history=rounds, eta=st.floats(0.01, 10))
def test_without_momentum_fedavgm_is_fedavg(history: list[list[int]], eta: float) -> None:
    g = np.linspace(-1, 1, len(history[0]), dtype=np.float32)
    state = FedAvgM(eta, 0.0).init(g)
    for total in history:
        sums = Sums(np.array(total, np.int64), 100, 25)
        expected, _ = FedAvg(eta).apply(g, {}, sums)
        g, state = FedAvgM(eta, 0.0).apply(g, state, sums)
        np.testing.assert_array_equal(g, expected)


@given(
    total=st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=5),
    weight=st.integers(1, 2**33),
    eta=st.floats(0.01, 10),
    g=st.floats(-100, 100, width=32),
)
def test_it_is_rounded_once(total: list[int], weight: int, eta: float, g: float) -> None:
    sums = Sums(np.array(total, np.int64), weight, 25)
    following, _ = FedAvg(eta).apply(np.full(len(total), g, np.float32), {}, sums)
    for got, each in zip(following, total, strict=True):
        assert got == np.float32(g + eta * (float(each) / (weight * 2.0**25)))

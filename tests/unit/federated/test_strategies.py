"""FedAvg: the paper's equation."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgetrain.contracts import StrategySettings
from edgetrain.federated.strategies import FedAvg, Sums, get_strategy


def test_by_hand() -> None:
    """S = [6, -2] * 2^4, M = 4: the mean is [1.5, -0.5]; with eta = 0.5 from g = [1, 1]: [1.75, 0.75]."""
    strategy = get_strategy(StrategySettings(server_learning_rate=0.5))
    params = np.ones(2, np.float32)
    sums = Sums(np.array([96, -32], np.int64), weight=4, fraction_bits=4)
    following, state = strategy.apply(params, strategy.init(params), sums)
    assert following.dtype == np.float32
    assert following.tolist() == [1.75, 0.75]
    assert state == {}
    assert params.tolist() == [1, 1]


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

"""A metric over clients."""

from hypothesis import given
from hypothesis import strategies as st

from edgetrain.contracts import ClientEvaluation
from edgetrain.federated.spread import spread_of


def evaluations(*of_clients: tuple[int, float, float]) -> list[ClientEvaluation]:
    return [
        ClientEvaluation(client=f"c{i}", examples=n, metrics={"accuracy": accuracy, "loss": loss})
        for i, (n, accuracy, loss) in enumerate(of_clients)
    ]


def test_by_hand() -> None:
    """Three clients, 1, 1 and 8 examples. The 10th percentile lies a fifth of the way from the first to the second."""
    found = spread_of(evaluations((1, 0.5, 2.0), (1, 0.0, 4.0), (8, 1.0, 1.0)))
    accuracy, loss = found["accuracy"], found["loss"]
    assert (accuracy.clients, accuracy.mean, accuracy.weighted_mean) == (3, 0.5, 0.85)
    assert (accuracy.p10, accuracy.p50, accuracy.p90) == (0.1, 0.5, 0.9)
    assert (accuracy.worst, accuracy.worst_client) == (0.0, "c1")
    assert (loss.worst, loss.worst_client, loss.p50, loss.weighted_mean) == (4.0, "c1", 2.0, 1.4)


def test_of_nobody_there_is_none() -> None:
    assert spread_of([]) == {}


@given(st.lists(st.tuples(st.integers(1, 1000), st.floats(0, 1), st.floats(0, 50)), min_size=1, max_size=30))
def test_everything_lies_between_the_extremes(of_clients: list[tuple[int, float, float]]) -> None:
    for metric, spread in spread_of(evaluations(*of_clients)).items():
        values = [each[1 if metric == "accuracy" else 2] for each in of_clients]
        low, high = min(values) - 1e-9, max(values) + 1e-9
        assert low <= spread.p10 <= spread.p50 + 1e-9
        assert spread.p50 <= spread.p90 + 1e-9 <= high + 1e-9
        assert low <= spread.mean <= high
        assert low <= spread.weighted_mean <= high
        assert spread.worst == (max(values) if metric == "loss" else min(values))

"""Spreading a data set over clients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgetrain.tasks.splits import FEWEST_EXAMPLES, dirichlet

LABELS = np.repeat(np.arange(10), 40)


@settings(max_examples=50, deadline=None)
@given(
    labels=st.lists(st.integers(0, 5), min_size=12, max_size=200),
    clients=st.integers(1, 6),
    alpha=st.floats(0.01, 100),
    seed=st.integers(0, 2**32),
)
def test_every_example_has_one_owner_and_every_client_some(labels, clients, alpha, seed):
    parts = dirichlet(np.array(labels), clients, alpha, seed)
    assert len(parts) == clients
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(labels)))
    assert min(map(len, parts)) >= FEWEST_EXAMPLES


def test_the_seed_decides():
    one, same, other = (dirichlet(LABELS, 8, 0.3, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_small_alpha_gives_clients_few_labels_and_a_large_one_all():
    def labels_each(alpha):
        return np.mean([len(np.unique(LABELS[part])) for part in dirichlet(LABELS, 8, alpha, 3)])

    assert labels_each(0.05) < 4 < 9 < labels_each(100)


@pytest.mark.parametrize(
    ("clients", "alpha", "sentence"),
    [
        (0, 0.3, "clients is 0: expected 1 to 200"),
        (201, 0.3, r"clients is 201: expected 1 to 200 \(400 examples, at least 2 each\)"),
        (5, 0.0, "alpha is 0.0: expected a positive number"),
        (5, -1.0, "alpha is -1.0"),
        (5, float("inf"), "alpha is inf"),
        (5, float("nan"), "alpha is nan"),
    ],
)
def test_a_split_that_cannot_be_is_refused(clients, alpha, sentence):
    with pytest.raises(ValueError, match=sentence):
        dirichlet(LABELS, clients, alpha, 1)

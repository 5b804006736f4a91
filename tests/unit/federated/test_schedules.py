"""Learning rates over rounds."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgetrain.contracts import Schedule
from edgetrain.federated.schedules import factor, scheduled

COSINE = Schedule(name="cosine", final=0.2)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (None, [1, 1, 1, 1]),
        (Schedule(name="constant"), [1, 1, 1, 1]),
        (Schedule(name="exponential", gamma=0.5), [1, 0.5, 0.25, 0.125]),
        (Schedule(name="step", gamma=0.5, every=2), [1, 1, 0.5, 0.5]),
        # cos 0, 45, 90 and 135 degrees: 0.2 + 0.4 (1 + cos)
        (COSINE, [1, 0.2 + 0.4 * (1 + 0.5**0.5), 0.6, 0.2 + 0.4 * (1 - 0.5**0.5)]),
    ],
)
def test_by_hand(schedule: Schedule | None, expected: list[float]) -> None:
    assert [factor(schedule, number, 4) for number in (1, 2, 3, 4)] == pytest.approx(expected, abs=1e-15)


schedules = st.one_of(
    st.builds(Schedule, name=st.just("cosine"), final=st.floats(0, 1)),
    st.builds(Schedule, name=st.just("exponential"), gamma=st.floats(0.01, 1)),
    st.builds(Schedule, name=st.just("step"), gamma=st.floats(0.01, 1), every=st.integers(1, 20)),
)


@given(schedule=schedules, rounds=st.integers(1, 100))
def test_it_begins_at_the_rate_and_never_rises(schedule: Schedule, rounds: int) -> None:
    factors = [factor(schedule, number, rounds) for number in range(1, rounds + 1)]
    assert factors[0] == pytest.approx(1, abs=1e-15)
    assert all(0 <= later <= earlier for earlier, later in pairwise(factors))
    assert all(each >= (schedule.final or 0) - 1e-15 for each in factors)


def test_without_a_schedule_a_cohort_names_no_rate() -> None:
    assert scheduled(0.5, None, 3, 10) is None
    assert scheduled(0.5, Schedule(name="constant"), 3, 10) == 0.5
    assert scheduled(0.5, Schedule(name="step", gamma=0.5, every=1), 3, 10) == 0.125

"""The fixed-point format: DESIGN's own figures, and the room that sums and contributions need."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgetrain import limits
from edgetrain.federated import number_format

powers = st.integers(-10, 20).map(lambda power: 2.0**power)


@pytest.mark.parametrize(("cohort", "bits"), [(1, 27), (10, 27), (4096, 27), (4097, 26), (10_000, 25)])
def test_the_defaults(cohort: int, bits: int) -> None:
    form = number_format.choose(cohort, limits.DEFAULT_MAX_ABS_DELTA, limits.DEFAULT_MAX_EXAMPLES)
    assert form.fraction_bits == bits


@given(cohort=st.integers(1, limits.MAX_COHORT), bound=powers, weight=st.integers(0, 20).map(lambda power: 2**power))
def test_there_is_room(cohort: int, bound: float, weight: int) -> None:
    if weight * bound * 2 > 2**50:
        with pytest.raises(ValueError, match="fraction bits"):
            number_format.choose(cohort, bound, weight)
        return
    form = number_format.choose(cohort, bound, weight)
    largest = weight * bound * 2.0**form.fraction_bits
    assert largest <= 2**50
    assert cohort * largest <= 2**62
    assert 1 <= form.fraction_bits <= 28


@pytest.mark.parametrize(
    ("bound", "weight", "field"),
    [(6.0, 1024, "max_abs_delta"), (8.0, 1000, "max_examples"), (0.3, 1, "max_abs_delta")],
)
def test_bounds_are_powers_of_two(bound: float, weight: int, field: str) -> None:
    with pytest.raises(ValueError, match=f"{field} is .*: expected a power of two"):
        number_format.choose(10, bound, weight)

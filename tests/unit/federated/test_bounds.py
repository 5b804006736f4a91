"""The norm of an update."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgetrain.errors import UpdateNormExceeded
from edgetrain.federated import bounds
from edgetrain.federated.bounds import BLOCK, check_norm, norm_of


def test_by_hand() -> None:
    assert norm_of([np.float32([[3.0], [0.0]]), np.float32([4.0])]) == 5.0
    assert norm_of([]) == 0.0


@given(values=arrays(np.float32, st.integers(0, 40), elements=st.floats(-8, 8, width=32)), cut=st.integers(0, 5))
def test_it_is_the_euclidean_norm_and_pieces_of_whole_blocks_change_no_bit(values: np.ndarray, cut: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bounds, "BLOCK", 7)
        whole = norm_of([values])
        assert norm_of([values[: 7 * cut], values[7 * cut :]]) == whole
    exact = sum(float(each) ** 2 for each in values)
    assert whole == pytest.approx(sqrt(exact), rel=1e-12)


def test_more_than_one_block() -> None:
    assert norm_of([np.ones(BLOCK + 3, np.float32)]) == sqrt(BLOCK + 3)


def test_the_bound_is_allowed_and_more_is_refused() -> None:
    check_norm(5.0, 5.0)
    check_norm(5.0, None)
    with pytest.raises(UpdateNormExceeded, match=r"norm is 5: expected at most 4.999") as caught:
        check_norm(5.0, 4.999, client="c")
    assert caught.value.client == "c"
    with pytest.raises(UpdateNormExceeded):
        check_norm(float("nan"), 1.0)

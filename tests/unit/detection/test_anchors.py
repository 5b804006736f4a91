"""Anchors of a single-shot detector."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgetrain.contracts import SsdAnchors
from edgetrain.detection.anchors import cell_shapes, ssd_anchors
from edgetrain.tasks.objects import DECODER

TWO_MAPS = SsdAnchors(strides=(10, 20), min_scale=0.2, max_scale=0.8, aspect_ratios=(1.0, 4.0))


def test_by_hand():
    anchors = ssd_anchors(TWO_MAPS, 20, 20)
    between = math.sqrt(0.2 * 0.8)
    first_cell = [[0.25, 0.25, 0.2, 0.2], [0.25, 0.25, 0.1, 0.4], [0.25, 0.25, between, between]]
    assert anchors.shape == (4 * 3 + 1 * 3, 4)
    assert anchors[:3] == pytest.approx(np.array(first_cell))
    assert anchors[3, :2].tolist() == [0.25, 0.75], "x runs faster than y"
    last = math.sqrt(0.8 * 1.0)
    assert anchors[12:] == pytest.approx(np.array([[0.5, 0.5, 0.8, 0.8], [0.5, 0.5, 0.4, 1.6], [0.5, 0.5, last, last]]))


def test_fewer_in_the_first_map():
    few = TWO_MAPS.model_copy(update={"fewer_in_first_map": True})
    root = math.sqrt(2)
    assert np.array(cell_shapes(few, 0)) == pytest.approx(
        np.array([(0.1, 0.1), (0.2 / root, 0.2 * root), (0.2 * root, 0.2 / root)])
    )
    assert cell_shapes(few, 1) == cell_shapes(TWO_MAPS, 1)


def test_no_anchor_between_two_scales():
    assert len(cell_shapes(TWO_MAPS.model_copy(update={"interpolated_aspect_ratio": 0.0}), 0)) == 2


def test_one_map_has_the_middle_scale():
    one = SsdAnchors(strides=(16,), min_scale=0.2, max_scale=0.4, aspect_ratios=(1.0,), interpolated_aspect_ratio=0.0)
    assert cell_shapes(one, 0) == [pytest.approx((0.3, 0.3))]


def test_the_first_detectors_anchors_are_as_many_as_its_outputs():
    assert ssd_anchors(DECODER.anchors, 300, 300).shape == (1917, 4)


@given(
    st.lists(st.integers(1, 64), min_size=1, max_size=4),
    st.integers(1, 80),
    st.integers(1, 80),
    st.booleans(),
)
def test_centres_lie_inside_and_areas_are_the_scales(strides, height, width, few):
    parameters = SsdAnchors(
        strides=tuple(strides), min_scale=0.2, max_scale=0.9, aspect_ratios=(1.0, 3.0), fewer_in_first_map=few
    )
    anchors = ssd_anchors(parameters, height, width)
    cells = [math.ceil(height / stride) * math.ceil(width / stride) for stride in strides]
    assert len(anchors) == 3 * sum(cells)
    assert ((anchors[:, :2] > 0) & (anchors[:, :2] < 1)).all()
    assert (anchors[:, 2:] > 0).all()
    assert (anchors[:, 2] * anchors[:, 3] <= 1 + 1e-9).all()

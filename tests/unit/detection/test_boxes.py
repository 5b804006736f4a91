"""From raw outputs to boxes and scores."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgetrain.contracts import SsdAnchors, SsdDecoder
from edgetrain.detection.boxes import best_classes, decode_boxes

DECODER = SsdDecoder(
    boxes="boxes",
    logits="logits",
    background=True,
    centre_scale=10.0,
    size_scale=5.0,
    anchors=SsdAnchors(strides=(1,), min_scale=0.5, max_scale=0.5, aspect_ratios=(1.0,)),
)
ANCHOR = np.array([[0.5, 0.4, 0.2, 0.1]])  # centre y, x, height, width


def decoded(*encoding):
    return decode_boxes(np.array([encoding], np.float32), ANCHOR, DECODER)[0]


def test_nothing_encoded_is_the_anchor_itself():
    assert decoded(0, 0, 0, 0) == pytest.approx([0.35, 0.4, 0.45, 0.6])


def test_by_hand():
    # y + 5/10 * 0.2, x - 10/10 * 0.1; height * 2, width * 3
    box = decoded(5, -10, 5 * math.log(2), 5 * math.log(3))
    assert box == pytest.approx([0.3 - 0.15, 0.6 - 0.2, 0.3 + 0.15, 0.6 + 0.2], abs=1e-6)


def test_a_box_is_cut_off_at_the_pictures_edges():
    assert decoded(0, 0, 100, 100).tolist() == [0, 0, 1, 1]


@given(arrays(np.float32, (3, 4), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_whatever_is_encoded_gives_edges_in_order_within_the_picture(encodings):
    with np.errstate(all="raise", under="ignore"):
        boxes = decode_boxes(encodings, np.repeat(ANCHOR, 3, axis=0), DECODER)
    assert ((boxes >= 0) & (boxes <= 1)).all()
    assert (boxes[:, :2] <= boxes[:, 2:]).all()


def test_the_likeliest_class():
    logits = np.array([[9, 0, 1], [0, 2, -2], [0, 3, 3]], np.float32)
    labels, scores = best_classes(logits, background=True)
    assert labels.tolist() == [1, 0, 0]
    assert scores == pytest.approx([1 / (1 + math.exp(-value)) for value in (1, 2, 3)])
    assert best_classes(logits, background=False)[0].tolist() == [0, 1, 1]


def test_scores_do_not_overflow():
    _, scores = best_classes(np.array([[0, 1e30], [0, -1e30]], np.float32), background=True)
    assert scores.tolist() == [1.0, 0.0]

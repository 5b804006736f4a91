"""Non-maximum suppression."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgetrain.detection.suppression import overlaps, suppress


def test_overlap_by_hand():
    box = np.array([0.0, 0.0, 0.4, 0.4])
    others = np.array([[0.0, 0.0, 0.4, 0.4], [0.2, 0.0, 0.6, 0.4], [0.5, 0.5, 0.6, 0.6], [0.1, 0.1, 0.1, 0.1]])
    assert overlaps(box, others) == pytest.approx([1, 1 / 3, 0, 0])
    assert overlaps(np.zeros(4), np.zeros((1, 4))).tolist() == [0], "two empty boxes"


@st.composite
def scenes(draw):
    """Boxes on a coarse grid: many touch, overlap or are the same; scores have ties."""
    count = draw(st.integers(0, 12))
    edge = st.integers(0, 4)
    boxes = [sorted((draw(edge), draw(edge))) + sorted((draw(edge), draw(edge))) for _ in range(count)]
    scores = draw(st.lists(st.integers(1, 5), min_size=count, max_size=count))
    labels = draw(st.lists(st.integers(0, 1), min_size=count, max_size=count))
    ordered = np.array([[x0, y0, x1, y1] for x0, x1, y0, y1 in boxes], np.float64).reshape(-1, 4) / 4
    return ordered, np.array(scores, np.float64) / 5, np.array(labels, np.int64)


@given(scenes(), st.sampled_from([0.0, 0.25, 0.5]), st.booleans(), st.integers(0, 12))
def test_what_stays_and_why_the_others_go(scene, iou, across, limit):
    boxes, scores, labels = scene
    kept = suppress(boxes, scores, labels, iou=iou, across_classes=across, limit=limit)

    def rank(index):
        return (-scores[index], index)

    def covers(one, other):
        return (across or labels[one] == labels[other]) and overlaps(boxes[one], boxes[other][None])[0] > iou

    assert len(kept) <= limit
    assert kept == sorted(kept, key=rank)
    assert not any(covers(one, other) for i, one in enumerate(kept) for other in kept[i + 1 :])
    for gone in set(range(len(boxes))) - set(kept):
        beaten = any(covers(one, gone) and rank(one) < rank(gone) for one in kept)
        assert beaten or (len(kept) == limit and all(rank(one) < rank(gone) for one in kept))

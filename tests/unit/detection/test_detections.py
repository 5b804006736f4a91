"""What is told of a model's raw outputs."""

import math

import numpy as np
import pytest

from edgetrain.detection.anchors import ssd_anchors
from edgetrain.detection.detections import Detection, detections_of
from edgetrain.errors import ModelDiverged
from edgetrain.tasks.golden import SMALL

ANCHORS = ssd_anchors(SMALL.decoder.anchors, 20, 20)


def outputs(**scores):
    """Anchors as they are; `a3=(label, score)` gives the fourth a class, all others have none."""
    logits = np.full((15, 3), -20, np.float32)
    for name, (label, score) in scores.items():
        logits[int(name[1:]), 1 + label] = math.log(score / (1 - score))
    return {"boxes": np.zeros((15, 4), np.float32), "logits": logits}


def labels_of(found):
    return [(each.label, round(each.score, 3)) for each in found]


def test_best_first_and_from_the_least_score_on():
    given = outputs(a0=(0, 0.5), a3=(1, 0.9), a6=(0, 0.39))
    assert labels_of(detections_of(given, ANCHORS, SMALL)) == [(1, 0.9), (0, 0.5)]
    assert labels_of(detections_of(given, ANCHORS, SMALL, min_score=0.3)) == [(1, 0.9), (0, 0.5), (0, 0.39)]
    assert labels_of(detections_of(given, ANCHORS, SMALL, min_score=0.3, max_detections=1)) == [(1, 0.9)]
    assert detections_of(given, ANCHORS, SMALL, min_score=0.95) == ()
    assert labels_of(detections_of(given, ANCHORS, SMALL, min_score=0.5)) == [(1, 0.9), (0, 0.5)], "just enough"


def test_the_weaker_of_two_boxes_of_one_thing_is_not_told():
    # The last anchor of the second map is scale sqrt(0.8), and lies over the first (scale 0.8) by 0.8.
    assert labels_of(detections_of(outputs(a12=(0, 0.8), a14=(0, 0.9)), ANCHORS, SMALL)) == [(0, 0.9)]
    assert len(detections_of(outputs(a12=(0, 0.8), a14=(1, 0.9)), ANCHORS, SMALL)) == 2


def test_a_box_outside_of_the_picture_is_none():
    given = outputs(a0=(0, 0.9))
    given["boxes"][0, 0] = 1e4
    assert detections_of(given, ANCHORS, SMALL) == ()


@pytest.mark.parametrize("name", ["boxes", "logits"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_none(name, value):
    given = outputs()
    given[name][7, 1] = value
    with pytest.raises(ModelDiverged, match="small"):
        detections_of(given, ANCHORS, SMALL)


def test_a_row_is_rounded():
    row = Detection(3, 0.12345678, 0.0, 1 / 3, 1.0, 2 / 3).row()
    assert row == [3, 0.123457, 0.0, 0.333333, 1.0, 0.666667]
    assert isinstance(row[0], int)

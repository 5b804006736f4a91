"""What was found in a picture."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgetrain.contracts import DetectorSpec
from edgetrain.detection.boxes import best_classes, decode_boxes
from edgetrain.detection.suppression import suppress
from edgetrain.errors import ModelDiverged

#: Digits after the point that are told: a ten thousandth of a pixel of the largest picture, and no noise of a CPU.
DIGITS = 6


@dataclass(frozen=True)
class Detection:
    """One thing: index into the detector's labels, score and box, as shares (0..1) of the upright picture's width and height."""

    label: int
    score: float
    xmin: float
    ymin: float
    xmax: float
    ymax: float

    def row(self) -> list[int | float]:
        """As the API tells it: [class, score, xmin, ymin, xmax, ymax], rounded to six digits after the point."""
        values = (self.score, self.xmin, self.ymin, self.xmax, self.ymax)
        return [self.label, *(round(value, DIGITS) for value in values)]


def detections_of(
    outputs: Mapping[str, npt.NDArray[Any]],
    anchors: npt.NDArray[np.float64],
    spec: DetectorSpec,
    *,
    min_score: float | None = None,
    max_detections: int | None = None,
) -> tuple[Detection, ...]:
    """From the model's raw outputs, by name and without their batch dimension, to what is told, best first.

    Of each anchor the likeliest class counts when its score is at least `min_score`. A box that lies outside of the picture is none.
    `min_score` and `max_detections` are the spec's own where they are None.

    Raises:
        ModelDiverged: an output is not a finite number.
    """
    encodings, logits = outputs[spec.decoder.boxes], outputs[spec.decoder.logits]
    if not (np.isfinite(encodings).all() and np.isfinite(logits).all()):
        raise ModelDiverged(f"the detector of task {spec.task!r} gave numbers that are not finite")
    labels, scores = best_classes(logits, background=spec.decoder.background)
    enough = np.flatnonzero(scores >= (spec.min_score if min_score is None else min_score))
    boxes = decode_boxes(encodings[enough], anchors[enough], spec.decoder)
    inside = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    enough, boxes = enough[inside], boxes[inside]
    kept = suppress(
        boxes,
        scores[enough],
        labels[enough],
        iou=spec.iou,
        across_classes=spec.across_classes,
        limit=spec.max_detections if max_detections is None else max_detections,
    )
    return tuple(
        Detection(int(labels[enough[i]]), float(scores[enough[i]]), *(float(edge) for edge in boxes[i])) for i in kept
    )

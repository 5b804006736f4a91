"""From a single-shot detector's raw outputs to boxes and scores (Liu et al. 2016, eq. 2, solved for the box)."""

from typing import Any

import numpy as np
import numpy.typing as npt

from edgetrain.contracts import SsdDecoder

Float64 = npt.NDArray[np.float64]
#: An anchor that is grown by e to this power covers every picture; more would overflow.
LARGEST_EXPONENT = 30.0


def decode_boxes(encodings: npt.NDArray[Any], anchors: Float64, decoder: SsdDecoder) -> Float64:
    """Boxes [n, 4] (xmin, ymin, xmax, ymax as shares of the picture, cut off at its edges).

    `encodings` and `anchors` are [n, 4] with y before x: the centre is moved by `encoding / centre_scale` anchors, and height and
    width are the anchor's times exp(encoding / size_scale).
    """
    raw = encodings.astype(np.float64)
    centre = raw[:, :2] / decoder.centre_scale * anchors[:, 2:] + anchors[:, :2]
    size = np.exp(np.minimum(raw[:, 2:] / decoder.size_scale, LARGEST_EXPONENT)) * anchors[:, 2:]
    low, high = centre - size / 2, centre + size / 2
    corners = np.concatenate([low[:, ::-1], high[:, ::-1]], axis=1)
    boxes: Float64 = np.clip(corners, 0.0, 1.0)
    return boxes


def best_classes(logits: npt.NDArray[Any], *, background: bool) -> tuple[npt.NDArray[np.int64], Float64]:
    """The likeliest class of each of n anchors, and its score, the logit's sigmoid; of equal ones the first.

    `logits` is [n, classes], or [n, 1 + classes] where the first is the background's.
    """
    of_classes = logits[:, 1:] if background else logits
    labels = of_classes.argmax(axis=1)
    best = np.take_along_axis(of_classes, labels[:, None], axis=1)[:, 0].astype(np.float64)
    return labels, 0.5 * (1.0 + np.tanh(0.5 * best))

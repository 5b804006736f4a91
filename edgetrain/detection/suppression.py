"""Non-maximum suppression: of boxes that cover the same thing, the likeliest stays."""

from typing import Any

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]


def overlaps(box: Float64, boxes: Float64) -> Float64:
    """Intersection over union [n] of one box [4] with each of `boxes` [n, 4] (xmin, ymin, xmax, ymax); 0 where both are empty."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.prod(np.maximum(high - low, 0.0), axis=1)
    union = _area(box[None]) + _area(boxes) - shared
    shares: Float64 = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return shares


def suppress(
    boxes: Float64,
    scores: Float64,
    labels: npt.NDArray[Any],
    *,
    iou: float,
    across_classes: bool,
    limit: int,
) -> list[int]:
    """Indices of the boxes that stay, best score first and of equal ones the earlier first; at most `limit`.

    A box goes when it overlaps one that stays, of the same label or (`across_classes`) of any, by more than `iou`.
    """
    waiting = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while waiting.size and len(kept) < limit:
        best, waiting = int(waiting[0]), waiting[1:]
        kept.append(best)
        covered = overlaps(boxes[best], boxes[waiting]) > iou
        if not across_classes:
            covered &= labels[waiting] == labels[best]
        waiting = waiting[~covered]
    return kept


def _area(boxes: Float64) -> Float64:
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0)
    areas: Float64 = sides[:, 0] * sides[:, 1]
    return areas

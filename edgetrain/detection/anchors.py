"""The anchors of a single-shot detector.

W. Liu et al.: "SSD: Single Shot MultiBox Detector" (ECCV 2016), section 2.2, with the scales and the order of MediaPipe's models.
"""

import math

import numpy as np
import numpy.typing as npt

from edgetrain.contracts import SsdAnchors

Float64 = npt.NDArray[np.float64]
#: Scale and aspect ratio of the anchors of each cell in a first map that has fewer: a small square, and two of `min_scale`.
FIRST_SMALL_SCALE = 0.1
FIRST_ASPECT_RATIOS = (2.0, 0.5)


def ssd_anchors(parameters: SsdAnchors, height: int, width: int) -> Float64:
    """Anchors [n, 4] of an input of `height` x `width` pixels: centre y, centre x, height, width, each as a share of the input.

    In the order of the model's outputs: by feature map, row, column, and within a cell as `cell_shapes` has them.
    """
    maps = []
    for index, stride in enumerate(parameters.strides):
        shapes = np.array(cell_shapes(parameters, index))  # [anchors of a cell, 2]
        rows, columns = math.ceil(height / stride), math.ceil(width / stride)
        y, x = np.meshgrid(
            (np.arange(rows) + parameters.offset) / rows,
            (np.arange(columns) + parameters.offset) / columns,
            indexing="ij",
        )
        centres = np.stack([y, x], axis=-1).reshape(-1, 1, 2)
        both = np.broadcast_arrays(centres, shapes[None])
        maps.append(np.concatenate(both, axis=-1).reshape(-1, 4))
    return np.concatenate(maps)


def cell_shapes(parameters: SsdAnchors, index: int) -> list[tuple[float, float]]:
    """(height, width) of each anchor of a cell of feature map `index`.

    With scale s and aspect ratio a an anchor is s / sqrt(a) high and s * sqrt(a) wide. Map k of m has the scale
    s_k = min + (max - min) * k / (m - 1), and one anchor more of scale sqrt(s_k * s_(k+1)), where s_m is 1.
    """
    scale = _scale(parameters, index)
    if index == 0 and parameters.fewer_in_first_map:
        pairs = [(FIRST_SMALL_SCALE, 1.0), *((scale, ratio) for ratio in FIRST_ASPECT_RATIOS)]
    else:
        pairs = [(scale, ratio) for ratio in parameters.aspect_ratios]
        if parameters.interpolated_aspect_ratio > 0:
            last = index == len(parameters.strides) - 1
            following = 1.0 if last else _scale(parameters, index + 1)
            pairs.append((math.sqrt(scale * following), parameters.interpolated_aspect_ratio))
    return [(scale / math.sqrt(ratio), scale * math.sqrt(ratio)) for scale, ratio in pairs]


def _scale(parameters: SsdAnchors, index: int) -> float:
    count = len(parameters.strides)
    if count == 1:
        return (parameters.min_scale + parameters.max_scale) / 2
    return parameters.min_scale + (parameters.max_scale - parameters.min_scale) * index / (count - 1)

"""Golden vectors: what the web app's own decoding must give (`python -m edgetrain.tasks.golden web/tests/golden` writes them).

Each file is {"cases": [{what goes in, "expected": what comes out}]}. Numbers are exact to about 1e-9, but what the model itself gave
to about 1e-3: two CPUs do not add alike. A resized picture is exact.
"""

import base64
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from edgetrain.contracts import DetectorInput, DetectorSpec, SsdAnchors, SsdDecoder
from edgetrain.detection.anchors import ssd_anchors
from edgetrain.detection.boxes import best_classes, decode_boxes
from edgetrain.detection.detections import detections_of
from edgetrain.detection.pictures import read_picture, resize
from edgetrain.detection.suppression import suppress
from edgetrain.runtime.detector import Detector
from edgetrain.tasks import objects

SEED = 20
PICTURES_MIN_SCORE = 0.3
#: A detector small enough to be written down: 2 x 2 cells of 3 anchors and 1 of 3, two classes and the background.
SMALL = DetectorSpec(
    task="small",
    title="Two classes, fifteen anchors",
    labels=("one", "two"),
    input=DetectorInput(height=20, width=20, scale=1 / 127.5, offset=-1.0),
    decoder=SsdDecoder(
        boxes="boxes",
        logits="logits",
        background=True,
        centre_scale=10.0,
        size_scale=5.0,
        anchors=SsdAnchors(
            strides=(10, 20), min_scale=0.3, max_scale=0.8, aspect_ratios=(1.0, 2.0), fewer_in_first_map=True
        ),
    ),
    min_score=0.4,
    iou=0.5,
    max_detections=100,
)
OTHER_ANCHORS = SsdAnchors(
    strides=(8, 16, 16),
    min_scale=0.2,
    max_scale=0.9,
    aspect_ratios=(1.0, 0.5),
    interpolated_aspect_ratio=0.0,
    offset=0.0,
)
ONE_MAP = SsdAnchors(strides=(32,), min_scale=0.2, max_scale=0.6, aspect_ratios=(1.0,))


def golden_vectors(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """File name without its ending -> its cases. The pictures are the PNG files of `folder`."""
    return {
        "anchors": _anchors(),
        "boxes": _boxes(),
        "suppression": _suppression(),
        "resize": _resize(),
        "detections": _detections(),
        "pictures": _pictures(sorted(folder.glob("*.png"))),
    }


def write(folder: Path) -> None:
    """Write them all; what stands there is replaced."""
    for name, cases in golden_vectors(folder).items():
        lines = ",\n".join(json.dumps(case) for case in cases)  # one case a line: differences can be read
        (folder / f"{name}.json").write_text(f'{{"cases": [\n{lines}\n]}}\n', encoding="utf-8")


def _anchors() -> list[dict[str, Any]]:
    cases = []
    for parameters, height, width in (
        (objects.DECODER.anchors, 300, 300),
        (SMALL.decoder.anchors, 20, 20),
        (OTHER_ANCHORS, 24, 40),
        (ONE_MAP, 100, 50),
    ):
        anchors = ssd_anchors(parameters, height, width)
        at = sorted({0, 1, 2, 3, len(anchors) // 2, len(anchors) - 2, len(anchors) - 1} & set(range(len(anchors))))
        expected = {
            "count": len(anchors),
            "sums": anchors.sum(axis=0).tolist(),
            "samples": [{"index": index, "anchor": anchors[index].tolist()} for index in at],
        }
        cases.append({"parameters": parameters.model_dump(), "height": height, "width": width, "expected": expected})
    return cases


def _raw() -> tuple[Any, Any]:
    """Encodings and logits of SMALL, in float32: ordinary ones, one that would overflow and one outside of the picture."""
    draws = np.random.default_rng(SEED)
    encodings = draws.normal(0, 3, (15, 4)).astype(np.float32)
    logits = draws.normal(0, 2, (15, 3)).astype(np.float32)
    encodings[3, 2:], logits[3] = 1e6, (0, 3, -3)
    encodings[4, :2], logits[4] = 1e6, (0, 3, 3)
    logits[5] = (9, 1, 1)  # a strong background hides nothing, and of equal classes the first counts
    return encodings, logits


def _boxes() -> list[dict[str, Any]]:
    encodings, logits = _raw()
    anchors = ssd_anchors(SMALL.decoder.anchors, SMALL.input.height, SMALL.input.width)
    cases: list[dict[str, Any]] = []
    for background in (True, False):
        labels, scores = best_classes(logits, background=background)
        expected = {
            "boxes": decode_boxes(encodings, anchors, SMALL.decoder).tolist(),
            "labels": labels.tolist(),
            "scores": scores.tolist(),
        }
        decoder = SMALL.decoder.model_copy(update={"background": background})
        cases.append(
            {
                "decoder": decoder.model_dump(),
                "anchors": anchors.tolist(),
                "encodings": encodings.tolist(),
                "logits": logits.tolist(),
                "expected": expected,
            }
        )
    return cases


def _suppression() -> list[dict[str, Any]]:
    left, near, far = [0.0, 0.0, 0.5, 0.5], [0.05, 0.0, 0.55, 0.5], [0.6, 0.6, 0.9, 0.9]
    half, empty = [0.0, 0.0, 0.5, 0.25], [0.2, 0.2, 0.2, 0.2]
    usual = {"iou": 0.5, "across_classes": False, "limit": 100}
    given: list[tuple[str, list[list[float]], list[float], list[int], dict[str, Any]]] = [
        ("nothing", [], [], [], {}),
        ("one", [left], [0.9], [0], {}),
        ("the weaker of two goes", [left, near, far], [0.8, 0.9, 0.7], [0, 0, 0], {}),
        ("two classes stay", [left, near], [0.9, 0.8], [0, 1], {}),
        ("across classes the weaker goes", [left, near], [0.9, 0.8], [0, 1], {"across_classes": True}),
        ("a tie: the earlier stays", [near, left, far], [0.9, 0.9, 0.9], [0, 0, 0], {}),
        ("just as much overlap as allowed", [left, half], [0.9, 0.8], [0, 0], {}),
        ("a little less allowed", [left, half], [0.9, 0.8], [0, 0], {"iou": 0.4999}),
        ("at most two", [left, far, near, far], [0.9, 0.8, 0.7, 0.6], [0, 1, 2, 3], {"limit": 2}),
        ("none wanted", [left], [0.9], [0], {"limit": 0}),
        ("empty boxes cover nothing", [empty, empty], [0.9, 0.8], [0, 0], {}),
        ("nothing may overlap", [left, far, near], [0.7, 0.8, 0.9], [0, 0, 0], {"iou": 0.0}),
    ]
    cases = []
    for name, boxes, scores, labels, changed in given:
        settings = usual | changed
        kept = suppress(
            np.array(boxes, np.float64).reshape(-1, 4), np.array(scores), np.array(labels, np.int64), **settings
        )
        cases.append({"name": name, "boxes": boxes, "scores": scores, "labels": labels, **settings, "expected": kept})
    return cases


def _resize() -> list[dict[str, Any]]:
    draws = np.random.default_rng(SEED)
    cases = []
    for (height, width), (to_height, to_width) in (
        ((5, 7), (3, 3)),
        ((3, 2), (6, 7)),
        ((4, 4), (4, 4)),
        ((1, 1), (2, 3)),
        ((9, 1), (2, 2)),
        ((4, 2), (1, 1)),
        ((16, 12), (5, 12)),
    ):
        rgb = draws.integers(0, 256, (height, width, 3)).astype(np.uint8)
        cases.append(
            {
                "height": height,
                "width": width,
                "rgb": rgb.ravel().tolist(),
                "to_height": to_height,
                "to_width": to_width,
                "expected": resize(rgb, to_height, to_width).ravel().tolist(),
            }
        )
    return cases


def _detections() -> list[dict[str, Any]]:
    encodings, logits = _raw()
    outputs = {"boxes": encodings, "logits": logits}
    anchors = ssd_anchors(SMALL.decoder.anchors, SMALL.input.height, SMALL.input.width)
    cases = []
    for spec, asked in (
        (SMALL, {}),
        (SMALL, {"min_score": 0.8}),
        (SMALL, {"min_score": 0.0, "max_detections": 3}),
        (SMALL, {"min_score": 1.0}),
        (SMALL.model_copy(update={"across_classes": True, "iou": 0.1}), {"min_score": 0.0}),
    ):
        found = detections_of(outputs, anchors, spec, **asked)  # type: ignore[arg-type]
        cases.append(
            {
                "spec": spec.model_dump(),
                "outputs": {name: array.tolist() for name, array in outputs.items()},
                **asked,
                "expected": [each.row() for each in found],
            }
        )
    return cases


def _pictures(files: list[Path]) -> list[dict[str, Any]]:
    """What the first detector finds. `rgb`: the pixels in base64; `resized_sum`: of the 300 x 300 that the model sees."""
    cases = []
    with tempfile.TemporaryDirectory() as name:
        model = Path(name)
        for part, body in objects.pretrained_files().items():
            (model / part).write_bytes(body)
        detector = Detector(model)
        for file in files:
            picture = read_picture(file.read_bytes())
            found = detector.detect(picture.rgb, min_score=PICTURES_MIN_SCORE)
            seen = resize(picture.rgb, objects.INPUT.height, objects.INPUT.width)
            cases.append(
                {
                    "name": file.name,
                    "height": picture.height,
                    "width": picture.width,
                    "rgb": base64.b64encode(picture.rgb.tobytes()).decode(),
                    "resized_sum": int(seen.sum(dtype=np.int64)),
                    "min_score": PICTURES_MIN_SCORE,
                    "labels": [detector.spec.labels[each.label] for each in found],
                    "expected": [each.row() for each in found],
                }
            )
    return cases


if __name__ == "__main__":
    write(Path(sys.argv[1]))

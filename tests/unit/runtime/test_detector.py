"""The first detector on photographs, and folders that hold none."""

import json
from pathlib import Path

import numpy as np
import pytest
import skimage

from edgetrain import keys
from edgetrain.detection.pictures import read_picture, shrink
from edgetrain.errors import ProgramInvalid
from edgetrain.runtime.detector import Detector
from edgetrain.tasks import objects

PHOTOGRAPHS = Path(skimage.__file__).parent / "data"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("objects")
    for name, body in objects.pretrained_files().items():
        (made / name).write_bytes(body)
    return made


@pytest.fixture(scope="module")
def detector(folder):
    return Detector(folder)


#: Photograph, label, score, and the box as one sees it: xmin, ymin, xmax, ymax.
SEEN = [
    ("astronaut", "Person", 0.592, (0.04, 0.03, 0.71, 0.99)),
    ("chelsea", "Cat", 0.847, (0.01, 0.00, 0.94, 1.00)),
    ("coffee", "Coffee cup", 0.564, (0.29, 0.05, 0.70, 0.81)),
]


@pytest.mark.parametrize(("name", "label", "score", "box"), SEEN)
def test_photographs(detector, name, label, score, box):
    body = (PHOTOGRAPHS / f"{name}.png").read_bytes()
    (found,) = detector.detect(read_picture(body).rgb)
    assert detector.spec.labels[found.label] == label
    assert found.score == pytest.approx(score, abs=0.005)
    assert (found.xmin, found.ymin, found.xmax, found.ymax) == pytest.approx(box, abs=0.02)
    (again,) = detector.detect(read_picture(shrink(body).body).rgb)
    assert again.label == found.label
    assert again.score == pytest.approx(score, abs=0.02), "as a JPEG, as the endpoint gets it"


def test_what_is_asked_for(detector):
    rgb = read_picture((PHOTOGRAPHS / "astronaut.png").read_bytes()).rgb
    more = detector.detect(rgb, min_score=0.2)
    assert [detector.spec.labels[each.label] for each in more] == ["Person", "Bottle", "Person"]
    assert detector.detect(rgb, min_score=0.2, max_detections=2) == more[:2]
    assert detector.detect(rgb, min_score=0.9) == ()


def test_a_picture_leaves_nothing_behind_for_the_next(detector):
    cat = read_picture((PHOTOGRAPHS / "chelsea.png").read_bytes()).rgb
    first = detector.detect(cat)
    assert detector.detect(np.zeros((1, 4096, 3), np.uint8)) == ()
    assert detector.detect(cat) == first


def copy(folder, to, **changed):
    for name in (keys.MODEL_FILE, keys.DETECTOR_FILE):
        (to / name).write_bytes((folder / name).read_bytes())
    spec = json.loads((folder / keys.DETECTOR_FILE).read_text())
    (to / keys.DETECTOR_FILE).write_text(json.dumps(spec | changed))
    return to


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"labels": ["one"]}, "24"),
        ({"input": {"height": 200, "width": 300, "scale": 1, "offset": 0}}, "200"),
        ({"decoder": objects.DECODER.model_copy(update={"boxes": "elsewhere"}).model_dump()}, "elsewhere"),
        ({"min_score": 2}, "min_score"),
        ({"decoder": {"kind": "yolo"}}, "decoder"),
    ],
)
def test_a_description_that_does_not_fit(folder, tmp_path, changed, words):
    with pytest.raises(ProgramInvalid, match=words):
        Detector(copy(folder, tmp_path, **changed))


def test_files_that_are_not_there_or_none(folder, tmp_path):
    with pytest.raises(ProgramInvalid, match=keys.DETECTOR_FILE):
        Detector(tmp_path)
    copy(folder, tmp_path)
    (tmp_path / keys.MODEL_FILE).write_bytes(b"no model")
    with pytest.raises(ProgramInvalid, match=keys.MODEL_FILE):
        Detector(tmp_path)
    (tmp_path / keys.MODEL_FILE).unlink()
    with pytest.raises(ProgramInvalid, match=keys.MODEL_FILE):
        Detector(tmp_path)

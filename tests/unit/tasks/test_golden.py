"""The web app's golden vectors are those of the code."""

import json
from pathlib import Path

import pytest

from edgetrain.tasks import golden

FOLDER = Path(__file__).parents[3] / "web" / "tests" / "golden"
#: What two CPUs' models may differ by; anything else differs by the last bits of an exponential.
OF_THE_MODEL, OF_NUMPY = 2e-3, 1e-9


@pytest.fixture(scope="module")
def vectors():
    return golden.golden_vectors(FOLDER)


@pytest.mark.parametrize("name", ["anchors", "boxes", "detections", "pictures", "resize", "suppression"])
def test_the_files_are_current(vectors, name):
    written = json.loads((FOLDER / f"{name}.json").read_text())["cases"]
    tolerance = OF_THE_MODEL if name == "pictures" else OF_NUMPY
    assert len(written) == len(vectors[name])
    for there, expected in zip(written, vectors[name], strict=True):
        same(there, expected, tolerance)


def test_there_are_no_others(vectors):
    assert {path.stem for path in FOLDER.glob("*.json")} == set(vectors)


def same(there, expected, tolerance):
    """The same JSON, but for numbers that are nearly the same."""
    if isinstance(expected, dict):
        assert list(there) == list(expected)
        for name in expected:
            same(there[name], expected[name], tolerance)
    elif isinstance(expected, list | tuple):
        assert len(there) == len(expected)
        for one, other in zip(there, expected, strict=True):
            same(one, other, tolerance)
    elif isinstance(expected, float):
        assert there == pytest.approx(expected, abs=tolerance, rel=1e-12), "run: python -m edgetrain.tasks.golden"
    else:
        assert there == expected, "run: python -m edgetrain.tasks.golden web/tests/golden"


def test_the_writer_writes_them(tmp_path, vectors):
    for picture in FOLDER.glob("*.png"):
        (tmp_path / picture.name).write_bytes(picture.read_bytes())
    golden.write(tmp_path)
    assert {path.stem for path in tmp_path.glob("*.json")} == set(vectors)

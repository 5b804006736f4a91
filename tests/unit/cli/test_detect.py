"""`edgetrain detect`."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

import edgetrain.client.detecting
import edgetrain.client.outputs
import edgetrain.client.tokens
from edgetrain.cli import drawing
from edgetrain.client.model_documents import DetectedDocument, DetectionsDocument
from edgetrain.errors import ApiUnavailable
from tests.unit.client.test_detecting import FakeApi
from tests.unit.fakes.pictures import exif, file_of, gradient, jpeg

URL = "https://api.example/api"
CAT = [0, 0.9, 0.25, 0.25, 0.75, 0.75]


@pytest.fixture
def api(monkeypatch):
    """An API that finds a cat."""
    made = FakeApi((200, [{"prediction": [CAT]}]), (200, {"labels": ["Cat"]}))
    monkeypatch.setattr(edgetrain.client.detecting, "http_send", lambda: made)
    monkeypatch.setenv("EDGETRAIN_TOKEN", "a-token")
    monkeypatch.setenv("EDGETRAIN_API_URL", URL)
    return made


@pytest.fixture
def picture(tmp_path):
    (tmp_path / "cat.jpg").write_bytes(jpeg(400, 300, exif=exif(6)))
    return str(tmp_path / "cat.jpg")


def test_what_is_printed(edgetrain_, api, picture):
    outcome = edgetrain_("detect", picture)
    assert outcome.code == 0
    assert outcome.stdout.split() == [
        "label",
        "score",
        "left",
        "top",
        "right",
        "bottom",
        "Cat",
        "0.90",
        *["0.250"] * 2,
        *["0.750"] * 2,
    ]
    assert api.asked[0][2]["Authorization"] == "Bearer a-token"


def test_json_and_the_drawing(edgetrain_, api, picture, tmp_path):
    out = tmp_path / "boxes.png"
    told = DetectionsDocument.model_validate(edgetrain_("detect", picture, "--out", str(out), "--json").document)
    assert [each.label for each in told.detections] == ["Cat"]
    assert (told.width, told.height, told.out) == (300, 400, str(out))
    with Image.open(out) as drawn:
        assert drawn.size == (300, 400), "upright"


def test_nothing_found(edgetrain_, api, picture):
    api.replies[:] = [(200, [{"prediction": []}])]
    assert "Nothing was found" in edgetrain_("detect", picture).stdout


def test_a_machine_users_token(edgetrain_, api, picture, process, tmp_path, monkeypatch):
    process.start(tmp_path / "cloud")
    monkeypatch.setattr(edgetrain.client.tokens, "fetch_token", lambda _connection, name: f"of-{name}")
    assert edgetrain_("detect", picture, "--user", "scanner").code == 0
    assert api.asked[0][2]["Authorization"] == "Bearer of-scanner"


def test_the_deployed_api_is_asked(edgetrain_, api, picture, process, tmp_path, monkeypatch):
    monkeypatch.delenv("EDGETRAIN_API_URL")
    process.start(tmp_path / "cloud")
    monkeypatch.setattr(edgetrain.client.outputs, "read_outputs", lambda _client: {"ApiUrl": "http://here/api"})
    assert edgetrain_("detect", picture).code == 0
    assert api.asked[0][1].startswith("http://here/api/detections")
    monkeypatch.setattr(edgetrain.client.outputs, "read_outputs", lambda _client: {})
    outcome = edgetrain_("detect", picture, "--json")
    assert (outcome.code, outcome.document["error"]["code"]) == (2, "NotDeployed")


def test_nothing_is_sent_that_cannot_be_right(edgetrain_, api, picture, tmp_path, monkeypatch):
    (tmp_path / "note.jpg").write_text("not a picture")
    for words, told in [
        ([str(tmp_path / "none.jpg")], "none.jpg"),
        ([str(tmp_path)], "cannot be read"),
        ([str(tmp_path / "note.jpg")], "neither a JPEG nor a PNG"),
        ([picture, "--out", "boxes.gif"], ".png"),
        ([picture, "--min-score", "2"], "min-score"),
        ([picture, "--token", "two words"], "edgetrain token"),
    ]:
        outcome = edgetrain_("detect", *words)
        assert outcome.code == 2, words
        assert told in outcome.sentence
    monkeypatch.delenv("EDGETRAIN_TOKEN")
    assert "--user" in edgetrain_("detect", picture).sentence
    assert api.asked == []


def test_an_api_that_is_away(edgetrain_, api, picture, monkeypatch):
    def away(*_asked):
        raise ApiUnavailable("nothing answers")

    monkeypatch.setattr(edgetrain.client.detecting, "http_send", lambda: away)
    outcome = edgetrain_("detect", picture)
    assert (outcome.code, outcome.sentence) == (1, "nothing answers")


def test_a_drawing_that_cannot_be_written(edgetrain_, api, picture, tmp_path):
    outcome = edgetrain_("detect", picture, "--out", str(tmp_path / "no" / "folder.jpg"))
    assert outcome.code == 2
    assert "cannot be written" in outcome.sentence


# --- the drawing


def detected(label_index, *box, score=0.5, label="Cat"):
    return DetectedDocument(
        label_index=label_index,
        label=label,
        score=score,
        **dict(zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)),
    )


def rgb_of(colour):
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


@pytest.mark.parametrize("ground", [0, 255])
def test_a_box_is_coloured_within_black(ground):
    drawn = np.asarray(drawing.draw(np.full((100, 100, 3), ground, np.uint8), [detected(1, 0.2, 0.4, 0.8, 0.8)]))
    below = [tuple(pixel) for pixel in drawn[70:90, 50].tolist()]
    colours = [pixel for pixel, before in zip(below, [None, *below], strict=False) if pixel != before]
    around = (ground,) * 3
    black = (0, 0, 0)
    expected = [around, black, rgb_of(drawing.COLOURS[1]), black, around]
    assert colours == (expected if ground else [around, expected[2], around])


BOXES = [(0, 0, 1, 1), (0.9, 0.9, 1, 1), (0.9, 0, 1, 0.01), (0.4, 0.4, 0.6, 0.6)]


@pytest.mark.parametrize("size", [(300, 400), (1, 1), (40, 2000)])
@pytest.mark.parametrize("box", BOXES)
def test_any_box_on_any_picture(box, size):
    ground = np.full((*size, 3), 90, np.uint8)
    drawn = np.asarray(drawing.draw(ground, [detected(0, *box)]))
    assert drawn.shape == ground.shape
    assert (drawn != ground).any()
    assert (ground == 90).all(), "what was given is not drawn on"


def test_wherever_a_box_is_its_label_is_whole():
    drawn = []
    for box in BOXES:
        image = Image.new("L", (400, 300), 90)
        drawing._label(ImageDraw.Draw(image), detected(0, *box), image.size, 2, ImageFont.load_default(12))
        drawn.append(int((np.asarray(image) != 90).sum()))
    assert len(set(drawn)) == 1
    assert drawn[0] > 500


def test_a_png_of_one_pixel(edgetrain_, api, tmp_path):
    (tmp_path / "dot.png").write_bytes(file_of(gradient(1, 1)))
    assert edgetrain_("detect", str(tmp_path / "dot.png"), "--out", str(tmp_path / "out.jpg")).code == 0

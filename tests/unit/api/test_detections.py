"""POST /detections: what the endpoint sees, what is kept, and what is said when a service is away."""

import io
import threading
from uuid import UUID

import numpy as np
import pytest
from PIL import Image

from edgetrain.api.messages import Prediction
from edgetrain.errors import ServiceBusy
from tests.unit.api.bad_requests import AS_JPEG, DETECTIONS, JSON, picture
from tests.unit.api.conftest import Answer, Api
from tests.unit.fakes.api import ROWS, FakePictures
from tests.unit.fakes.pictures import exif, file_of, gradient, jpeg, png


def detect(api: Api, body: bytes = jpeg(), query: str = "", **fields: str) -> Answer:
    return api.ask("POST", f"{DETECTIONS}{query}", headers=JSON, body=picture(body, **fields))


def test_what_is_found_is_told_best_first_with_the_version_and_the_pictures_id(api: Api) -> None:
    answer = detect(api)
    assert answer.status == 200
    assert answer.json == [{"prediction": ROWS}]
    Prediction.model_validate_json(answer.body[1:-1])
    assert answer.headers["X-Model-Version"] == "3"
    assert UUID(answer.headers["X-Picture-Id"]).version == 4
    assert answer.headers["Cache-Control"] == "no-store"


def test_nothing_found_is_an_empty_list(api: Api) -> None:
    api.endpoints.rows, api.endpoints.version = [], None
    answer = detect(api)
    assert answer.json == [{"prediction": []}]
    assert "X-Model-Version" not in answer.headers


def test_the_picture_is_kept_as_it_was_sent(api: Api) -> None:
    large = jpeg(3000, 2000, exif=exif(6))
    answer = detect(api, large, name="holiday.jpg")
    assert api.pictures.kept == {
        f"incoming/{answer.headers['X-Picture-Id']}.jpg": (large, "image/jpeg", "holiday.jpg"),
    }
    detect(api, png(30, 20), name="x.jpg")
    assert [key[-4:] for key in api.pictures.kept] == [".jpg", ".png"], "by content, not by name"
    assert api.pictures.kept[list(api.pictures.kept)[1]][1:] == ("image/png", "x.jpg")


def test_where_none_are_kept_there_is_no_id(api: Api) -> None:
    api.pictures = None
    answer = detect(api)
    assert answer.status == 200
    assert "X-Picture-Id" not in answer.headers


def test_the_endpoint_sees_a_small_upright_jpeg(api: Api) -> None:
    """A camera that is held upright writes lying pixels and a note: the note is heeded before anybody looks."""
    lying = gradient(3000, 2000).transpose(
        Image.Transpose.ROTATE_90
    )  # upright it is 3000 x 2000, red growing to the right
    detect(api, file_of(lying, "JPEG", quality=95, exif=exif(6)))
    ((task, seen, media_type, _, _),) = api.endpoints.asked
    assert (task, media_type) == ("objects", "image/jpeg")
    shown = Image.open(io.BytesIO(seen))
    assert shown.size == (1024, 683)
    assert shown.getexif().get(0x0112, 1) == 1
    pixels = np.asarray(shown).astype(int)
    assert pixels[300, 1000, 0] - pixels[300, 20, 0] > 200, "red grows to the right"
    assert abs(pixels[20, 500, 0] - pixels[660, 500, 0]) < 10


def test_a_small_picture_goes_through_untouched(api: Api) -> None:
    small = jpeg(400, 300)
    detect(api, small)
    assert api.endpoints.asked[0][1] == small


@pytest.mark.parametrize(
    ("query", "wishes"),
    [
        ("", (None, None)),
        ("?min_score=0.25&max_detections=7", (0.25, 7)),
        ("?min_score=0", (0.0, None)),
        ("?min_score=1&max_detections=100", (1.0, 100)),
        ("?task=objects&min_score=5e-1", (0.5, None)),
    ],
)
def test_wishes_reach_the_endpoint(api: Api, query: str, wishes: tuple[float | None, int | None]) -> None:
    assert detect(api, query=query).status == 200
    assert api.endpoints.asked[0][3:] == wishes


def test_a_task_is_chosen_among_those_that_are_served(api: Api) -> None:
    api.endpoints.tasks = ("objects", "tools")
    assert detect(api, query="?task=tools").status == 200
    assert api.endpoints.asked[0][0] == "tools"
    refused = detect(api, query="?task=cats")
    assert refused.json["error"]["message"] == "no task 'cats' is served: expected one of objects, tools"


def test_a_raw_body_is_the_picture(api: Api) -> None:
    body = jpeg()
    assert api.ask("POST", DETECTIONS, headers=AS_JPEG, body=body).status == 200
    ((kept, _, name),) = api.pictures.kept.values()
    assert (kept, name) == (body, "")


# --- services that are away


@pytest.mark.parametrize("code", ["endpoint_busy", "endpoint_failed", "endpoint_unavailable", "too_slow"])
def test_an_endpoint_that_does_not_answer_is_a_503_that_says_when_to_come_back(api: Api, code: str) -> None:
    api.endpoints.raises = ServiceBusy("the endpoint sleeps", code=code, retry_after=7)
    answer = detect(api)
    assert (answer.status, answer.error) == (503, code)
    assert answer.headers["Retry-After"] == "7"
    assert "X-Picture-Id" not in answer.headers


def test_a_picture_that_cannot_be_stored_is_not_looked_at(api: Api) -> None:
    api.pictures = FakePictures(raises=ServiceBusy("no", code="storage_unavailable", retry_after=5))
    answer = detect(api)
    assert (answer.status, answer.error, answer.headers["Retry-After"]) == (503, "storage_unavailable", "5")
    assert api.endpoints.asked == []


def test_an_endpoint_that_takes_too_long_is_given_up(api: Api) -> None:
    """Without a clock: the endpoint waits until the caller has its answer."""
    answered = threading.Event()

    def wait(*_arguments: object, **_named: object) -> None:
        assert answered.wait(60)

    api.endpoints.detect = wait  # type: ignore[method-assign, assignment]
    api.seconds = 0.05
    try:
        answer = detect(api)
    finally:
        answered.set()
    assert (answer.status, answer.error) == (503, "too_slow")
    assert answer.headers["Retry-After"] == "10"
    assert answer.json["error"]["message"] == "no answer within 0.05 seconds"


def test_what_nobody_foresaw_is_lambdas_error_and_no_answer_of_ours(api: Api) -> None:
    api.endpoints.raises = TimeoutError("not ours")
    with pytest.raises(TimeoutError, match="not ours"):
        detect(api)

"""The deployed API from picture to boxes: three real photographs, all ways to send one, and what is stored of them."""

import base64
import hashlib
import io

import pytest
import requests
from PIL import Image

from edgetrain.cli.photographs import PHOTOGRAPHS, photograph

TASK = "objects"
EXIF_ORIENTATION = 0x0112
#: The stored pixels are the upright ones turned left: to be seen they must be turned right by a quarter.
ROTATED = 6


def best(api, reply):
    """Label and the row of what was found first."""
    assert reply.status_code == 200, reply.text
    labels = api.request("GET", f"/labels/{TASK}").json()["labels"]
    (found,) = reply.json()
    return labels[found["prediction"][0][0]], found["prediction"][0]


def as_json(picture, name="photograph.jpg", prefix="data:image/jpeg;base64,"):
    return {"name": name, "file": prefix + base64.b64encode(picture).decode()}


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_what_is_in_a_photograph(api, name):
    label, row = best(api, api.request("POST", "/detections", json=as_json(photograph(name))))
    assert label == PHOTOGRAPHS[name]
    _, score, xmin, ymin, xmax, ymax = row
    assert 0.5 < score < 1
    assert 0 <= xmin < xmax <= 1
    assert 0 <= ymin < ymax <= 1


def test_every_way_to_send_a_picture_tells_the_same(api):
    picture = photograph("chelsea")
    ways = [
        {"json": as_json(picture)},
        {"json": as_json(picture, prefix="")},
        {"json": {"file": base64.b64encode(picture).decode().rstrip("=")}},
        {"data": picture, "headers": {**api.authorization, "Content-Type": "image/jpeg"}},
    ]
    told = [best(api, api.request("POST", "/detections", **way)) for way in ways]
    assert told == [told[0]] * len(ways)


def test_a_png_is_a_picture_too(api):
    written = io.BytesIO()
    Image.open(io.BytesIO(photograph("chelsea"))).save(written, "PNG")
    headers = {**api.authorization, "Content-Type": "image/png"}
    assert best(api, api.request("POST", "/detections", data=written.getvalue(), headers=headers))[0] == "Cat"


def test_boxes_are_those_of_the_upright_picture(api):
    upright = Image.open(io.BytesIO(photograph("coffee")))
    turned, exif = io.BytesIO(), Image.Exif()
    exif[EXIF_ORIENTATION] = ROTATED
    upright.transpose(Image.Transpose.ROTATE_90).save(turned, "JPEG", quality=95, exif=exif)
    label, seen = best(api, api.request("POST", "/detections", json=as_json(turned.getvalue())))
    _, expected = best(api, api.request("POST", "/detections", json=as_json(photograph("coffee"))))
    assert label == "Coffee cup"
    assert seen[2:] == pytest.approx(expected[2:], abs=0.03)


def test_scores_and_counts_can_be_asked_for(api):
    picture = as_json(photograph("astronaut"))
    many = api.request("POST", f"/detections?task={TASK}&min_score=0.05", json=picture).json()[0]["prediction"]
    scores = [row[1] for row in many]
    assert len(many) > 2
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= 0.05
    two = api.request("POST", "/detections?min_score=0.05&max_detections=2", json=picture).json()[0]["prediction"]
    assert two == many[:2]


def test_the_picture_is_stored_as_it_was_sent_under_a_key_of_ours(api):
    picture = photograph("coffee")
    reply = api.request("POST", "/detections", json=as_json(picture, name="../../kaffee süß.jpg"))
    stored = api.cloud.connection.client("s3").get_object(
        Bucket=api.outputs.data_bucket, Key=f"incoming/{reply.headers['X-Picture-Id']}.jpg"
    )
    assert (stored["Body"].read(), stored["ContentType"]) == (picture, "image/jpeg")
    assert "kaffee" in " ".join(stored["Metadata"].values())
    assert reply.headers["X-Model-Version"] == "1"


def test_pictures_expire_after_a_day(api):
    rules = api.cloud.connection.client("s3").get_bucket_lifecycle_configuration(Bucket=api.outputs.data_bucket)[
        "Rules"
    ]
    ours = [rule for rule in rules if rule.get("Filter", {}).get("Prefix") == "incoming/"]
    assert [(rule["Status"], rule["Expiration"]["Days"]) for rule in ours] == [("Enabled", 1)]


def test_the_latest_model_is_told_once(api):
    first = api.request("GET", f"/models/{TASK}/latest")
    assert (first.status_code, first.json()["version"]) == (200, 1)
    known = {**api.authorization, "If-None-Match": first.headers["ETag"]}
    again = api.request("GET", f"/models/{TASK}/latest", headers=known)
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])


def test_what_is_downloaded_has_the_hash_that_was_told(api):
    (version,) = api.request("GET", f"/models/{TASK}/versions").json()["versions"]
    files = api.request("GET", f"/models/{TASK}/{version['version']}/download").json()["files"]
    assert {"model.tflite", "detector.json", "LICENSE"} <= {file["name"] for file in files}
    for file in files:
        body = requests.get(file["url"], timeout=60).content
        assert (hashlib.sha256(body).hexdigest(), len(body)) == (file["sha256"], file["size"])


def test_an_administrator_may_detect_and_a_contributor_may_not(api):
    for scope, status in (("edgetrain/admin", 200), ("edgetrain/contribute", 403)):
        token = api.token_of(api.new_client(scope))
        reply = api.request("GET", f"/labels/{TASK}", headers={"Authorization": f"Bearer {token}"})
        assert (scope, reply.status_code) == (scope, status)

"""Labels, manifests, versions and downloads."""

import hashlib
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from edgetrain import keys
from edgetrain.api.get_latest_model import names
from edgetrain.api.messages import Download, Labels, Versions
from edgetrain.contracts import Manifest
from edgetrain.errors import DataInvalid, TransientError
from tests.unit.api.conftest import NOW, Api
from tests.unit.fakes.api import detector
from tests.unit.fakes.programs import SPEC

# --- labels


def labels(api: Api, task: str = "objects") -> Labels:
    answer = api.get(f"/labels/{task}")
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-cache"
    return Labels.model_validate_json(answer.body)


def test_labels_are_those_of_the_version_that_is_served(api: Api) -> None:
    """Class 0 of an answer is label 0 of the version that answered, and not of a newer one that nobody promoted."""
    api.versions.publish("objects", 2, {"detector.json": detector("cup", "cat")})
    assert labels(api) == Labels(task="objects", version=1, labels=("person", "cat", "cup"))
    api.versions.promote("objects", 2)
    assert labels(api) == Labels(task="objects", version=2, labels=("cup", "cat"))
    api.versions.promote("objects", 1)
    assert labels(api).version == 1, "what is served may change back: it is asked each time"


def test_labels_of_a_trained_task_are_those_of_its_newest_version(api: Api) -> None:
    for version in (1, 2):
        api.versions.publish("digits", version, {"task.json": SPEC.model_dump_json().encode()})
    assert labels(api, "digits") == Labels(task="digits", version=2, labels=SPEC.labels)


def test_a_version_that_says_nothing_of_labels(api: Api) -> None:
    api.versions.publish("sums", 1, {"model.tflite": b"m"})
    answer = api.get("/labels/sums")
    assert (answer.status, answer.error) == (404, "file_not_found")


# --- the latest


def test_the_latest_is_the_manifest_as_it_is_stored(api: Api) -> None:
    api.versions.publish("objects", 9, {"model.tflite": b"nine"})
    manifest = api.versions.publish("objects", 10, {"model.tflite": b"ten"})
    answer = api.get("/models/objects/latest")
    stored = api.versions.get(keys.model_file("objects", 10, keys.MANIFEST_FILE))
    assert answer.body.encode() == stored
    assert answer.headers["ETag"] == f'"{hashlib.sha256(stored).hexdigest()}"'
    assert Manifest.model_validate_json(answer.body) == manifest


def test_who_has_it_is_told_so_until_there_is_a_newer_one(api: Api) -> None:
    etag = api.get("/models/objects/latest").headers["ETag"]
    again = api.get("/models/objects/latest", If_None_Match=etag)
    assert (again.status, again.body) == (304, "")
    assert again.headers["ETag"] == etag
    assert "Content-Type" not in again.headers
    api.versions.publish("objects", 2, {"model.tflite": b"two"})
    newer = api.get("/models/objects/latest", If_None_Match=etag)
    assert newer.status == 200
    assert newer.headers["ETag"] != etag


@pytest.mark.parametrize(
    ("if_none_match", "holds"),
    [
        ('"abc"', True),
        ('W/"abc"', True),
        ('"x", W/"y" , "abc"', True),
        ("*", True),
        ("", False),
        ("abc", False),
        ('"ab"', False),
        ('w/"abc"', False),
        ('"abc', False),
        ('*, "x"', False),
    ],
)
def test_if_none_match(if_none_match: str, holds: bool) -> None:
    assert names(if_none_match, '"abc"') is holds


# --- versions


def test_versions_come_newest_first_a_page_at_a_time(api: Api) -> None:
    for version in range(2, 13):
        api.versions.publish("objects", version, {"model.tflite": b"m"})
    seen: list[int] = []
    query = "?limit=5"
    for _ in range(3):
        page = Versions.model_validate_json(api.get(f"/models/objects/versions{query}").body)
        seen += [each.version for each in page.versions]
        query = f"?limit=5&next={page.next}"
    assert page.next is None
    assert seen == list(range(12, 0, -1))
    assert [api.get(f"/models/objects/versions?limit={limit}").json["next"] for limit in (11, 12)] == ["2", None]


def test_a_version_counts_when_its_manifest_is_there(api: Api) -> None:
    api.versions.put(keys.model_file("objects", 2, "model.tflite"), b"half published")
    api.versions.put("models/objects/notes/manifest.json", b"{}")
    api.versions.put("models/objects/000003/old/manifest.json", b"{}")
    api.versions.promote("objects", 1)
    (only,) = Versions.model_validate_json(api.get("/models/objects/versions").body).versions
    assert only.version == 1
    assert [each.name for each in only.files] == ["model.tflite", "detector.json"]
    assert "key" not in json.loads(api.get("/models/objects/versions").body)["versions"][0]["files"][0]


def test_a_warm_function_reads_a_manifest_once_and_looks_for_newer_ones_each_time(api: Api) -> None:
    for _ in range(3):
        api.get("/models/objects/versions")
    assert api.versions.read == [keys.model_file("objects", 1, keys.MANIFEST_FILE)]
    api.versions.publish("objects", 2, {})
    assert len(api.get("/models/objects/versions").json["versions"]) == 2


# --- downloads


def test_each_file_has_an_address_for_a_quarter_of_an_hour(api: Api) -> None:
    answer = api.get("/models/objects/1/download")
    reply = Download.model_validate_json(answer.body)
    assert reply.expires_at == "2026-01-02T03:19:05+00:00"
    assert NOW.isoformat() == "2026-01-02T03:04:05+00:00"
    manifest = Manifest.model_validate_json(api.versions.get(keys.model_file("objects", 1, keys.MANIFEST_FILE)))
    assert [(each.name, each.sha256, each.size) for each in reply.files] == [
        (each.name, each.sha256, each.size) for each in manifest.files
    ]
    assert reply.files[0].url == "https://models.example/models/objects/000001/model.tflite?expires=900"
    assert answer.headers["Cache-Control"] == "no-store"


def test_one_file_by_its_name(api: Api) -> None:
    (file,) = Download.model_validate_json(api.get("/models/objects/1/download?file=detector.json").body).files
    assert file.name == "detector.json"
    assert api.get("/models/objects/000001/download").status == 200


# --- a bucket that is away, or holds nonsense


def denied(_key: str) -> Any:
    raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject")


def slow(_key: str) -> Any:
    raise TransientError("s3://models: SlowDown")


@pytest.mark.parametrize("failure", [denied, slow])
@pytest.mark.parametrize("path", ["/labels/objects", "/models/objects/latest", "/models/objects/versions"])
def test_a_bucket_that_cannot_be_read_is_a_503(api: Api, path: str, failure: Any) -> None:
    api.versions.keys = failure  # type: ignore[method-assign]
    answer = api.get(path)
    assert (answer.status, answer.error, answer.headers["Retry-After"]) == (503, "storage_unavailable", "5")


def test_a_manifest_that_cannot_be_read_is_a_fault_of_ours(api: Api) -> None:
    api.versions.put(keys.model_file("objects", 2, keys.MANIFEST_FILE), b"{}")
    with pytest.raises(DataInvalid, match="manifest of objects, version 2"):
        api.get("/models/objects/versions")

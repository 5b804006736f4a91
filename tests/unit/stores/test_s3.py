"""S3ObjectStore: which requests it makes, and what it makes of S3's answers."""

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from edgetrain.errors import ObjectNotFound, TransientError
from edgetrain.stores.base import StoredObject, Written
from edgetrain.stores.s3 import S3ObjectStore
from tests.unit.stores.requests import HERE, in_base64, put_request, sha, stream

# --- reading -------------------------------------------------------------------------------------------------


def test_get(store: S3ObjectStore, s3: Stubber) -> None:
    s3.add_response("get_object", {"Body": stream(b"body")}, HERE)
    assert store.get("k") == b"body"
    s3.add_response("get_object", {"Body": stream(b"old")}, {**HERE, "VersionId": "v1"})
    assert store.get("k", version_id="v1") == b"old"


@pytest.mark.parametrize("code", ["NoSuchKey", "NoSuchVersion", "404"])
def test_nothing_there(store: S3ObjectStore, s3: Stubber, code: str) -> None:
    s3.add_client_error("get_object", code, http_status_code=404)
    with pytest.raises(ObjectNotFound, match="s3://bucket/k does not exist"):
        store.get("k")
    s3.add_client_error("head_object", code, http_status_code=404)
    assert store.find("k") is None


def test_a_body_that_breaks_off_is_worth_another_try(store: S3ObjectStore, s3: Stubber) -> None:
    s3.add_response("get_object", {"Body": stream(b"bo", promised=4)}, HERE)
    with pytest.raises(TransientError, match="2 read"):
        store.get("k")


def test_find_knows_the_checksum(store: S3ObjectStore, s3: Stubber) -> None:
    head = {"VersionId": "v", "ContentLength": 4, "ChecksumSHA256": in_base64(b"body")}
    s3.add_response("head_object", head, {**HERE, "ChecksumMode": "ENABLED"})
    assert store.find("k") == StoredObject("k", "v", sha(b"body"), 4)


@pytest.mark.parametrize("checksum", [{}, {"ChecksumSHA256": in_base64(b"body") + "-2"}])
def test_find_does_not_take_a_checksum_of_parts_for_one_of_the_whole(
    store: S3ObjectStore, s3: Stubber, checksum: dict[str, str]
) -> None:
    s3.add_response("head_object", {"ContentLength": 4, **checksum}, {**HERE, "ChecksumMode": "ENABLED"})
    assert store.find("k") == StoredObject("k", "null", "", 4)


@pytest.mark.parametrize("code", ["400", "405"])
def test_a_version_that_never_was(store: S3ObjectStore, s3: Stubber, code: str) -> None:
    request = {**HERE, "ChecksumMode": "ENABLED", "VersionId": "nonsense"}
    s3.add_client_error("head_object", code, http_status_code=int(code), expected_params=request)
    assert store.find("k", version_id="nonsense") is None
    s3.add_client_error("head_object", code, http_status_code=int(code))
    with pytest.raises(ClientError):
        store.find("k")


@pytest.mark.parametrize("code", ["SlowDown", "503", "InternalError", "ConditionalRequestConflict"])
def test_what_may_pass_is_transient(store: S3ObjectStore, s3: Stubber, code: str) -> None:
    for method, call in (
        ("get_object", lambda: store.get("k")),
        ("head_object", lambda: store.find("k")),
        ("put_object", lambda: store.put_once("k", b"")),
        ("put_object", lambda: store.put("k", b"")),
        ("list_objects_v2", lambda: list(store.keys("k"))),
    ):
        s3.add_client_error(method, code)
        with pytest.raises(TransientError, match=code):
            call()


def test_what_is_forbidden_is_neither(store: S3ObjectStore, s3: Stubber) -> None:
    s3.add_client_error("get_object", "AccessDenied", http_status_code=403)
    with pytest.raises(ClientError, match="AccessDenied"):
        store.get("k")


def test_ranges(store: S3ObjectStore, s3: Stubber) -> None:
    source = store.open("k", version_id="v", size=100)
    assert source.size == 100
    buffer = bytearray(4)
    request = {**HERE, "VersionId": "v", "Range": "bytes=10-13"}
    s3.add_response("get_object", {"Body": stream(b"body")}, request)
    source.read_into(10, memoryview(buffer))
    assert buffer == b"body"
    source.read_into(10, memoryview(bytearray()))  # asks for nothing


@pytest.mark.parametrize("promised", [2, 4])
def test_a_short_range_is_worth_another_try(store: S3ObjectStore, s3: Stubber, promised: int) -> None:
    source = store.open("k", version_id="v", size=100)
    s3.add_response("get_object", {"Body": stream(b"bo", promised)})
    with pytest.raises(TransientError):
        source.read_into(0, memoryview(bytearray(4)))


def test_a_version_that_is_gone(store: S3ObjectStore, s3: Stubber) -> None:
    s3.add_client_error("get_object", "NoSuchVersion", http_status_code=404)
    with pytest.raises(ObjectNotFound):
        store.open("k", version_id="v", size=9).read_into(0, memoryview(bytearray(4)))


def test_keys_come_page_by_page(store: S3ObjectStore, s3: Stubber) -> None:
    s3.add_response(
        "list_objects_v2",
        {"Contents": [{"Key": "p/a"}, {"Key": "p/b"}], "IsTruncated": True, "NextContinuationToken": "t"},
        {"Bucket": "bucket", "Prefix": "p/"},
    )
    s3.add_response(
        "list_objects_v2",
        {"Contents": [{"Key": "p/c"}]},
        {"Bucket": "bucket", "Prefix": "p/", "ContinuationToken": "t"},
    )
    s3.add_response("list_objects_v2", {}, {"Bucket": "bucket", "Prefix": "none/"})
    assert list(store.keys("p/")) == ["p/a", "p/b", "p/c"]
    assert list(store.keys("none/")) == []


# --- writing once ----------------------------------------------------------------------------------------------


def test_put_once_is_conditional_and_checked(store: S3ObjectStore, s3: Stubber) -> None:
    s3.add_response("put_object", {"VersionId": "v"}, put_request(b"body", IfNoneMatch="*"))
    assert store.put_once("k", b"body") == Written(StoredObject("k", "v", sha(b"body"), 4), created=True)


@pytest.mark.parametrize("code", ["PreconditionFailed", "412"])
def test_put_once_finds_what_stands(store: S3ObjectStore, s3: Stubber, code: str) -> None:
    s3.add_client_error("put_object", code, http_status_code=412)
    s3.add_response("head_object", {"VersionId": "v0", "ContentLength": 5, "ChecksumSHA256": in_base64(b"older")})
    assert store.put_once("k", b"body") == Written(StoredObject("k", "v0", sha(b"older"), 5), created=False)


def test_put_once_of_what_was_deleted_in_between(store: S3ObjectStore, s3: Stubber) -> None:
    s3.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
    s3.add_client_error("head_object", "404", http_status_code=404)
    with pytest.raises(TransientError, match="is gone"):
        store.put_once("k", b"body")


def test_a_conflict_is_worth_another_try(store: S3ObjectStore, s3: Stubber) -> None:
    """Two conditional puts of one key at once: S3 answers one of them with 409."""
    s3.add_client_error("put_object", "ConditionalRequestConflict", http_status_code=409)
    with pytest.raises(TransientError):
        store.put_once("k", b"body")


def test_put_replaces(store: S3ObjectStore, s3: Stubber) -> None:
    s3.add_response("put_object", {}, put_request(b"body", ContentType="application/json"))
    assert store.put("k", b"body", content_type="application/json").version_id == "null"

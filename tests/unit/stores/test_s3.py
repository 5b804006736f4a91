"""S3ObjectStore: which requests it makes, and what it makes of S3's answers."""

import base64
import hashlib
import io
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from edgetrain.errors import DataInvalid, ObjectNotFound, TransientError
from edgetrain.stores.base import StoredObject, Written
from edgetrain.stores.s3 import S3ObjectStore, S3Writer

HERE = {"Bucket": "bucket", "Key": "k"}


def sha(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def in_base64(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def stream(body: bytes, promised: int | None = None) -> StreamingBody:
    return StreamingBody(io.BytesIO(body), len(body) if promised is None else promised)


def put_request(body: bytes, **more: Any) -> dict[str, Any]:
    request = {**HERE, "Body": body, "ContentType": "application/octet-stream", "ChecksumSHA256": in_base64(body)}
    return request | more


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


# --- writing in pieces -----------------------------------------------------------------------------------------


@pytest.fixture
def parts_of_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(S3Writer, "PART_BYTES", 10)


def expect_parts(s3: Stubber, *bodies: bytes) -> dict[str, Any]:
    """The upload's requests; returns that of its completion."""
    s3.add_response("create_multipart_upload", {"UploadId": "u"}, HERE)
    parts = []
    for number, body in enumerate(bodies, 1):
        s3.add_response(
            "upload_part",
            {"ETag": f"e{number}"},
            {**HERE, "UploadId": "u", "PartNumber": number, "Body": bytearray(body)},
        )
        parts.append({"PartNumber": number, "ETag": f"e{number}"})
    return {**HERE, "UploadId": "u", "MultipartUpload": {"Parts": parts}, "IfNoneMatch": "*"}


def test_a_small_object_is_one_put(store: S3ObjectStore, s3: Stubber, parts_of_ten: None) -> None:
    writer = store.writer("k")
    for piece in (b"abc", bytearray(b"def"), memoryview(b"ghi")):
        writer.write(piece)
    s3.add_response("put_object", {"VersionId": "v"}, put_request(b"abcdefghi", IfNoneMatch="*"))
    assert writer.finish() == Written(StoredObject("k", "v", sha(b"abcdefghi"), 9), created=True)
    writer.abort()


@pytest.mark.parametrize(
    "pieces", [(b"0123456789abcde",), (b"0123456", b"789abcd", b"e"), (b"", b"0123456789", b"abcde")]
)
def test_parts_are_full_but_the_last(
    store: S3ObjectStore, s3: Stubber, parts_of_ten: None, pieces: tuple[bytes, ...]
) -> None:
    whole = b"".join(pieces)
    complete = expect_parts(s3, whole[:10], whole[10:])
    writer = store.writer("k")
    for piece in pieces:
        writer.write(piece)
    s3.add_response("complete_multipart_upload", {"VersionId": "v"}, complete)
    assert writer.finish() == Written(StoredObject("k", "v", sha(whole), 15), created=True)
    writer.abort()  # nothing is left to abort


def test_a_last_part_that_is_full_is_followed_by_none(store: S3ObjectStore, s3: Stubber, parts_of_ten: None) -> None:
    complete = expect_parts(s3, b"0123456789", b"abcdefghij")
    writer = store.writer("k")
    writer.write(memoryview(b"0123456789abcdefghij"))
    s3.add_response("complete_multipart_upload", {}, complete)
    assert writer.finish().stored.version_id == "null"


def test_restarting_drops_the_parts(store: S3ObjectStore, s3: Stubber, parts_of_ten: None) -> None:
    expect_parts(s3, b"0123456789")
    writer = store.writer("k")
    writer.write(b"0123456789ab")
    s3.add_response("abort_multipart_upload", {}, {**HERE, "UploadId": "u"})
    writer.restart()
    writer.write(b"xyz")
    s3.add_response("put_object", {"VersionId": "v"}, put_request(b"xyz", IfNoneMatch="*"))
    assert writer.finish().stored.sha256 == sha(b"xyz")


def test_giving_up_drops_the_parts(store: S3ObjectStore, s3: Stubber, parts_of_ten: None) -> None:
    expect_parts(s3, b"0123456789")
    writer = store.writer("k")
    writer.write(b"0123456789")
    s3.add_response("abort_multipart_upload", {}, {**HERE, "UploadId": "u"})
    writer.abort()
    writer.abort()


def test_the_same_bytes_may_stand_there_already(store: S3ObjectStore, s3: Stubber, parts_of_ten: None) -> None:
    whole = b"0123456789abc"
    complete = expect_parts(s3, whole[:10], whole[10:])
    writer = store.writer("k")
    writer.write(whole)
    s3.add_client_error(
        "complete_multipart_upload", "PreconditionFailed", http_status_code=412, expected_params=complete
    )
    s3.add_response("abort_multipart_upload", {}, {**HERE, "UploadId": "u"})
    s3.add_response("get_object", {"Body": stream(whole), "VersionId": "v0"}, HERE)
    assert writer.finish() == Written(StoredObject("k", "v0", sha(whole), 13), created=False)


def test_other_bytes_may_not(store: S3ObjectStore, s3: Stubber, parts_of_ten: None) -> None:
    whole = b"0123456789abc"
    expect_parts(s3, whole[:10], whole[10:])
    writer = store.writer("k")
    writer.write(whole)
    s3.add_client_error("complete_multipart_upload", "PreconditionFailed", http_status_code=412)
    s3.add_response("abort_multipart_upload", {})
    s3.add_response("get_object", {"Body": stream(b"0123456789abX"), "VersionId": "v0"}, HERE)
    with pytest.raises(DataInvalid, match="s3://bucket/k holds other bytes"):
        writer.finish()


@pytest.mark.parametrize("checksum", [True, False])
def test_a_small_object_may_stand_there_already(store: S3ObjectStore, s3: Stubber, checksum: bool) -> None:
    writer = store.writer("k")
    writer.write(b"abc")
    s3.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
    known = {"ChecksumSHA256": in_base64(b"abc")} if checksum else {}
    s3.add_response("head_object", {"VersionId": "v0", "ContentLength": 3, **known})
    if not checksum:
        s3.add_response("get_object", {"Body": stream(b"abc"), "VersionId": "v0"}, HERE)
    assert writer.finish() == Written(StoredObject("k", "v0", sha(b"abc"), 3), created=False)


def test_a_small_object_of_other_bytes_may_not(store: S3ObjectStore, s3: Stubber) -> None:
    writer = store.writer("k")
    writer.write(b"abc")
    s3.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
    s3.add_response("head_object", {"VersionId": "v0", "ContentLength": 3, "ChecksumSHA256": in_base64(b"abX")})
    s3.add_response("get_object", {"Body": stream(b"abX"), "VersionId": "v0"}, HERE)
    with pytest.raises(DataInvalid):
        writer.finish()


@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "NoSuchUpload", "InternalError"])
def test_a_completion_that_is_lost_is_worth_another_try(
    store: S3ObjectStore, s3: Stubber, parts_of_ten: None, code: str
) -> None:
    """botocore repeats a request whose answer was lost; the upload that was completed is no longer there."""
    expect_parts(s3, b"0123456789")
    writer = store.writer("k")
    writer.write(b"0123456789")
    s3.add_client_error("complete_multipart_upload", code)
    with pytest.raises(TransientError, match=code):
        writer.finish()
    s3.add_response("abort_multipart_upload", {})
    writer.abort()

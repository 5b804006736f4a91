"""S3Writer: pieces become parts, and what stands already is compared."""

from typing import Any

import pytest
from botocore.stub import Stubber

from edgetrain.errors import DataInvalid, TransientError
from edgetrain.stores.base import StoredObject, Written
from edgetrain.stores.s3 import S3ObjectStore, S3Writer
from tests.unit.stores.requests import HERE, in_base64, put_request, sha, stream


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

"""Objects as S3 keeps them: conditions, ranges, versions, copies, uploads in parts."""

import hashlib
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from edgetrain.local.s3 import objects
from edgetrain.local.wsgi import call

BODY = b"".join(n.to_bytes(2, "big") for n in range(5120))
PART = 5 * 1024 * 1024


def refused(call: Callable[..., Any], **request: Any) -> tuple[str, int]:
    """The error's code and HTTP status."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_what_was_put_is_what_is_got(s3, bucket):
    key = "a folder/with ü, a + and a %2F.txt"
    put = s3.client.put_object(
        Bucket=bucket, Key=key, Body=BODY, ContentType="text/plain", Metadata={"client": "7"}, CacheControl="no-store"
    )
    got = s3.client.get_object(Bucket=bucket, Key=key)
    assert got["Body"].read() == BODY
    assert put["ETag"] == got["ETag"] == f'"{hashlib.md5(BODY, usedforsecurity=False).hexdigest()}"'
    assert (got["ContentType"], got["Metadata"], got["CacheControl"]) == ("text/plain", {"client": "7"}, "no-store")
    assert [each["Key"] for each in s3.client.list_objects_v2(Bucket=bucket)["Contents"]] == [key]


def test_a_key_takes_no_post(s3, bucket):
    sent = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": f"/{bucket}/labels/x",
        "QUERY_STRING": "",
        "wsgi.input": io.BytesIO(),
    }
    reply = call(s3.application, sent)
    assert reply.status == 405
    assert b"<Code>MethodNotAllowed</Code>" in b"".join(reply.body)


def test_write_once(s3, bucket):
    s3.client.put_object(Bucket=bucket, Key="k", Body=b"first", IfNoneMatch="*")
    assert refused(s3.client.put_object, Bucket=bucket, Key="k", Body=b"second", IfNoneMatch="*") == (
        "PreconditionFailed",
        412,
    )
    assert s3.client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"first"


def test_compare_and_swap(s3, bucket):
    etag = s3.client.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    s3.client.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=etag)
    assert refused(s3.client.put_object, Bucket=bucket, Key="k", Body=b"3", IfMatch=etag) == ("PreconditionFailed", 412)
    assert refused(s3.client.put_object, Bucket=bucket, Key="none", Body=b"3", IfMatch=etag) == ("NoSuchKey", 404)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=10000-", 10000, 10240),
        ("bytes=-7", 10233, 10240),
        ("bytes=-99999999", 0, 10240),
        ("bytes=10-99999999", 10, 10240),
    ],
)
def test_a_range_is_that_slice(s3, bucket, asked, start, end):
    s3.client.put_object(Bucket=bucket, Key="k", Body=BODY)
    got = s3.client.get_object(Bucket=bucket, Key="k", Range=asked)
    assert got["Body"].read() == BODY[start:end]
    assert got["ContentRange"] == f"bytes {start}-{end - 1}/{len(BODY)}"
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_what_is_no_range_is_passed_over(s3, bucket):
    s3.client.put_object(Bucket=bucket, Key="k", Body=BODY)
    for asked in ("bytes=0-1,5-6", "bytes=9-3", "lines=1-2", "bytes=-"):
        assert s3.client.get_object(Bucket=bucket, Key="k", Range=asked)["Body"].read() == BODY


def test_a_range_behind_the_end(s3, bucket):
    s3.client.put_object(Bucket=bucket, Key="k", Body=BODY)
    assert refused(s3.client.get_object, Bucket=bucket, Key="k", Range="bytes=10240-") == ("InvalidRange", 416)


def test_conditional_reads(s3, bucket):
    put = s3.client.put_object(Bucket=bucket, Key="k", Body=BODY)
    assert refused(s3.client.get_object, Bucket=bucket, Key="k", IfNoneMatch=put["ETag"]) == ("304", 304)
    assert refused(s3.client.get_object, Bucket=bucket, Key="k", IfMatch='"other"') == ("PreconditionFailed", 412)
    assert s3.client.get_object(Bucket=bucket, Key="k", IfMatch=put["ETag"])["Body"].read() == BODY


def test_versions(s3, make_bucket):
    bucket = make_bucket("Enabled")
    versions = [s3.client.put_object(Bucket=bucket, Key="k", Body=str(n).encode())["VersionId"] for n in range(3)]
    marker = s3.client.delete_object(Bucket=bucket, Key="k")
    assert marker["DeleteMarker"] is True
    assert refused(s3.client.get_object, Bucket=bucket, Key="k") == ("NoSuchKey", 404)
    assert refused(s3.client.get_object, Bucket=bucket, Key="k", VersionId=marker["VersionId"]) == (
        "MethodNotAllowed",
        405,
    )
    bodies = [s3.client.get_object(Bucket=bucket, Key="k", VersionId=each)["Body"].read() for each in versions]
    assert bodies == [b"0", b"1", b"2"]
    s3.client.delete_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert s3.client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"
    assert refused(s3.client.get_object, Bucket=bucket, Key="k", VersionId="never") == ("NoSuchVersion", 404)


def test_the_latest_version_is_the_last_one_put_whatever_the_clock_says(s3, make_bucket):
    bucket = make_bucket("Enabled")
    first = s3.client.put_object(Bucket=bucket, Key="k", Body=b"")["VersionId"]
    objects.bucket_named(bucket).keys["k"].last_modified += timedelta(hours=1)  # the clock was set back since
    second = s3.client.put_object(Bucket=bucket, Key="k", Body=b"")["VersionId"]
    listed = s3.client.list_object_versions(Bucket=bucket)["Versions"]
    assert [(each["VersionId"], each["IsLatest"]) for each in listed] == [(second, True), (first, False)]


def test_suspended_versioning_keeps_what_there_is(s3, make_bucket):
    bucket = make_bucket("Enabled")
    kept = s3.client.put_object(Bucket=bucket, Key="k", Body=b"kept")["VersionId"]
    s3.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    for body in (b"null 1", b"null 2"):
        assert s3.client.put_object(Bucket=bucket, Key="k", Body=body)["VersionId"] == "null"
    s3.client.delete_object(Bucket=bucket, Key="k")
    listed = s3.client.list_object_versions(Bucket=bucket)
    assert [each["VersionId"] for each in listed["Versions"]] == [kept]
    assert [each["VersionId"] for each in listed["DeleteMarkers"]] == ["null"]
    assert s3.client.get_object(Bucket=bucket, Key="k", VersionId=kept)["Body"].read() == b"kept"


def test_deleting_what_is_not_there_marks_it_where_versions_are_kept(s3, make_bucket):
    versioned, plain = make_bucket("Enabled"), make_bucket()
    assert s3.client.delete_object(Bucket=versioned, Key="k")["DeleteMarker"] is True
    assert "DeleteMarker" not in s3.client.delete_object(Bucket=plain, Key="k")
    deleted = s3.client.delete_objects(Bucket=versioned, Delete={"Objects": [{"Key": "a"}, {"Key": "b"}]})["Deleted"]
    assert [(each["Key"], each["DeleteMarker"]) for each in deleted] == [("a", True), ("b", True)]


def test_a_body_is_one_file_and_goes_with_its_last_version(s3, make_bucket):
    bucket = make_bucket("Enabled")
    before = s3.files()
    versions = [s3.client.put_object(Bucket=bucket, Key="k", Body=b"the same")["VersionId"] for _ in range(3)]
    s3.client.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})
    s3.client.list_object_versions(Bucket=bucket)
    assert s3.files() == before + 1
    for version in versions:
        s3.client.delete_object(Bucket=bucket, Key="k", VersionId=version)
    assert s3.client.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"the same"
    (copy,) = s3.client.list_object_versions(Bucket=bucket, Prefix="copy")["Versions"]
    s3.client.delete_object(Bucket=bucket, Key="copy", VersionId=copy["VersionId"])
    assert s3.files() == before


def test_a_copy(s3, bucket):
    s3.client.put_object(Bucket=bucket, Key="k", Body=BODY, Metadata={"a": "1"}, Tagging="x=y")
    s3.client.copy_object(Bucket=bucket, Key="same", CopySource={"Bucket": bucket, "Key": "k"})
    s3.client.copy_object(
        Bucket=bucket,
        Key="new",
        CopySource={"Bucket": bucket, "Key": "k"},
        Metadata={"b": "2"},
        MetadataDirective="REPLACE",
    )
    same, new = (s3.client.get_object(Bucket=bucket, Key=key) for key in ("same", "new"))
    assert (same["Body"].read(), same["Metadata"], same["TagCount"]) == (BODY, {"a": "1"}, 1)
    assert (new["Body"].read(), new["Metadata"]) == (BODY, {"b": "2"})
    itself = {"Bucket": bucket, "Key": "k", "CopySource": {"Bucket": bucket, "Key": "k"}}
    assert refused(s3.client.copy_object, **itself) == ("InvalidRequest", 400)


def test_an_upload_in_parts(s3, bucket):
    bodies = [b"a" * PART, b"b" * 100]
    upload = s3.client.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256", Metadata={"m": "1"})
    target = {"Bucket": bucket, "Key": "k", "UploadId": upload["UploadId"]}
    parts = []
    for number, body in enumerate(bodies, 1):
        part = s3.client.upload_part(**target, PartNumber=number, Body=body, ChecksumAlgorithm="SHA256")
        parts.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]})
    assert [each["Size"] for each in s3.client.list_parts(**target)["Parts"]] == [PART, 100]
    done = s3.client.complete_multipart_upload(**target, MultipartUpload={"Parts": parts}, IfNoneMatch="*")
    again = s3.client.complete_multipart_upload(**target, MultipartUpload={"Parts": parts}, IfNoneMatch="*")
    assert again["ETag"] == done["ETag"]
    md5s = b"".join(hashlib.md5(body, usedforsecurity=False).digest() for body in bodies)
    assert done["ETag"] == f'"{hashlib.md5(md5s, usedforsecurity=False).hexdigest()}-2"'
    got = s3.client.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == b"".join(bodies)
    assert got["ChecksumSHA256"] == done["ChecksumSHA256"]
    assert done["ChecksumSHA256"].endswith("-2")
    assert got["Metadata"] == {"m": "1"}
    part = s3.client.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert (part["Body"].read(), part["PartsCount"]) == (bodies[1], 2)


def test_a_completed_upload_is_written_once(s3, bucket):
    s3.client.put_object(Bucket=bucket, Key="k", Body=b"standing")
    target = {"Bucket": bucket, "Key": "k"}
    target["UploadId"] = s3.client.create_multipart_upload(**target)["UploadId"]
    part = s3.client.upload_part(**target, PartNumber=1, Body=b"late")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    complete = s3.client.complete_multipart_upload
    assert refused(complete, **target, MultipartUpload=parts, IfNoneMatch="*") == ("PreconditionFailed", 412)
    assert s3.client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"standing"
    wrong = {"Parts": [{"PartNumber": 1, "ETag": '"0"'}]}
    assert refused(complete, **target, MultipartUpload=wrong) == ("InvalidPart", 400)
    s3.client.abort_multipart_upload(**target)
    assert refused(complete, **target, MultipartUpload=parts) == ("NoSuchUpload", 404)


def test_parts_but_the_last_are_large(s3, bucket):
    target = {"Bucket": bucket, "Key": "k"}
    target["UploadId"] = s3.client.create_multipart_upload(**target)["UploadId"]
    etags = [s3.client.upload_part(**target, PartNumber=n, Body=b"small")["ETag"] for n in (1, 2)]
    parts = {"Parts": [{"PartNumber": n, "ETag": etag} for n, etag in enumerate(etags, 1)]}
    complete = s3.client.complete_multipart_upload
    assert refused(complete, **target, MultipartUpload=parts) == ("EntityTooSmall", 400)
    parts["Parts"].reverse()
    assert refused(complete, **target, MultipartUpload=parts) == ("InvalidPartOrder", 400)


def test_what_is_not_there(s3, bucket):
    assert refused(s3.client.get_object, Bucket=bucket, Key="k") == ("NoSuchKey", 404)
    assert refused(s3.client.head_object, Bucket=bucket, Key="k") == ("404", 404)
    assert refused(s3.client.put_object, Bucket="no-such-bucket", Key="k", Body=b"") == ("NoSuchBucket", 404)
    assert refused(s3.client.delete_bucket, Bucket="no-such-bucket") == ("NoSuchBucket", 404)


def test_a_bucket_with_objects_stays(s3, bucket):
    s3.client.put_object(Bucket=bucket, Key="k", Body=b"")
    assert refused(s3.client.delete_bucket, Bucket=bucket) == ("BucketNotEmpty", 409)
    s3.client.delete_object(Bucket=bucket, Key="k")
    s3.client.delete_bucket(Bucket=bucket)


def test_what_would_be_forgotten_is_refused(s3, bucket):
    locked = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": "2040-01-01T00:00:00Z"}
    assert refused(s3.client.put_object, Bucket=bucket, Key="k", Body=b"", **locked) == ("NotImplemented", 501)


def test_what_is_put_again_has_not_the_tags_of_before(s3, bucket):
    s3.client.put_object(Bucket=bucket, Key="k", Body=b"1", Tagging="a=1")
    assert s3.client.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a", "Value": "1"}]
    s3.client.put_object(Bucket=bucket, Key="k", Body=b"2")
    assert s3.client.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []

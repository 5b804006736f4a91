"""What a client says about its body is checked against the body, whichever way it says so."""

import base64
import binascii
import hashlib
import io
import zlib

import pytest
from botocore.exceptions import ClientError

from edgetrain.local.s3.checksums import ALGORITHMS
from edgetrain.local.wsgi import call

BODY = b"an update of a model" * 100


def b64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("CRC32", "cbf43926"),
        ("CRC32C", "e3069283"),
        ("CRC64NVME", "ae8b14860a799888"),
        ("SHA1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
        ("SHA256", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
    ],
)
def test_the_published_check_values(algorithm, expected):
    hashed = ALGORITHMS[algorithm]()
    hashed.update(b"1234")
    hashed.update(b"56789")
    assert hashed.digest().hex() == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"ChecksumSHA256": b64(hashlib.sha256(b"other").digest())},
        {"ChecksumCRC32": b64(zlib.crc32(b"other").to_bytes(4, "big"))},
        {"ContentMD5": b64(hashlib.md5(b"other", usedforsecurity=False).digest())},
    ],
)
def test_another_bodys_checksum(s3, bucket, wrong):
    with pytest.raises(ClientError) as caught:
        s3.client.put_object(Bucket=bucket, Key="k", Body=BODY, **wrong)
    assert caught.value.response["Error"]["Code"] == "BadDigest"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert "Contents" not in s3.client.list_objects_v2(Bucket=bucket)


@pytest.mark.parametrize(
    ("sent", "code"), [({"ChecksumSHA256": "c2hvcnQ="}, "InvalidRequest"), ({"ContentMD5": "?"}, "InvalidDigest")]
)
def test_what_is_no_checksum(s3, bucket, sent, code):
    with pytest.raises(ClientError) as caught:
        s3.client.put_object(Bucket=bucket, Key="k", Body=BODY, **sent)
    assert caught.value.response["Error"]["Code"] == code


def test_the_stored_checksum_is_told_to_who_asks(s3, bucket):
    sha256 = b64(hashlib.sha256(BODY).digest())
    put = s3.client.put_object(Bucket=bucket, Key="k", Body=BODY, ChecksumSHA256=sha256)
    head = s3.client.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert put["ChecksumSHA256"] == head["ChecksumSHA256"] == sha256
    assert head["ChecksumType"] == "FULL_OBJECT"
    assert "ChecksumSHA256" not in s3.client.head_object(Bucket=bucket, Key="k")


def test_botocores_own_checksum_is_stored(s3, bucket):
    s3.client.put_object(Bucket=bucket, Key="k", Body=BODY)
    head = s3.client.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head["ChecksumCRC32"] == b64(binascii.crc32(BODY).to_bytes(4, "big"))


def chunked(bucket: str, body: bytes, trailer: str, *, signed: bool) -> dict[str, object]:
    """A PUT in aws-chunked, as SDKs send it over HTTPS or with signed chunks."""
    signature = b";chunk-signature=" + b"0" * 64 if signed else b""
    pieces = [body[:1000], body[1000:]]
    wire = b"".join(b"%x%s\r\n%s\r\n" % (len(piece), signature, piece) for piece in pieces)
    wire += b"0%s\r\n%s\r\n\r\n" % (signature, trailer.encode())
    kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" if signed else "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    return {
        "REQUEST_METHOD": "PUT",
        "PATH_INFO": f"/{bucket}/chunked",
        "QUERY_STRING": "",
        "HTTP_HOST": "localhost",
        "HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/s3/aws4_request",
        "HTTP_CONTENT_ENCODING": "aws-chunked",
        "HTTP_X_AMZ_CONTENT_SHA256": kind,
        "HTTP_X_AMZ_DECODED_CONTENT_LENGTH": str(len(body)),
        "HTTP_X_AMZ_TRAILER": trailer.split(":")[0],
        "CONTENT_LENGTH": str(len(wire)),
        "wsgi.input": io.BytesIO(wire),
    }


@pytest.mark.parametrize("signed", [False, True])
def test_a_trailing_checksum(s3, bucket, signed):
    trailer = f"x-amz-checksum-crc32:{b64(zlib.crc32(BODY).to_bytes(4, 'big'))}"
    assert call(s3.application, chunked(bucket, BODY, trailer, signed=signed)).status == 200
    got = s3.client.get_object(Bucket=bucket, Key="chunked")
    assert got["Body"].read() == BODY
    assert got.get("ContentEncoding") in {None, ""}


@pytest.mark.parametrize("trailer", ["x-amz-checksum-crc32:AAAAAA==", "x-amz-checksum-sha256:AAAA"])
def test_a_trailing_checksum_that_differs(s3, bucket, trailer):
    reply = call(s3.application, chunked(bucket, BODY, trailer, signed=False))
    assert reply.status == 400
    assert b"BadDigest" in b"".join(reply.body) or b"InvalidRequest" in b"".join(reply.body)


def test_a_body_that_ends_early(s3, bucket):
    environ = chunked(bucket, BODY, "x-amz-checksum-crc32:AAAAAA==", signed=False)
    environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].getvalue()[:1200])
    reply = call(s3.application, environ)
    assert (reply.status, b"IncompleteBody" in b"".join(reply.body)) == (400, True)
    assert "Contents" not in s3.client.list_objects_v2(Bucket=bucket)

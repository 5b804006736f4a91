"""Bucket policies: the two that the stacks put on buckets, and what is refused for not being understood."""

import json

import pytest
from botocore.exceptions import ClientError

from edgetrain.local.s3.errors import S3Error
from edgetrain.local.s3.policy import BucketPolicy

OBJECT = "arn:aws:s3:::runs/k"
TLS_ONLY = [
    {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::runs", "arn:aws:s3:::runs/*"],
        "Condition": condition,
    }
    for condition in ({"Bool": {"aws:SecureTransport": "false"}}, {"NumericLessThan": {"s3:TlsVersion": 1.2}})
]


def write_once(bucket: str) -> dict[str, object]:
    return {
        "Sid": "WriteOnce",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}},
    }


def policy(*statements: object) -> BucketPolicy:
    return BucketPolicy.parse(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def test_the_loopback_counts_as_tls():
    assert not policy(*TLS_ONLY).denies("s3:GetObject", OBJECT, {})
    assert policy(*TLS_ONLY).denies("s3:GetObject", OBJECT, {"aws:SecureTransport": "false"})
    assert policy(*TLS_ONLY).denies("s3:GetObject", OBJECT, {"s3:TlsVersion": "1.1"})


def test_write_once():
    denies = policy(write_once("runs")).denies
    creates, part = {"s3:ObjectCreationOperation": "true"}, {"s3:ObjectCreationOperation": "false"}
    assert denies("s3:PutObject", OBJECT, creates)
    assert not denies("s3:PutObject", OBJECT, creates | {"s3:if-none-match": "*"})
    assert not denies("s3:PutObject", OBJECT, part)
    assert not denies("s3:GetObject", OBJECT, creates)
    assert not denies("s3:PutObject", "arn:aws:s3:::other/k", creates)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, "IpAddress"),
        ({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}, "aws:PrincipalOrgID"),
        ({"Principal": {"AWS": "arn:aws:iam::1:role/r"}}, "Principal"),
        ({"NotResource": "*"}, "NotResource"),
    ],
)
def test_what_cannot_be_decided_is_refused(change, word):
    with pytest.raises(S3Error, match=word) as caught:
        policy(write_once("runs") | change)
    assert caught.value.code == "MalformedPolicy"


def test_a_bucket_that_is_written_once(s3, make_bucket):
    bucket = make_bucket("Enabled")
    s3.client.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": [write_once(bucket)]}))
    key = {"Bucket": bucket, "Key": "k"}
    with pytest.raises(ClientError) as caught:
        s3.client.put_object(**key, Body=b"")
    error = caught.value.response["Error"]
    assert error["Code"] == "AccessDenied"
    assert error["Message"].endswith("with an explicit deny in a resource-based policy")
    s3.client.put_object(**key, Body=b"once", IfNoneMatch="*")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.client.copy_object(**key, CopySource=key, MetadataDirective="REPLACE")
    upload = s3.client.create_multipart_upload(Bucket=bucket, Key="p")["UploadId"]
    target = {"Bucket": bucket, "Key": "p", "UploadId": upload}
    etag = s3.client.upload_part(**target, PartNumber=1, Body=b"x")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.client.complete_multipart_upload(**target, MultipartUpload=parts)
    s3.client.complete_multipart_upload(**target, MultipartUpload=parts, IfNoneMatch="*")
    assert json.loads(s3.client.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"][0]["Sid"] == "WriteOnce"
    s3.client.delete_bucket_policy(Bucket=bucket)
    s3.client.put_object(**key, Body=b"twice")


def test_many_deletes_are_denied_one_by_one(s3, bucket):
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:DeleteObject",
        "Resource": f"arn:aws:s3:::{bucket}/kept/*",
    }
    s3.client.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": statement}))
    for key in ("kept/a", "b"):
        s3.client.put_object(Bucket=bucket, Key=key, Body=b"")
    answer = s3.client.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "kept/a"}, {"Key": "b"}]})
    assert [each["Key"] for each in answer["Deleted"]] == ["b"]
    assert [(each["Key"], each["Code"]) for each in answer["Errors"]] == [("kept/a", "AccessDenied")]


def test_a_service_of_aws_may_what_a_statement_allows_it():
    source = "arn:aws:cloudfront::123456789012:distribution/E1"
    grant = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::runs/*",
        "Condition": {"StringEquals": {"AWS:SourceArn": source}},
    }
    to_a_role = {**grant, "Principal": {"AWS": "arn:aws:iam::123456789012:role/r"}}
    context = {"aws:SourceArn": source}
    asked = ("cloudfront.amazonaws.com", "s3:GetObject", OBJECT, context)
    assert policy(grant, *TLS_ONLY).allows_service(*asked)
    assert not policy(grant).allows_service("logging.amazonaws.com", "s3:GetObject", OBJECT, context)
    assert not policy(grant).allows_service("cloudfront.amazonaws.com", "s3:PutObject", OBJECT, context)
    assert not policy(grant).allows_service("cloudfront.amazonaws.com", "s3:GetObject", "arn:aws:s3:::other/k", context)
    assert not policy(grant).allows_service("cloudfront.amazonaws.com", "s3:GetObject", OBJECT, {})
    assert not policy(to_a_role).allows_service(*asked)
    refusal = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::runs/k"}
    assert not policy(grant, refusal).allows_service(*asked)


def test_a_service_is_not_allowed_by_what_cannot_be_decided():
    grant = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::runs/*",
        "Condition": {"StringEquals": {"aws:SourceVpc": "v"}},
    }
    with pytest.raises(S3Error, match="aws:SourceVpc"):
        policy(grant)

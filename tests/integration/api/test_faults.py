"""What a caller is told when something behind the API is away: a clear 503, nothing half stored, and all well afterwards."""

import base64
import json
import os
import signal
from contextlib import contextmanager

import psutil
import pytest

from edgetrain import limits
from edgetrain.cli.photographs import photograph
from edgetrain.local import process
from tests.session_cloud import throttled_function
from tests.waiting import eventually

PICTURE = photograph("chelsea")


@pytest.fixture
def detect(api):
    """Send the picture; beforehand, see that all is well."""

    def send():
        return api.request("POST", "/detections", json={"name": "cat.jpg", "file": base64.b64encode(PICTURE).decode()})

    assert send().status_code == 200
    return send


def stored(api):
    """Keys and bytes of the pictures that are kept."""
    s3, bucket = api.cloud.connection.client("s3"), api.outputs.data_bucket
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="incoming/")
    keys = [each["Key"] for page in pages for each in page.get("Contents", [])]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def is_ours(reply, code):
    """A 503 in our own words, which says when to come again."""
    assert reply.status_code == 503, reply.text
    told = reply.json()["error"]
    assert told["code"] == code
    assert told["message"]
    assert int(reply.headers["Retry-After"]) >= 1
    return True


def serving(api):
    """The endpoint's processes."""
    cloud = psutil.Process(process.status(api.cloud.data_dir).pid)
    found = [each for each in cloud.children(recursive=True) if each.cmdline()[-2:] == ["training_jobs", "serve"]]
    assert found, "no endpoint serves"
    return found


def whole(before, after):
    """That whatever was stored since then is the picture, all of it."""
    return all(after[key] == PICTURE for key in after.keys() - before.keys())


def test_the_endpoint_dies(api, detect):
    before = stored(api)
    for each in serving(api):
        each.kill()
    reply = detect()  # at this moment it is either seen to be gone, or restarted already
    assert reply.status_code == 200 or is_ours(reply, reply.json()["error"]["code"])
    eventually(lambda: detect().status_code == 200, "it has recovered")
    assert whole(before, stored(api))


def test_the_endpoint_hangs(api, detect):
    """The caller hears of it before API Gateway gives up, which it does after 30 seconds."""
    before, hanging = stored(api), serving(api)
    for each in hanging:
        each.suspend()
    try:
        reply = detect()
    finally:
        for each in hanging:
            os.kill(each.pid, signal.SIGCONT)
    assert is_ours(reply, "too_slow")
    assert reply.elapsed.total_seconds() < limits.HTTP_API_TIMEOUT_SECONDS
    eventually(lambda: detect().status_code == 200, "it has recovered")
    assert whole(before, stored(api))


def test_the_picture_cannot_be_stored(api, detect):
    with denied(api, "incoming/*"):
        before = stored(api)
        assert is_ours(detect(), "storage_unavailable")
        assert stored(api) == before
    assert detect().status_code == 200


def test_the_function_is_throttled(api, detect):
    before = stored(api)
    with throttled_function(api, "DetectObjects"):
        reply = detect()
    assert (reply.status_code, reply.json()) == (503, {"message": "Service Unavailable"})
    assert stored(api) == before
    assert detect().status_code == 200


@contextmanager
def denied(api, keys):
    """S3 refuses writes below these keys, by the bucket's own policy."""
    s3, bucket = api.cloud.connection.client("s3"), api.outputs.data_bucket
    standing = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    refusal = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/{keys}",
    }
    changed = {**standing, "Statement": [*standing["Statement"], refusal]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(changed))
    try:
        yield
    finally:
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(standing))

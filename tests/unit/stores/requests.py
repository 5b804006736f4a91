"""Requests to S3 and bodies of its answers."""

import base64
import hashlib
import io
from typing import Any

from botocore.response import StreamingBody

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

"""Who a request comes from, and which service it is for: read from its signature."""

import re
from typing import Any, Final

from edgetrain.local.place import ACCOUNT
from edgetrain.local.wsgi import Request

#: `Credential=KEY/20260101/us-east-1/s3/aws4_request`, in the header or in a presigned URL.
CREDENTIAL: Final = re.compile(r"Credential=([^/,\s]+)/[^/]*/[^/]*/([^/]*)/aws4_request")


def access_key_of(request: Request) -> str:
    """The access key that signed the request; empty of one that is not signed."""
    found = CREDENTIAL.search(request.header("authorization"))
    if found:
        return found.group(1)
    presigned = request.query.get("X-Amz-Credential", "")
    return presigned.split("/", 1)[0] or request.query.get("AWSAccessKeyId", "")


def service_of(request: Request) -> str:
    """The service that the request is signed for; empty where the signature does not say."""
    found = CREDENTIAL.search(request.header("authorization"))
    if found:
        return found.group(2).lower()
    scope = request.query.get("X-Amz-Credential", "").split("/")
    if len(scope) == 5:
        return scope[3].lower()
    return "s3" if "AWSAccessKeyId" in request.query else ""


def caller_of(request: Request) -> str:
    """The caller's ARN: an assumed role's session, or a user by its key's name (any key is somebody's)."""
    key = access_key_of(request)
    if not key:
        return "anonymous"
    role = assumed_role(key)
    if role is not None:
        return str(role.arn)
    return f"arn:aws:iam::{ACCOUNT}:user/{key}"


def assumed_role(access_key: str) -> Any:
    """Moto's record of the session that has this key, or None."""
    from moto.sts.models import sts_backends

    return sts_backends[ACCOUNT]["aws"].get_assumed_role_from_access_key(access_key)

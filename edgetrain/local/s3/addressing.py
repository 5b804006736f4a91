"""Which bucket, which key and which operation a request to S3 means."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from edgetrain.local.wsgi import Request

#: `bucket.localhost` and `bucket.s3.localhost...`: the SDKs' virtual-hosted style against a local endpoint.
LOCAL_HOSTS: Final = ("s3.localhost", "localhost", "s3.localhost.localstack.cloud", "s3.amazonaws.com")
#: Questions about an object that are not about its body.
SUBRESOURCES: Final = (
    *("acl", "tagging", "attributes", "legal-hold", "retention", "torrent", "restore", "select", "encryption"),
)


@dataclass(frozen=True)
class Address:
    """A bucket and a key; either may be empty."""

    bucket: str
    key: str

    @property
    def arn(self) -> str:
        return f"arn:aws:s3:::{self.bucket}/{self.key}" if self.key else f"arn:aws:s3:::{self.bucket}"


def use_path_style(request: Request) -> Request:
    """The same request with its bucket in the path, whichever way it was sent."""
    host = request.header("host").rsplit(":", 1)[0].lower()
    bucket = next((host[: -len(name) - 1] for name in LOCAL_HOSTS if host.endswith("." + name)), "")
    raw = str(request.environ.get("REQUEST_URI") or "").split("?", 1)[0]
    environ = dict(request.environ)
    if bucket and bucket != "s3":
        environ["PATH_INFO"] = f"/{bucket}{environ.get('PATH_INFO') or '/'}"
        environ["HTTP_HOST"] = "localhost"
        raw = f"/{bucket}{raw}"
    # moto takes keys from here: PATH_INFO does not tell an encoded slash from a plain one.
    environ["RAW_URI"] = raw or environ.get("PATH_INFO", "/")
    return Request(environ)


def address_of(request: Request) -> Address:
    """Of a request in path style."""
    raw = str(request.environ.get("RAW_URI") or request.path)
    bucket, _, key = raw.removeprefix("/").partition("/")
    return Address(unquote(bucket), unquote(key))


def copy_source(header: str) -> tuple[Address, str | None]:
    """`/bucket/key?versionId=...` of `x-amz-copy-source`."""
    path, _, query = header.partition("?")
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    version = query.removeprefix("versionId=") if query.startswith("versionId=") else None
    return Address(bucket, key), version


def operation_of(request: Request, address: Address) -> str:
    """S3's name of what is asked, where the front answers or must know; of the rest, `Other`."""
    method, query = request.method, request.query
    if not address.bucket:
        return "Other"
    if not address.key:
        return _bucket_operation(method, query)
    if "uploadId" in query:
        return _upload_operation(request, method)
    if method == "POST" and "uploads" in query:
        return "CreateMultipartUpload"
    if any(name in query for name in SUBRESOURCES):
        return "Other"
    if method == "PUT":
        return "CopyObject" if request.header("x-amz-copy-source") else "PutObject"
    return {"GET": "GetObject", "HEAD": "HeadObject", "DELETE": "DeleteObject", "POST": "PostKey"}.get(method, "Other")


def _bucket_operation(method: str, query: dict[str, str]) -> str:
    if method == "POST":
        return "DeleteObjects" if "delete" in query else "PostObject"
    if "policy" in query:
        return {"GET": "GetBucketPolicy", "PUT": "PutBucketPolicy", "DELETE": "DeleteBucketPolicy"}.get(method, "Other")
    return "DeleteBucket" if method == "DELETE" and not query else "Other"


def _upload_operation(request: Request, method: str) -> str:
    if method == "PUT":
        return "UploadPartCopy" if request.header("x-amz-copy-source") else "UploadPart"
    return {"POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload", "GET": "ListParts"}.get(
        method, "Other"
    )

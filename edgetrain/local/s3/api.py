"""The front of S3: what it answers itself, and what it hands to moto under the right lock."""

from collections.abc import Callable
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from edgetrain.local.identity import caller_of
from edgetrain.local.s3 import copies, cors, objects, reads, uploads, writes
from edgetrain.local.s3.addressing import Address, address_of, copy_source, operation_of, use_path_style
from edgetrain.local.s3.blobs import BlobStore
from edgetrain.local.s3.body import receive
from edgetrain.local.s3.errors import S3Error
from edgetrain.local.s3.locks import KeyLocks
from edgetrain.local.s3.policy import BucketPolicy, denied
from edgetrain.local.wsgi import Application, Reply, Request, call

#: Operations -> IAM's action, for bucket policies.
ACTIONS: Final = {
    "PutObject": "s3:PutObject",
    "CopyObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "UploadPartCopy": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "ListParts": "s3:ListMultipartUploadParts",
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "DeleteObject": "s3:DeleteObject",
    "DeleteBucket": "s3:DeleteBucket",
}
#: Of the writes, those that make an object: `s3:ObjectCreationOperation`.
CREATES: Final = frozenset({"PutObject", "CopyObject", "CompleteMultipartUpload"})
#: Operations that take no more than one version: with `versionId` IAM calls them so.
OF_VERSION: Final = {"s3:GetObject": "s3:GetObjectVersion", "s3:DeleteObject": "s3:DeleteObjectVersion"}

Operation = Callable[[Request, Address], Reply]


class S3Api:
    """Answers requests to S3; all writes of objects pass here."""

    def __init__(self, moto: Application, folder: Path) -> None:
        self.blobs = BlobStore(folder)
        self._moto = moto
        self._locks = KeyLocks()
        self._operations: dict[str, Operation] = {
            "GetObject": self._read,
            "HeadObject": self._read,
            "PutObject": self._put,
            "UploadPart": self._upload_part,
            "CompleteMultipartUpload": self._complete,
            "DeleteObject": self._delete,
            "DeleteObjects": self._delete_many,
            "CopyObject": self._copy,
            "UploadPartCopy": self._copy,
            "PutBucketPolicy": self._put_policy,
            "GetBucketPolicy": self._get_policy,
            "DeleteBucketPolicy": self._delete_policy,
            "DeleteBucket": self._delete_bucket,
            "PostObject": self._refuse_form,
            "PostKey": self._refuse_method,
        }

    def answer(self, request: Request) -> Reply:
        """The reply to a request to S3."""
        request = use_path_style(request)
        address = address_of(request)
        try:
            reply = self._answer(request, address)
        except S3Error as error:
            request.skip_body()
            reply = error.reply(request)
        return reply if request.method == "OPTIONS" else cors.with_cors(request, address, reply)

    def _answer(self, request: Request, address: Address) -> Reply:
        if request.method == "OPTIONS":
            return cors.preflight(request, address)
        operation = operation_of(request, address)
        self._check_policy(request, address, operation)
        return self._operations.get(operation, self._pass)(request, address)

    def read(self, bucket: str, key: str) -> bytes:
        """An object's current content, for who is inside of the cloud.

        Raises:
            S3Error: there is no such bucket or key.
        """
        with self._locks.key(bucket, key):
            version = reads.find_version(Address(bucket, key), None)
            return version.buffer.blob.content()  # type: ignore[no-any-return]

    def read_for_service(self, bucket: str, key: str, *, service: str, source_arn: str) -> Reply:
        """An object, as a service of AWS gets it that has nothing but what the bucket's policy allows.

        What it may not read and what is not there answer the same, as they do to whoever may not list the bucket.
        """
        address = Address(bucket, key)
        request = Request({"REQUEST_METHOD": "GET", "PATH_INFO": f"/{bucket}/{key}"})
        try:
            policy: BucketPolicy | None = getattr(objects.bucket_named(bucket), "resource_policy", None)
            context = {"aws:SourceArn": source_arn}
            if policy is None or not policy.allows_service(service, "s3:GetObject", address.arn, context):
                raise S3Error(403, "AccessDenied", "Access Denied")
            return self._read(request, address)
        except S3Error as error:
            hidden = error.code == "NoSuchKey"
            return (S3Error(403, "AccessDenied", "Access Denied") if hidden else error).reply(request)

    # --- policies

    def _check_policy(self, request: Request, address: Address, operation: str) -> None:
        action = ACTIONS.get(operation)
        if action is None:
            return
        if "versionId" in request.query:
            action = OF_VERSION.get(action, action)
        self._check(request, address, action, creates=operation in CREATES)

    def _check(self, request: Request, address: Address, action: str, *, creates: bool = False) -> None:
        """Raise AccessDenied when the bucket's policy denies the action."""
        bucket = objects.backend().buckets.get(address.bucket)
        policy: BucketPolicy | None = getattr(bucket, "resource_policy", None)
        if policy is None:
            return
        context = {"s3:ObjectCreationOperation": str(creates).lower()} if action == "s3:PutObject" else {}
        for header in ("if-none-match", "if-match"):
            if value := request.header(header):
                context[f"s3:{header}"] = value
        if policy.denies(action, address.arn, context):
            raise denied(action, address.arn, caller_of(request))

    def _put_policy(self, request: Request, address: Address) -> Reply:
        policy = BucketPolicy.parse(request.body().decode("utf-8", "replace"))
        objects.bucket_named(address.bucket).resource_policy = policy
        return Reply(204)

    def _get_policy(self, request: Request, address: Address) -> Reply:  # noqa: ARG002
        policy: BucketPolicy | None = getattr(objects.bucket_named(address.bucket), "resource_policy", None)
        if policy is None:
            raise S3Error(404, "NoSuchBucketPolicy", "The bucket policy does not exist")
        return Reply.of(200, policy.document.encode(), "application/json")

    def _delete_policy(self, request: Request, address: Address) -> Reply:  # noqa: ARG002
        objects.bucket_named(address.bucket).resource_policy = None
        return Reply(204)

    # --- objects

    def _read(self, request: Request, address: Address) -> Reply:
        with self._locks.key(address.bucket, address.key):
            return reads.read_object(request, address)

    def _put(self, request: Request, address: Address) -> Reply:
        return self._with_body(request, address, writes.put_object)

    def _upload_part(self, request: Request, address: Address) -> Reply:
        return self._with_body(request, address, uploads.upload_part)

    def _with_body(self, request: Request, address: Address, write: Callable[..., Reply]) -> Reply:
        writes.refuse_unsupported(request)
        objects.bucket_named(address.bucket)
        received = receive(request, self.blobs)
        try:
            with self._locks.key(address.bucket, address.key):
                return write(request, address, received, self.blobs)
        finally:
            self.blobs.discard(received.blob)

    def _complete(self, request: Request, address: Address) -> Reply:
        body = request.body()
        with self._locks.key(address.bucket, address.key):
            return uploads.complete_upload(request, address, body, self.blobs)

    def _delete(self, request: Request, address: Address) -> Reply:
        with self._locks.key(address.bucket, address.key):
            return writes.delete_object(request, address)

    def _delete_many(self, request: Request, address: Address) -> Reply:
        body = request.body()
        bucket = objects.bucket_named(address.bucket)
        lines = []
        for key, version_id in writes.objects_to_delete(request, body):
            try:
                action = "s3:DeleteObject" if version_id is None else "s3:DeleteObjectVersion"
                self._check(request, Address(address.bucket, key), action)
                with self._locks.key(address.bucket, key):
                    lines.append(_deleted(key, version_id, objects.delete(bucket, key, version_id)))
            except S3Error as error:
                lines.append(
                    f"<Error><Key>{escape(key)}</Key><Code>{error.code}</Code>"
                    f"<Message>{escape(error.message)}</Message></Error>"
                )
        if writes.is_quiet(body):
            lines = [line for line in lines if line.startswith("<Error>")]
        xml = f'<?xml version="1.0" encoding="UTF-8"?>\n<DeleteResult xmlns="{writes.NAMESPACE}">{"".join(lines)}</DeleteResult>'
        return Reply.of(200, xml.encode(), writes.XML)

    def _copy(self, request: Request, address: Address) -> Reply:
        source, version_id = copy_source(request.header("x-amz-copy-source"))
        self._check(request, source, "s3:GetObject" if version_id is None else "s3:GetObjectVersion")
        writes.refuse_unsupported(request)
        request.body()
        with self._locks.key(source.bucket, source.key):
            copied = copies.take(request, source, version_id, self.blobs)
        try:
            write = copies.copy_object if operation_of(request, address) == "CopyObject" else copies.copy_part
            with self._locks.key(address.bucket, address.key):
                return write(request, address, copied, self.blobs)
        finally:
            self.blobs.discard(copied.blob)

    @staticmethod
    def _refuse_form(request: Request, address: Address) -> Reply:  # noqa: ARG004
        raise S3Error(501, "NotImplemented", "The embedded cloud does not take objects from browsers' forms")

    @staticmethod
    def _refuse_method(request: Request, address: Address) -> Reply:  # noqa: ARG004
        raise S3Error(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")

    # --- what moto does

    def _delete_bucket(self, request: Request, address: Address) -> Reply:  # noqa: ARG002
        request.body()
        with self._locks.all():  # no object comes into a bucket while it goes
            return call(self._moto, request.environ)

    def _pass(self, request: Request, address: Address) -> Reply:
        """Everything else: read the body, then let moto change nothing of the key that somebody else changes."""
        self._pass_body(request)
        with self._locks.key(address.bucket, address.key):
            return call(self._moto, request.environ)

    def _pass_body(self, request: Request) -> None:
        """Hand moto a body that is checked and no longer wrapped."""
        received = receive(request, self.blobs)
        try:
            request.replace_body(received.blob.content())
        finally:
            self.blobs.discard(received.blob)
        if request.header("x-amz-content-sha256").startswith("STREAMING-"):
            request.environ["HTTP_X_AMZ_CONTENT_SHA256"] = "UNSIGNED-PAYLOAD"
            request.environ.pop("HTTP_CONTENT_ENCODING", None)


def _deleted(key: str, version_id: str | None, deleted: objects.Deleted) -> str:
    named = f"<VersionId>{escape(version_id)}</VersionId>" if version_id is not None else ""
    marker = ""
    if deleted.is_marker:
        marker = "<DeleteMarker>true</DeleteMarker>"
        marker += f"<DeleteMarkerVersionId>{deleted.version_id}</DeleteMarkerVersionId>"
    return f"<Deleted><Key>{escape(key)}</Key>{named}{marker}</Deleted>"

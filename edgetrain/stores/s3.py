"""S3 behind the `ObjectStore` port. Objects that count are written once: `If-None-Match: *`."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from edgetrain import limits
from edgetrain.errors import DataInvalid, ObjectNotFound, TransientError
from edgetrain.stores.base import StoredObject, Written
from edgetrain.stores.failures import code_of, is_precondition, translated

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from edgetrain.federated.weights import ByteSource  # which brings NumPy

#: Buckets without versioning call their only version so.
NO_VERSION = "null"
#: What S3 says of a version id that it never gave out, or gave to a deletion; a HEAD has no body, so only the status is left.
NO_VERSION_ID = frozenset({"400", "405", "InvalidArgument", "MethodNotAllowed"})
BINARY = "application/octet-stream"


@dataclass(frozen=True)
class RangedObject:
    """One version of an object, read by ranges."""

    client: "S3Client"
    bucket: str
    key: str
    version_id: str
    size: int

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill `buffer` from byte `offset`.

        Raises:
            ObjectNotFound: the version is gone.
            TransientError: the connection broke, or the answer was shorter than asked for.
        """
        want = len(buffer)
        if not want:
            return
        with translated(f"s3://{self.bucket}/{self.key}"):
            reply = self.client.get_object(
                Bucket=self.bucket,
                Key=self.key,
                VersionId=self.version_id,
                Range=f"bytes={offset}-{offset + want - 1}",
            )
            got = 0
            body: Any = reply["Body"]
            with body:
                while got < want and (count := body.readinto(buffer[got:])):
                    got += count
        if got != want:
            raise TransientError(f"s3://{self.bucket}/{self.key}: got {got} of {want} bytes")


class S3ObjectStore:
    """One bucket of S3."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self.client = client
        self.bucket = bucket

    def get(self, key: str, *, version_id: str | None = None) -> bytes:
        """The whole object, or `ObjectNotFound`."""
        with translated(f"s3://{self.bucket}/{key}"):
            return self.client.get_object(Bucket=self.bucket, Key=key, **_version(version_id))["Body"].read()

    def find(self, key: str, *, version_id: str | None = None) -> StoredObject | None:
        """What lies under `key`, or None."""
        try:
            with translated(f"s3://{self.bucket}/{key}"):
                head = self.client.head_object(
                    Bucket=self.bucket, Key=key, ChecksumMode="ENABLED", **_version(version_id)
                )
        except ObjectNotFound:
            return None
        except ClientError as error:
            if version_id is None or code_of(error) not in NO_VERSION_ID:
                raise
            return None
        return StoredObject(
            key, head.get("VersionId", NO_VERSION), _hex(head.get("ChecksumSHA256")), head["ContentLength"]
        )

    def open(self, key: str, *, version_id: str, size: int) -> "ByteSource":
        """The object by ranges; nothing is asked of S3 yet."""
        return RangedObject(self.client, self.bucket, key, version_id, size)

    def put_once(self, key: str, body: bytes, *, content_type: str = BINARY) -> Written:
        """Store unless there is an object; S3 checks the SHA-256 that is sent along."""
        try:
            return Written(self._put(key, body, content_type, IfNoneMatch="*"), created=True)
        except ClientError as error:
            if not is_precondition(error):
                raise
        return Written(self._standing(key), created=False)

    def put(self, key: str, body: bytes, *, content_type: str = BINARY) -> StoredObject:
        """Store, replacing what is there."""
        return self._put(key, body, content_type)

    def writer(self, key: str) -> "S3Writer":
        """A write-once object in pieces."""
        return S3Writer(self, key)

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys under `prefix`, in order."""
        with translated(f"s3://{self.bucket}/{prefix}"):
            for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
                yield from (entry["Key"] for entry in page.get("Contents", []))

    def presigned(self, key: str, *, seconds: int) -> str:
        """An address from which anybody may read the object for so long, if this client may. S3 is not asked."""
        return self.client.generate_presigned_url(
            "get_object", Params={"Bucket": self.bucket, "Key": key}, ExpiresIn=seconds
        )

    def _put(self, key: str, body: bytes, content_type: str, **condition: Any) -> StoredObject:
        digest = hashlib.sha256(body)
        with translated(f"s3://{self.bucket}/{key}"):
            reply = self.client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=body,
                ContentType=content_type,
                ChecksumSHA256=base64.b64encode(digest.digest()).decode(),
                **condition,
            )
        return StoredObject(key, reply.get("VersionId", NO_VERSION), digest.hexdigest(), len(body))

    def _standing(self, key: str) -> StoredObject:
        """What a write-once put found in its place."""
        found = self.find(key)
        if found is None:  # it was deleted in between: the next try will store
            raise TransientError(f"s3://{self.bucket}/{key} was there and is gone")
        return found


class S3Writer:
    """Pieces become parts as soon as there is one part's worth of them; a small object is one PUT."""

    PART_BYTES = 8 * limits.MIB

    def __init__(self, store: S3ObjectStore, key: str) -> None:
        self._store, self._key = store, key
        self._upload: str | None = None
        self.restart()

    def restart(self) -> None:
        """Forget everything written so far."""
        self.abort()
        self._buffer = bytearray()
        self._parts: list[dict[str, Any]] = []
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, piece: bytes | bytearray | memoryview) -> None:
        """Append `piece`; sends a part when one is full."""
        view = memoryview(piece).cast("B")
        self._digest.update(view)
        self._size += len(view)
        while len(view):
            room = self.PART_BYTES - len(self._buffer)
            self._buffer += view[:room]
            view = view[room:]
            if len(self._buffer) == self.PART_BYTES:
                self._send_part()

    def finish(self) -> Written:
        """Make the object visible, unless one is there already.

        Raises:
            DataInvalid: the one that is there has other bytes.
        """
        created, version = self._finish()
        return Written(StoredObject(self._key, version, self._digest.hexdigest(), self._size), created)

    def _finish(self) -> tuple[bool, str]:
        """Whether this call stored the object, and the version that stands."""
        if self._upload is None:
            written = self._store.put_once(self._key, bytes(self._buffer))
            equal = written.stored.sha256 == self._digest.hexdigest()
            return written.created, written.stored.version_id if equal else self._equal_version()
        if self._buffer:
            self._send_part()
        try:
            with translated(self._what):
                reply = self._store.client.complete_multipart_upload(
                    **self._target,
                    UploadId=self._upload,
                    MultipartUpload={"Parts": self._parts},  # type: ignore[typeddict-item]
                    IfNoneMatch="*",
                )
        except ClientError as error:
            if not is_precondition(error):
                raise
            self.abort()
            return False, self._equal_version()
        self._upload = None
        return True, reply.get("VersionId", NO_VERSION)

    def _equal_version(self) -> str:
        """The version that stands under the key, read and compared: what is written in pieces is the same each time."""
        digest = hashlib.sha256()
        with translated(self._what):
            reply = self._store.client.get_object(**self._target)
            for piece in reply["Body"].iter_chunks(limits.MIB):
                digest.update(piece)
        if digest.digest() != self._digest.digest():
            raise DataInvalid(
                f"{self._what} holds other bytes (SHA-256 {digest.hexdigest()}) than were made now: "
                f"expected {self._digest.hexdigest()}"
            )
        return reply.get("VersionId", NO_VERSION)

    def abort(self) -> None:
        """Drop the parts that were sent."""
        upload, self._upload = self._upload, None
        if upload is not None:
            with translated(self._what):
                self._store.client.abort_multipart_upload(**self._target, UploadId=upload)

    @property
    def _target(self) -> dict[str, Any]:
        return {"Bucket": self._store.bucket, "Key": self._key}

    @property
    def _what(self) -> str:
        return f"s3://{self._store.bucket}/{self._key}"

    def _send_part(self) -> None:
        with translated(self._what):
            if self._upload is None:
                self._upload = self._store.client.create_multipart_upload(**self._target)["UploadId"]
            number = len(self._parts) + 1
            reply = self._store.client.upload_part(
                **self._target,
                UploadId=self._upload,
                PartNumber=number,
                Body=self._buffer,  # type: ignore[arg-type]  # botocore takes a bytearray, its stubs do not
            )
        self._parts.append({"PartNumber": number, "ETag": reply["ETag"]})
        self._buffer = bytearray()  # a new one: botocore may hold on to the old one


def _version(version_id: str | None) -> Any:
    return {} if version_id is None else {"VersionId": version_id}


def _hex(checksum: str | None) -> str:
    """S3's base64 SHA-256 as hex; empty for none and for a multipart object's checksum of checksums."""
    return "" if checksum is None or "-" in checksum else base64.b64decode(checksum).hex()

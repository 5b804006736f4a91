"""CopyObject and UploadPartCopy: a copy of a whole object is another name of the same file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from xml.sax.saxutils import escape

from edgetrain.local.s3 import checksums, objects, reads, uploads, writes
from edgetrain.local.s3.addressing import Address
from edgetrain.local.s3.blobs import Blob, BlobStore
from edgetrain.local.s3.body import Checksum, Received
from edgetrain.local.s3.conditions import check_write, is_not_modified
from edgetrain.local.s3.errors import invalid_argument, invalid_request, precondition_failed
from edgetrain.local.wsgi import Reply, Request

RANGE: Final = re.compile(r"bytes=(\d+)-(\d+)")
#: Conditions on the source, as they are called of a read.
CONDITIONS: Final = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
SYSTEM_METADATA: Final = (
    "content-type",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
)


@dataclass(frozen=True)
class Taken:
    """A source: its record, and a body that nobody else owns."""

    version: Any
    blob: Blob


def take(request: Request, source: Address, version_id: str | None, store: BlobStore) -> Taken:
    """Copy the source's body aside, under the source's lock.

    Raises:
        S3Error: there is no such source, or one of the request's conditions on it does not hold.
    """
    version = reads.find_version(source, version_id)
    prefix = "x-amz-copy-source-"
    conditions = {name: request.header(prefix + name) for name in CONDITIONS}
    asked = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in conditions.items() if value}
    if is_not_modified(Request({"REQUEST_METHOD": "GET", **asked}), version):
        raise precondition_failed()
    start, length = _range(request.header("x-amz-copy-source-range"), version.size)
    return Taken(version, store.receive(version.buffer.blob.read(start, length)))


def _range(header: str, size: int) -> tuple[int, int]:
    if not header:
        return 0, size
    asked = RANGE.fullmatch(header)
    if asked is None or not int(asked[1]) <= int(asked[2]) < size:
        raise invalid_argument(f"Range specified is not valid for source object of size: {size}")
    return int(asked[1]), int(asked[2]) - int(asked[1]) + 1


def copy_object(request: Request, address: Address, taken: Taken, store: BlobStore) -> Reply:
    """Make the source's body the key's current version, with the source's description or a new one."""
    bucket = objects.bucket_named(address.bucket)
    check_write(request, objects.current_object(bucket, address.key))
    source = taken.version
    replaces = request.header("x-amz-metadata-directive").upper() == "REPLACE"
    about = _described(request, source, replaces=replaces)
    is_same = source.bucket_name == address.bucket and source.name == address.key
    changes = replaces or about.storage_class != source.storage_class or request.header("x-amz-server-side-encryption")
    if is_same and not changes and source is objects.current_object(bucket, address.key):
        raise invalid_request(
            "This copy request is illegal because it is trying to copy an object to itself without changing the object's "
            "metadata, storage class, website redirect location or encryption attributes."
        )
    checksum = _checksum(request, source, taken.blob)
    version = writes.new_version(bucket, address.key, Received(taken.blob, checksum), about, store)
    objects.notify(bucket, version, objects.Event.OBJECT_CREATED_COPY_EVENT)
    headers = writes.version_header(version) | objects.encryption_of(version)
    if source.version_id != objects.NULL:
        headers["x-amz-copy-source-version-id"] = source.version_id
    return _result("CopyObjectResult", version, headers)


def copy_part(request: Request, address: Address, taken: Taken, store: BlobStore) -> Reply:
    """Keep the source's body, or a range of it, as a part of an upload."""
    part = uploads.new_part(request, address, Received(taken.blob, None), store)
    return _result("CopyPartResult", part, objects.encryption_of(part))


def _described(request: Request, source: Any, *, replaces: bool) -> objects.Described:
    about = writes.described(request)
    if not replaces:
        about = replace(about, metadata=_metadata(source.metadata))
    if request.header("x-amz-tagging-directive").upper() != "REPLACE":
        about = replace(about, tags=objects.tags_of(source))
    return about


def _metadata(metadata: Mapping[str, Any]) -> dict[str, str]:
    kept = {str(name): str(value) for name, value in metadata.items()}
    return {n: v for n, v in kept.items() if n.lower().startswith("x-amz-meta-") or n.lower() in SYSTEM_METADATA}


def _checksum(request: Request, source: Any, blob: Blob) -> Checksum | None:
    """The copy's: by the algorithm that is asked for, else by the source's."""
    asked = request.header("x-amz-checksum-algorithm")
    algorithm = checksums.algorithm_named(asked) if asked else source.checksum_algorithm
    if not algorithm:
        return None
    hashed = checksums.ALGORITHMS[algorithm]()
    for piece in blob.read():
        hashed.update(piece)
    return Checksum(algorithm, checksums.encoded(hashed.digest()))


def _result(name: str, version: Any, headers: Mapping[str, str]) -> Reply:
    moment = version.last_modified_ISO8601
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="{writes.NAMESPACE}">'
        f"<LastModified>{moment}</LastModified><ETag>{escape(version.etag)}</ETag></{name}>"
    )
    return Reply.of(200, body.encode(), writes.XML, dict(headers))

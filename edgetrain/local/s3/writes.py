"""PutObject, DeleteObject and DeleteObjects, called under the keys' locks."""

import hashlib
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qsl

from moto.s3.utils import metadata_from_headers

from edgetrain.local.s3 import checksums, objects
from edgetrain.local.s3.addressing import Address
from edgetrain.local.s3.blobs import BlobStore
from edgetrain.local.s3.body import Received
from edgetrain.local.s3.conditions import check_write
from edgetrain.local.s3.errors import malformed_xml, not_implemented
from edgetrain.local.wsgi import Reply, Request

NAMESPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"
MOST_DELETED: Final = 1000
XML: Final = "application/xml"
#: What moto keeps among an object's metadata and S3 does not hand out again.
NOT_METADATA: Final = frozenset({"content-md5", "x-amz-website-redirect-location"})
UNSUPPORTED: Final = (
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-object-lock-legal-hold",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-write-offset-bytes",
)


def refuse_unsupported(request: Request) -> None:
    """Raise for what a write asks for and would not get."""
    for name in UNSUPPORTED:
        if request.header(name):
            raise not_implemented(name)


def described(request: Request) -> objects.Described:
    """What the request's headers say about the new object."""
    sent = request.headers("") | {"content-type": request.header("content-type", "binary/octet-stream")}
    metadata = {
        name: value
        for name, value in metadata_from_headers(sent).items()
        if name.lower() not in NOT_METADATA and not name.lower().startswith(("x-amz-checksum-", "x-amz-content-"))
    }
    encodings = [each.strip() for each in metadata.pop("content-encoding", "").split(",")]
    if kept := ",".join(
        each for each in encodings if each and each != "aws-chunked"
    ):  # how it was sent, not what it is
        metadata["content-encoding"] = kept
    return objects.Described(
        metadata=metadata,
        storage_class=objects.check_storage_class(request.header("x-amz-storage-class", "STANDARD")),
        encryption=request.header("x-amz-server-side-encryption") or None,
        kms_key_id=request.header("x-amz-server-side-encryption-aws-kms-key-id") or None,
        tags=dict(parse_qsl(request.header("x-amz-tagging"), keep_blank_values=True)),
        acl=request.header("x-amz-acl") or None,
        redirect=request.header("x-amz-website-redirect-location") or None,
    )


def put_object(request: Request, address: Address, received: Received, store: BlobStore) -> Reply:
    """Make the received body the key's current version."""
    bucket = objects.bucket_named(address.bucket)
    check_write(request, objects.current_object(bucket, address.key))
    version = new_version(bucket, address.key, received, described(request), store)
    objects.notify(bucket, version, objects.Event.OBJECT_CREATED_PUT_EVENT)
    headers = {"ETag": version.etag, **objects.encryption_of(version), **objects.checksum_of(version)}
    return Reply(200, headers | version_header(version) | {"Content-Length": "0"})


def new_version(
    bucket: Any, key: str, received: Received, about: objects.Described, store: BlobStore
) -> objects.StoredObject:
    """Add a version that was sent (or copied) whole."""
    version = objects.StoredObject(
        key,
        store.own(received.blob),
        bucket=bucket,
        version_id=objects.new_version_id(bucket),
        etag=received.blob.md5.hex(),
        about=about,
    )
    version.set_checksum(received.checksum)
    objects.add(bucket, version)
    objects.set_tags(version, about.tags)
    return version


def delete_object(request: Request, address: Address) -> Reply:
    """Delete a key or one of its versions; what is not there is gone already."""
    bucket = objects.bucket_named(address.bucket)
    if request.header("if-match"):
        check_write(request, objects.current_object(bucket, address.key))
    return Reply(204, objects.delete(bucket, address.key, request.query.get("versionId")).headers)


def objects_to_delete(request: Request, body: bytes) -> list[tuple[str, str | None]]:
    """Keys and versions of a DeleteObjects request.

    Raises:
        S3Error: malformed, too many, or a body that is not what its checksum says.
    """
    if md5 := request.header("content-md5"):
        checksums.check_content_md5(md5, hashlib.md5(body, usedforsecurity=False).digest())
    listed = [(each["Key"], each.get("VersionId") or None) for each in elements(body, "Object") if "Key" in each]
    if not 1 <= len(listed) <= MOST_DELETED:
        raise malformed_xml()
    return listed


def is_quiet(body: bytes) -> bool:
    root = ET.fromstring(body)  # noqa: S314 (expat of Python >= 3.11 expands no external entities)
    return any(local_name(each) == "Quiet" and (each.text or "").strip() == "true" for each in root)


def elements(body: bytes, name: str) -> Iterator[dict[str, str]]:
    try:
        root = ET.fromstring(body)  # noqa: S314
    except ET.ParseError as error:
        raise malformed_xml() from error
    for element in root:
        if local_name(element) == name:
            yield {local_name(child): child.text or "" for child in element}


def local_name(element: "ET.Element[Any]") -> str:
    return str(element.tag).rsplit("}", 1)[-1]


def version_header(version: Any) -> dict[str, str]:
    return {"x-amz-version-id": version.version_id} if objects.bucket_keeps_versions(version) else {}

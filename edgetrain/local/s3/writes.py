"""PutObject, UploadPart, CompleteMultipartUpload, DeleteObject and DeleteObjects, called under the keys' locks."""

import hashlib
import xml.etree.ElementTree as ET
from bisect import insort
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from moto.s3.models import S3_UPLOAD_PART_MIN_SIZE
from moto.s3.utils import metadata_from_headers

from edgetrain.local.s3 import checksums, objects
from edgetrain.local.s3.addressing import Address
from edgetrain.local.s3.blobs import BlobStore
from edgetrain.local.s3.body import Checksum, Received
from edgetrain.local.s3.conditions import check_write
from edgetrain.local.s3.errors import (
    S3Error,
    invalid_argument,
    malformed_xml,
    no_such_upload,
    not_implemented,
)
from edgetrain.local.wsgi import Reply, Request

NAMESPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"
MOST_PARTS: Final = 10_000
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
    if kept := ",".join(each for each in encodings if each and each != "aws-chunked"):  # how it was sent, not what it is
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


def upload_part(request: Request, address: Address, received: Received, store: BlobStore) -> Reply:
    """Keep the received body as a part of an upload."""
    part = new_part(request, address, received, store)
    headers = objects.checksum_of(part)
    headers.pop("x-amz-checksum-type", None)
    return Reply(200, {"ETag": part.etag, **objects.encryption_of(part), **headers, "Content-Length": "0"})


def new_part(request: Request, address: Address, received: Received, store: BlobStore) -> objects.StoredObject:
    """Add a part to the upload that the request names; one of that number goes."""
    bucket = objects.bucket_named(address.bucket)
    upload = upload_of(bucket, address, request.query["uploadId"])
    number = _part_number(request.query.get("partNumber", ""))
    part = objects.StoredObject(
        number,
        store.own(received.blob),
        bucket=bucket,
        version_id=objects.NULL,
        etag=received.blob.md5.hex(),
        about=objects.Described(),
    )
    part.set_checksum(received.checksum)
    if number in upload.parts:
        upload.parts[number].dispose()
    upload.parts[number] = part
    if number not in upload.partlist:
        insort(upload.partlist, number)
    return part


def upload_of(bucket: Any, address: Address, upload_id: str) -> Any:
    """Moto's upload, or `S3Error` NoSuchUpload."""
    upload = bucket.multiparts.get(upload_id)
    if upload is None or upload.key_name != address.key:
        raise no_such_upload()
    return upload


def complete_upload(request: Request, address: Address, body: bytes, store: BlobStore) -> Reply:
    """Make one object of an upload's parts; asked again, answer as the first time."""
    bucket = objects.bucket_named(address.bucket)
    upload_id = request.query["uploadId"]
    current = objects.current_object(bucket, address.key)
    if upload_id not in bucket.multiparts and current is not None and current.upload_id == upload_id:
        return _completed(address, current)
    upload = upload_of(bucket, address, upload_id)
    check_write(request, current)
    parts = _chosen_parts(upload, body)
    version = _joined(bucket, upload, parts, store)
    _check_whole(request, version, store)
    objects.add(bucket, version)
    objects.set_tags(version, upload.tags or {})
    del bucket.multiparts[upload_id]
    upload.dispose()
    objects.notify(bucket, version, objects.Event.OBJECT_CREATED_COMPLETE_MULTIPART_UPLOAD_EVENT)
    return _completed(address, version)


def _chosen_parts(upload: Any, body: bytes) -> list[Any]:
    """The parts that the request names, compared with what was uploaded."""
    chosen: list[Any] = []
    last = 0
    for listed in _elements(body, "Part"):
        number, etag = _part_number(listed.get("PartNumber", "")), listed.get("ETag", "").strip('"')
        if number <= last:
            raise S3Error(400, "InvalidPartOrder", "The list of parts was not in ascending order. The parts list must be "
                          "specified in order by part number.")  # fmt: skip
        part = upload.parts.get(number)
        if part is None or part.etag.strip('"') != etag:
            raise S3Error(400, "InvalidPart", "One or more of the specified parts could not be found. The part may not have "
                          "been uploaded, or the specified entity tag may not match the part's entity tag.")  # fmt: skip
        if chosen and chosen[-1].size < S3_UPLOAD_PART_MIN_SIZE:
            raise S3Error(
                400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed object size."
            )
        chosen.append(part)
        last = number
    if not chosen:
        raise malformed_xml()
    return chosen


def _joined(bucket: Any, upload: Any, parts: list[Any], store: BlobStore) -> objects.StoredObject:
    """A version whose body is all parts' bodies, with S3's ETag and checksum of an upload in parts."""
    algorithm = upload.metadata.get("x-amz-checksum-algorithm")
    kind = upload.metadata.get("x-amz-checksum-type") or (
        objects.WHOLE if algorithm in {None, checksums.ALWAYS_WHOLE} else objects.COMPOSITE
    )
    whole = checksums.ALGORITHMS[algorithm]() if algorithm else None
    of_parts = checksums.ALGORITHMS[algorithm]() if algorithm else None

    def pieces() -> Iterator[bytes]:
        for part in parts:
            own = checksums.ALGORITHMS[algorithm]() if algorithm and kind == objects.COMPOSITE else None
            for piece in part.buffer.blob.read():
                for each in (own,) if own else (whole,) if whole else ():
                    each.update(piece)
                yield piece
            if own and of_parts:
                of_parts.update(own.digest())

    blob = store.receive(pieces())
    md5s = hashlib.md5(b"".join(part.buffer.blob.md5 for part in parts), usedforsecurity=False)
    about = objects.Described(
        metadata={n: v for n, v in upload.metadata.items() if not n.lower().startswith("x-amz-checksum-")},
        storage_class=upload.storage or "STANDARD",
        encryption=upload.sse_encryption,
        kms_key_id=upload.kms_key_id,
    )
    version = objects.StoredObject(
        upload.key_name,
        store.own(blob),
        bucket=bucket,
        version_id=objects.new_version_id(bucket),
        etag=f"{md5s.hexdigest()}-{len(parts)}",
        about=about,
    )
    if upload.acl is not None:
        version.set_acl(upload.acl)
    version.upload_id, version.part_sizes = upload.id, tuple(part.size for part in parts)
    if algorithm and whole and of_parts:
        digest = (of_parts if kind == objects.COMPOSITE else whole).digest()
        version.set_checksum(Checksum(algorithm, checksums.encoded(digest)), kind, len(parts))
    return version


def _check_whole(request: Request, version: objects.StoredObject, store: BlobStore) -> None:
    """Compare the whole object's checksum and size where the request names them."""
    sent = {n: v for n, v in request.headers(checksums.PREFIX).items() if n not in checksums.OTHER_HEADERS}
    stored = objects.checksum_of(version)
    size = request.header("x-amz-mp-object-size")
    # A checksum in the request of this operation is of the object, unless it is that of the request's own XML.
    differs = any(stored.get(name, value) != value for name, value in sent.items() if name in stored)
    if (differs and request.header("x-amz-checksum-type")) or (size and int(size) != version.size):
        store.release(version.buffer.blob)
        raise S3Error(400, "BadDigest", "The checksum or the size you specified did not match the whole object's.")


def _completed(address: Address, version: Any) -> Reply:
    checksum = "".join(
        f"<{name}>{value}</{name}>" for name, value in _checksum_elements(objects.checksum_of(version)).items()
    )
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<CompleteMultipartUploadResult xmlns="{NAMESPACE}">'
        f"<Location>http://{address.bucket}.s3.amazonaws.com/{escape(address.key)}</Location>"
        f"<Bucket>{address.bucket}</Bucket><Key>{escape(address.key)}</Key><ETag>{escape(version.etag)}</ETag>{checksum}"
        "</CompleteMultipartUploadResult>"
    )
    return Reply.of(200, body.encode(), XML, objects.encryption_of(version) | version_header(version))


def _checksum_elements(headers: dict[str, str]) -> dict[str, str]:
    """`x-amz-checksum-sha256` -> `ChecksumSHA256`."""
    return {
        "ChecksumType" if name.endswith("-type") else f"Checksum{name.rsplit('-', 1)[1].upper()}": value
        for name, value in headers.items()
    }


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
    listed = [(each["Key"], each.get("VersionId") or None) for each in _elements(body, "Object") if "Key" in each]
    if not 1 <= len(listed) <= MOST_DELETED:
        raise malformed_xml()
    return listed


def is_quiet(body: bytes) -> bool:
    root = ET.fromstring(body)  # noqa: S314 (expat of Python >= 3.11 expands no external entities)
    return any(_local(each) == "Quiet" and (each.text or "").strip() == "true" for each in root)


def _elements(body: bytes, name: str) -> Iterator[dict[str, str]]:
    try:
        root = ET.fromstring(body)  # noqa: S314
    except ET.ParseError as error:
        raise malformed_xml() from error
    for element in root:
        if _local(element) == name:
            yield {_local(child): child.text or "" for child in element}


def _local(element: "ET.Element[Any]") -> str:
    return str(element.tag).rsplit("}", 1)[-1]


def _part_number(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_PARTS:
        raise invalid_argument(f"Part number must be an integer between 1 and {MOST_PARTS}, inclusive")
    return int(text)


def version_header(version: Any) -> dict[str, str]:
    return {"x-amz-version-id": version.version_id} if objects.bucket_keeps_versions(version) else {}

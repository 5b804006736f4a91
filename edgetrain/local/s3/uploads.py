"""Uploads in parts: UploadPart, CompleteMultipartUpload, called under the key's lock. CreateMultipartUpload is moto's."""

import hashlib
from bisect import insort
from collections.abc import Iterator
from typing import Any, Final
from xml.sax.saxutils import escape

from moto.s3.models import S3_UPLOAD_PART_MIN_SIZE

from edgetrain.local.s3 import checksums, objects
from edgetrain.local.s3.addressing import Address
from edgetrain.local.s3.blobs import BlobStore
from edgetrain.local.s3.body import Checksum, Received
from edgetrain.local.s3.conditions import check_write
from edgetrain.local.s3.errors import S3Error, invalid_argument, malformed_xml, no_such_upload
from edgetrain.local.s3.writes import NAMESPACE, XML, elements, version_header
from edgetrain.local.wsgi import Reply, Request

MOST_PARTS: Final = 10_000


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
    for listed in elements(body, "Part"):
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


def _part_number(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_PARTS:
        raise invalid_argument(f"Part number must be an integer between 1 and {MOST_PARTS}, inclusive")
    return int(text)

"""GetObject and HeadObject: headers from moto's record of the version, the body streamed from its file."""

from collections.abc import Mapping
from typing import Any, Final

from moto.s3.models import FakeDeleteMarker

from edgetrain.local.s3 import objects
from edgetrain.local.s3.addressing import Address
from edgetrain.local.s3.conditions import is_not_modified
from edgetrain.local.s3.errors import S3Error, invalid_argument, no_such_key, no_such_version
from edgetrain.local.wsgi import Reply, Request

#: Parameters of a (presigned) GET that replace headers of the answer.
OVERRIDES: Final = {
    "response-content-type": "Content-Type",
    "response-content-language": "Content-Language",
    "response-expires": "Expires",
    "response-cache-control": "Cache-Control",
    "response-content-disposition": "Content-Disposition",
    "response-content-encoding": "Content-Encoding",
}
#: What a 304 still says.
UNCHANGED: Final = ("ETag", "Last-Modified", "x-amz-version-id", "Cache-Control", "Expires")
ARCHIVED: Final = ("GLACIER", "DEEP_ARCHIVE")


def read_object(request: Request, address: Address) -> Reply:
    """Answer GET or HEAD; the body's file is open when this returns.

    Raises:
        S3Error: there is no such object, or a condition does not hold, or the range lies behind the end.
    """
    version = find_version(address, request.query.get("versionId"))
    if request.method == "GET" and version.storage_class in ARCHIVED and not _is_restored(version):
        raise S3Error(403, "InvalidObjectState", "The operation is not valid for the object's storage class")
    wants_checksum = request.header("x-amz-checksum-mode").upper() == "ENABLED"
    headers = objects.headers_of(version, with_checksum=wants_checksum)
    if is_not_modified(request, version):
        return Reply(304, {name: headers[name] for name in UNCHANGED if name in headers})
    headers = _overridden(headers, request.query)
    selected = _selected(request, version, headers)
    status, (start, length) = (200, (0, version.size)) if selected is None else (206, selected)
    if selected is not None:
        headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{version.size}"
        if length != version.size:
            headers = {name: value for name, value in headers.items() if not name.startswith("x-amz-checksum-")}
    headers["Content-Length"] = str(length)
    if request.method == "HEAD" or not length:
        return Reply(status, headers)
    return Reply(status, headers, version.buffer.blob.read(start, length))


def find_version(address: Address, version_id: str | None) -> Any:
    """The current version, or the one that is named.

    Raises:
        S3Error: NoSuchKey, NoSuchVersion, or MethodNotAllowed on a delete marker.
    """
    bucket = objects.bucket_named(address.bucket)
    if version_id is None:
        found = objects.latest_of(bucket, address.key)
        if found is None:
            raise no_such_key()
        if isinstance(found, FakeDeleteMarker):
            raise no_such_key({"x-amz-delete-marker": "true", "x-amz-version-id": found.version_id})
        return found
    versions = objects.versions_of(bucket, address.key)
    found = next((each for each in versions if each.version_id == version_id), None)
    if found is None:
        raise no_such_version()
    if isinstance(found, FakeDeleteMarker):
        about = {"x-amz-delete-marker": "true", "x-amz-version-id": found.version_id, "Allow": "DELETE"}
        raise S3Error(405, "MethodNotAllowed", "The specified method is not allowed against this resource.", about)
    return found


def _is_restored(version: Any) -> bool:
    return 'ongoing-request="false"' in version.response_dict.get("x-amz-restore", "")


def _overridden(headers: dict[str, str], query: Mapping[str, str]) -> dict[str, str]:
    for parameter, name in OVERRIDES.items():
        if parameter in query:
            headers = {each: value for each, value in headers.items() if each.lower() != name.lower()}
            headers[name] = query[parameter]
    return headers


def _selected(request: Request, version: Any, headers: dict[str, str]) -> tuple[int, int] | None:
    """Start and length of the asked part of the body; None for the whole."""
    if number := request.query.get("partNumber"):
        return _part(number, version, headers)
    size: int = version.size
    asked = request.byte_range(size)
    if asked is None:
        return None
    start, end = asked
    if start >= size:
        about = {"Content-Range": f"bytes */{size}"}
        raise S3Error(416, "InvalidRange", "The requested range is not satisfiable", about)
    return start, end - start + 1


def _part(number: str, version: Any, headers: dict[str, str]) -> tuple[int, int]:
    sizes: tuple[int, ...] = version.part_sizes or (version.size,)
    if not number.isdecimal() or not int(number):
        raise invalid_argument("Part number must be an integer between 1 and 10000, inclusive")
    if int(number) > len(sizes):
        raise S3Error(416, "InvalidPartNumber", "The requested partnumber is not satisfiable")
    if version.upload_id:
        headers["x-amz-mp-parts-count"] = str(len(sizes))
    return sum(sizes[: int(number) - 1]), sizes[int(number) - 1]

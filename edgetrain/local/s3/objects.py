"""Objects and their versions in moto's buckets: what a write makes of a key's list of versions, exactly as S3 does.

moto's own `put_object` keeps bodies in memory, and on a bucket without (or with suspended) versioning its writes and deletes
drop versions that S3 keeps. Its buckets, listings and everything else are used as they are.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, Final

from moto.s3 import notifications
from moto.s3.models import FakeDeleteMarker, FakeKey, get_canned_acl, s3_backends
from moto.s3.utils import STORAGE_CLASS

from edgetrain.local.place import ACCOUNT, PARTITION, REGION
from edgetrain.local.s3.blobs import DiskBuffer
from edgetrain.local.s3.body import Checksum
from edgetrain.local.s3.errors import S3Error, no_such_bucket

NULL: Final = "null"
TICK: Final = timedelta(milliseconds=1)
WHOLE: Final = "FULL_OBJECT"
COMPOSITE: Final = "COMPOSITE"
Event = notifications.S3NotificationEvent


@dataclass(frozen=True, kw_only=True)
class Described:
    """What a client says about an object beside its body."""

    metadata: Mapping[str, str] = field(default_factory=dict)
    storage_class: str = "STANDARD"
    encryption: str | None = None
    kms_key_id: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    acl: str | None = None
    redirect: str | None = None


class StoredObject(FakeKey):  # type: ignore[misc] # moto is untyped
    """A version whose body is a file."""

    def __new__(cls, *_: Any, **__: Any) -> "StoredObject":
        """Without moto's list of all instances: it would keep every version for ever."""
        return object.__new__(cls)

    def __init__(
        self, name: Any, buffer: DiskBuffer, *, bucket: Any, version_id: str, etag: str, about: Described
    ) -> None:
        rule = (bucket.encryption or {}).get("Rule", {}).get("ApplyServerSideEncryptionByDefault", {})
        super().__init__(
            name=name,
            value=b"",
            account_id=ACCOUNT,
            region_name=bucket.region_name or REGION,
            bucket_name=bucket.name,
            storage=about.storage_class,
            etag=etag,
            is_versioned=version_id != NULL,
            version_id=version_id,
            encryption=about.encryption or rule.get("SSEAlgorithm"),
            kms_key_id=about.kms_key_id or rule.get("KMSMasterKeyID"),
        )
        self._value_buffer.close()  # type: ignore[has-type] # moto's own, in memory
        self._value_buffer = buffer
        self.contentsize = buffer.blob.size
        self.set_metadata(dict(about.metadata))
        self.set_acl(get_canned_acl(about.acl) if about.acl else bucket.acl)
        self.website_redirect_location = about.redirect
        #: Of an object that was uploaded in parts: the upload, and the parts' sizes.
        self.upload_id = ""
        self.part_sizes: tuple[int, ...] = ()

    def __deepcopy__(self, _memo: dict[int, Any]) -> "StoredObject":
        """Moto copies all versions to list them: the record, not the body."""
        copied = object.__new__(type(self))
        copied.__dict__.update(self.__dict__)
        copied._value_buffer = self._value_buffer.borrowed()
        return copied

    @property
    def buffer(self) -> DiskBuffer:
        return self._value_buffer

    def set_checksum(self, checksum: Checksum | None, kind: str = WHOLE, parts: int = 0) -> None:
        """Remember the checksum under moto's names."""
        if checksum is not None:
            self.checksum_algorithm, self.checksum_value = checksum.algorithm, checksum.value
            self.checksum_type, self.checksum_parts = kind, parts


def backend() -> Any:
    """Moto's S3 of the only account."""
    return s3_backends[ACCOUNT][PARTITION]


def bucket_named(name: str) -> Any:
    """Moto's bucket, or `S3Error` NoSuchBucket."""
    bucket = backend().buckets.get(name)
    if bucket is None:
        raise no_such_bucket()
    return bucket


def versions_of(bucket: Any, key: str) -> list[Any]:
    """All versions and delete markers of a key, the oldest first."""
    return bucket.keys.getlist(key, []) or []


def latest_of(bucket: Any, key: str) -> Any:
    """The current version or delete marker, or None."""
    versions = versions_of(bucket, key)
    return versions[-1] if versions else None


def current_object(bucket: Any, key: str) -> Any:
    """The current version, or None where there is none or a delete marker."""
    latest = latest_of(bucket, key)
    return latest if isinstance(latest, FakeKey) else None


def new_version_id(bucket: Any) -> str:
    return uuid.uuid4().hex if bucket.versioning_status == "Enabled" else NULL


def add(bucket: Any, version: Any) -> None:
    """Make a version or a delete marker the current one."""
    kept = [each for each in versions_of(bucket, version.name) if version.version_id != NULL or each.version_id != NULL]
    if kept:  # moto tells the latest by its time, to the millisecond
        version.last_modified = max(version.last_modified, kept[-1].last_modified + TICK)
    bucket.keys.setlist(version.name, [*kept, version])


@dataclass(frozen=True)
class Deleted:
    """What a delete did: the version that is gone or the marker that is new."""

    version_id: str | None = None
    is_marker: bool = False

    @property
    def headers(self) -> dict[str, str]:
        headers = {} if self.version_id is None else {"x-amz-version-id": self.version_id}
        return headers | ({"x-amz-delete-marker": "true"} if self.is_marker else {})


def delete(bucket: Any, key: str, version_id: str | None) -> Deleted:
    """Delete a key (where versions are kept: put a delete marker), or one version for good."""
    if version_id is not None:
        return _delete_version(bucket, key, version_id)
    if bucket.versioning_status is None:
        if versions_of(bucket, key):
            gone = latest_of(bucket, key)
            bucket.keys.pop(key)
            notify(bucket, gone, Event.OBJECT_REMOVED_DELETE_EVENT)
        return Deleted()
    marker = FakeDeleteMarker(key=SimpleNamespace(name=key))
    marker._version_id = new_version_id(bucket)
    add(bucket, marker)
    notify(bucket, marker, Event.OBJECT_REMOVED_DELETE_MARKER_CREATED_EVENT)
    return Deleted(marker.version_id, is_marker=True)


def _delete_version(bucket: Any, key: str, version_id: str) -> Deleted:
    versions = versions_of(bucket, key)
    gone = next((each for each in versions if each.version_id == version_id), None)
    if gone is None:
        return Deleted(version_id)
    if isinstance(gone, FakeKey) and gone.is_locked(governance_bypass=False):
        raise S3Error(403, "AccessDenied", "Access Denied because object protected by object lock.")
    left = [each for each in versions if each is not gone]
    if left:
        bucket.keys.setlist(key, left)
    else:
        bucket.keys.pop(key)
    notify(bucket, gone, Event.OBJECT_REMOVED_DELETE_EVENT)
    return Deleted(version_id, is_marker=isinstance(gone, FakeDeleteMarker))


def notify(bucket: Any, version: Any, event: Any) -> None:
    """Tell who asked to be told (moto's notifications)."""
    notifications.send_event(ACCOUNT, event, bucket, version)


def headers_of(version: Any, *, with_checksum: bool) -> dict[str, str]:
    """What GET and HEAD say of an object, besides its length and range."""
    headers = {
        "ETag": version.etag,
        "Last-Modified": version.last_modified_RFC1123,
        "Accept-Ranges": "bytes",
        **{str(name): str(value) for name, value in version.metadata.items()},
        **encryption_of(version),
    }
    optional = {
        "x-amz-version-id": version.version_id if bucket_keeps_versions(version) else None,
        "x-amz-storage-class": None if version.storage_class == "STANDARD" else version.storage_class,
        "x-amz-website-redirect-location": version.website_redirect_location,
        "x-amz-tagging-count": str(len(tags_of(version))) if tags_of(version) else None,
    }
    headers |= {name: value for name, value in optional.items() if value is not None}
    return headers | (checksum_of(version) if with_checksum else {})


def bucket_keeps_versions(version: Any) -> bool:
    """Whether the version's bucket has, or had, versions."""
    return version.version_id != NULL or bucket_named(version.bucket_name).versioning_status is not None


def encryption_of(version: Any) -> dict[str, str]:
    headers = {"x-amz-server-side-encryption": version.encryption} if version.encryption else {}
    if version.encryption == "aws:kms" and version.kms_key_id:
        headers["x-amz-server-side-encryption-aws-kms-key-id"] = version.kms_key_id
    return headers


def checksum_of(version: Any) -> dict[str, str]:
    """The stored checksum's headers."""
    if not version.checksum_algorithm or not version.checksum_value:
        return {}
    kind = version.checksum_type or WHOLE
    value = f"{version.checksum_value}-{version.checksum_parts}" if kind == COMPOSITE else version.checksum_value
    return {f"x-amz-checksum-{version.checksum_algorithm.lower()}": value, "x-amz-checksum-type": kind}


def tags_of(version: Any) -> dict[str, str]:
    return dict(backend().tagger.get_tag_dict_for_resource(version.arn))


def set_tags(version: Any, tags: Mapping[str, str]) -> None:
    """Give it these tags and no others: not those of what it replaces."""
    backend().tagger.delete_all_tags_for_resource(version.arn)
    if tags:
        backend().tagger.tag_resource(version.arn, [{"Key": key, "Value": value} for key, value in tags.items()])


def check_storage_class(name: str) -> str:
    """The name, or `S3Error`."""
    if name not in STORAGE_CLASS:
        raise S3Error(400, "InvalidStorageClass", "The storage class you specified is not valid")
    return name

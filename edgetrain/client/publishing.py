"""Publishes the web app's bundle: files into the site's bucket, and one invalidation of what CloudFront keeps."""

import hashlib
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from edgetrain.client.documents import PublishedDocument
from edgetrain.client.outputs import ENDPOINT, endpoints_of, not_deployed
from edgetrain.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_cloudfront import CloudFrontClient
    from mypy_boto3_s3 import S3Client

INDEX: Final = "index.html"
CONFIG: Final = "config.json"
#: What the page asks people for; `admin` is for machine users.
SCOPES: Final = ("openid", "edgetrain/detect", "edgetrain/contribute")
#: The API as the page reaches it, on its own origin.
API_URL: Final = "/api"
#: Outputs that a site needs.
NEEDED: Final = ("WebUrl", "WebBucket", "DistributionId", "SignInUrl", "WebClientId")

#: What a bundler names by its content: `assets/index-DIoKO1gN.js`.
HASHED: Final = re.compile(r"assets/[^/]+-[A-Za-z0-9_-]{8,}\.[a-z0-9.]+")
FOR_EVER: Final = "public, max-age=31536000, immutable"
#: Kept, and asked about each time: CloudFront keeps such a file for a second, a browser asks whether it changed.
ASK: Final = "no-cache"
CONTENT_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".tflite": "application/octet-stream",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
LEFT_OUT: Final = frozenset({".map"})
#: A page that was opened before a publication may load parts of it for so long afterwards.
KEPT_SECONDS: Final = 7 * 24 * 3600
#: The tag that says since when a file is no part of the site: seconds since the epoch.
SUPERSEDED: Final = "superseded"
DELETED_AT_ONCE: Final = 1000

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Site:
    """A deployed web site, and what its page is told (`config.json`)."""

    url: str
    bucket: str
    distribution: str
    config: Mapping[str, Any]

    @classmethod
    def of(cls, flat: Mapping[str, str]) -> "Site":
        """From the application's outputs.

        Raises:
            NotDeployed: one is missing.
        """
        tasks = sorted(endpoints_of(flat))
        missing = [name for name in NEEDED if name not in flat] + ([] if tasks else [f"...{ENDPOINT}"])
        if missing:
            raise not_deployed("the web site is", missing)
        sign_in = {"url": flat["SignInUrl"], "clientId": flat["WebClientId"], "scopes": list(SCOPES)}
        return cls(
            url=flat["WebUrl"],
            bucket=flat["WebBucket"],
            distribution=flat["DistributionId"],
            config={"apiUrl": API_URL, "signIn": sign_in, "tasks": tasks},
        )


@dataclass(frozen=True)
class WebFile:
    """A file of the site as it is stored."""

    key: str
    body: bytes

    @property
    def tag(self) -> str:
        """S3's entity tag of an object that is put whole."""
        return f'"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'

    @property
    def headers(self) -> dict[str, Any]:
        """What it is served with."""
        suffix = Path(self.key).suffix.lower()
        kind = CONTENT_TYPES.get(suffix) or guess_type(self.key)[0] or "application/octet-stream"
        return {"ContentType": kind, "CacheControl": FOR_EVER if HASHED.fullmatch(self.key) else ASK}


def read_bundle(folder: Path, config: Mapping[str, Any]) -> tuple[WebFile, ...]:
    """The files of a built bundle with its configuration, in the order in which they may become visible: the page comes last.

    Raises:
        UsageError: the folder holds no bundle.
    """
    if not (folder / INDEX).is_file():
        raise UsageError(f"{folder} holds no {INDEX}: expected a built web app (`npm run build` in web/)")
    written = WebFile(CONFIG, (json.dumps(config, indent=2) + "\n").encode())
    files = [written, *(each for each in _files(folder) if each.key != CONFIG)]
    return tuple(sorted(files, key=lambda file: (file.key == INDEX, file.key == CONFIG, file.key)))


def _files(folder: Path) -> Iterator[WebFile]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        is_hidden = any(part.startswith(".") for part in name.parts)
        if path.is_file() and not is_hidden and path.suffix not in LEFT_OUT:
            yield WebFile(name.as_posix(), path.read_bytes())


class Publisher:
    """Publishes into one site."""

    def __init__(
        self, site: Site, s3: "S3Client", cloudfront: "CloudFrontClient", *, clock: Callable[[], float] = time.time
    ) -> None:
        self._site, self._s3, self._cloudfront, self._clock = site, s3, cloudfront, clock

    def publish(self, folder: Path, say: Say) -> PublishedDocument:
        """Bring the site to a bundle; what is there already is not sent again.

        Raises:
            UsageError: the folder holds no bundle.
        """
        files = read_bundle(folder, self._site.config)
        standing = dict(self._standing())
        uploaded = []
        for file in files:
            if not self._is_stored(file, standing.get(file.key)):
                say(f"uploading {file.key}")
                self._s3.put_object(Bucket=self._site.bucket, Key=file.key, Body=file.body, **file.headers)
                uploaded.append(file.key)
        removed = self._retire(sorted(standing.keys() - {file.key for file in files}))
        return PublishedDocument(
            url=self._site.url,
            bucket=self._site.bucket,
            uploaded=tuple(uploaded),
            unchanged=len(files) - len(uploaded),
            removed=tuple(removed),
            invalidation=self._invalidate() if uploaded or removed else None,
        )

    def remove(self) -> PublishedDocument:
        """Empty the bucket, so that CloudFormation can delete it."""
        standing = sorted(key for key, _tag in self._standing())
        self._delete(standing)
        return PublishedDocument(
            url=self._site.url,
            bucket=self._site.bucket,
            uploaded=(),
            unchanged=0,
            removed=tuple(standing),
            invalidation=self._invalidate() if standing else None,
        )

    def _standing(self) -> Iterator[tuple[str, str]]:
        """Keys and entity tags of what is in the bucket."""
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._site.bucket):
            yield from ((each["Key"], each["ETag"]) for each in page.get("Contents", []))

    def _is_stored(self, file: WebFile, tag: str | None) -> bool:
        """Whether it is there with this content and these headers, and counts as current."""
        if tag != file.tag:
            return False
        found = self._s3.head_object(Bucket=self._site.bucket, Key=file.key)
        described = {"ContentType": found.get("ContentType"), "CacheControl": found.get("CacheControl")}
        return described == file.headers and self._superseded_at(file.key) is None

    def _retire(self, keys: list[str]) -> list[str]:
        """Mark what is no part of the site any more, and delete what was marked long enough ago; the keys of the latter."""
        gone = []
        for key in keys:
            since = self._superseded_at(key)
            if since is None:
                tags: Any = {"TagSet": [{"Key": SUPERSEDED, "Value": str(int(self._clock()))}]}
                self._s3.put_object_tagging(Bucket=self._site.bucket, Key=key, Tagging=tags)
            elif self._clock() - since >= KEPT_SECONDS:
                gone.append(key)
        self._delete(gone)
        return gone

    def _superseded_at(self, key: str) -> float | None:
        tags = self._s3.get_object_tagging(Bucket=self._site.bucket, Key=key)["TagSet"]
        return next((float(tag["Value"]) for tag in tags if tag["Key"] == SUPERSEDED), None)

    def _delete(self, keys: list[str]) -> None:
        for start in range(0, len(keys), DELETED_AT_ONCE):
            some: Any = [{"Key": key} for key in keys[start : start + DELETED_AT_ONCE]]
            self._s3.delete_objects(Bucket=self._site.bucket, Delete={"Objects": some, "Quiet": True})

    def _invalidate(self) -> str:
        """Everything at once: AWS counts it as one path."""
        batch: Any = {"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": str(uuid.uuid4())}
        made = self._cloudfront.create_invalidation(DistributionId=self._site.distribution, InvalidationBatch=batch)
        return made["Invalidation"]["Id"]

"""`GET /models/{task}/{version}/download`: where a version's files are to be had for a quarter of an hour."""

from collections.abc import Callable
from datetime import datetime, timedelta

from edgetrain import limits
from edgetrain.api.catalogue import Catalogue, checked_version
from edgetrain.api.http import NO_STORE, Request, Response, parameters, shown
from edgetrain.api.messages import Download, FileDownload
from edgetrain.api.ports import VersionStore
from edgetrain.errors import RequestRefused


def download_model(
    catalogue: Catalogue, store: VersionStore, now: Callable[[], datetime], request: Request
) -> Response:
    """An address for each file, or for the one that `file` names, with the SHA-256 that its bytes must have.

    Raises:
        RequestRefused: there is no such task, version or file.
    """
    asked = parameters(request, "file")
    task, version = request.path["task"], checked_version(request.path["version"])
    files = catalogue.manifest(task, version).files
    if "file" in asked:
        files = tuple(entry for entry in files if entry.name == asked["file"])
        if not files:
            raise RequestRefused(
                f"task {task}, version {version}, has no file {shown(asked['file'])}", code="file_not_found"
            )
    expires_at = now() + timedelta(seconds=limits.DOWNLOAD_SECONDS)
    reply = Download(
        task=task,
        version=version,
        expires_at=expires_at.isoformat(timespec="seconds"),
        files=tuple(
            FileDownload(
                name=entry.name,
                sha256=entry.sha256,
                size=entry.size,
                url=store.presigned(entry.key, seconds=limits.DOWNLOAD_SECONDS),
            )
            for entry in files
        ),
    )
    return Response(200, reply, {"Cache-Control": NO_STORE})

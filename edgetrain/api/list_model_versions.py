"""`GET /models/{task}/versions`: what was published, newest first, a page at a time."""

from edgetrain import limits
from edgetrain.api.catalogue import Catalogue
from edgetrain.api.http import REVALIDATE, Request, Response, parameters, whole
from edgetrain.api.messages import Version, VersionFile, Versions
from edgetrain.contracts import Manifest

#: `next` is the version below which the following page begins.
LARGEST = 10**9 - 1


def list_model_versions(catalogue: Catalogue, request: Request) -> Response:
    """One page. `limit` is its length, `next` what the page before said.

    Raises:
        RequestRefused: a parameter is wrong, or no version of the task was published.
    """
    asked = parameters(request, "limit", "next")
    length = whole("limit", asked.get("limit", str(limits.DEFAULT_VERSIONS_PAGE)), limits.VERSIONS_PAGE)
    below = whole("next", asked["next"], LARGEST) if "next" in asked else LARGEST + 1
    task = request.path["task"]
    rest = [version for version in catalogue.versions(task) if version < below]
    page = rest[:length]
    reply = Versions(
        task=task,
        versions=tuple(_version(catalogue.manifest(task, version)) for version in page),
        next=str(page[-1]) if len(rest) > length else None,
    )
    return Response(200, reply, {"Cache-Control": REVALIDATE})


def _version(manifest: Manifest) -> Version:
    """What the API tells of a manifest: all but where the files lie."""
    return Version(
        version=manifest.version,
        created_at=manifest.created_at,
        files=tuple(VersionFile(name=each.name, sha256=each.sha256, size=each.size) for each in manifest.files),
        metrics=manifest.metrics,
        lineage=manifest.lineage,
    )

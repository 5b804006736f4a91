"""`GET /models/{task}/latest`: the newest version's manifest, or that the caller has it already."""

import hashlib

from edgetrain.api.catalogue import Catalogue
from edgetrain.api.http import REVALIDATE, Request, Response, parameters


def get_latest_model(catalogue: Catalogue, request: Request) -> Response:
    """The manifest as it is stored, byte by byte, with its SHA-256 as the (strong) ETag; 304 for who names that one.

    Raises:
        RequestRefused: no version of the task was published.
    """
    parameters(request)
    task = request.path["task"]
    body = catalogue.manifest_bytes(task, catalogue.versions(task)[0])
    etag = f'"{hashlib.sha256(body).hexdigest()}"'
    headers = {"ETag": etag, "Cache-Control": REVALIDATE}
    if names(request.headers.get("if-none-match", ""), etag):
        return Response(304, None, headers)
    return Response(200, body, headers)


def names(if_none_match: str, etag: str) -> bool:
    """Whether `If-None-Match` names `etag`: `*`, or a list in which weak validators count, too (RFC 9110, 13.1.2)."""
    listed = [each.strip() for each in if_none_match.split(",")]
    return listed == ["*"] or etag in {each.removeprefix("W/") for each in listed}

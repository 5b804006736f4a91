"""Cross-origin requests: what the gateway says about them itself."""

from collections.abc import Mapping
from typing import Final

from edgetrain.local.http_api.definition import Cors

PREFIX: Final = "access-control-"
#: Origins by their scheme alone.
SCHEMES: Final = ("http://*", "https://*")


def allowed_origin(cors: Cors, origin: str) -> str | None:
    """What `access-control-allow-origin` says to a page of `origin`; None where it may not use the API."""
    if not origin:
        return None
    if "*" in cors.origins:
        return "*"
    wanted = origin.lower()
    if any(wanted.startswith(each[:-1]) for each in cors.origins if each in SCHEMES):
        return origin
    return origin if wanted in {each.lower() for each in cors.origins} else None


def reply_headers(cors: Cors | None, origin: str) -> dict[str, str]:
    """Headers of a reply to a page of `origin`, which may be empty."""
    allowed = None if cors is None else allowed_origin(cors, origin)
    if cors is None or allowed is None:
        return {}
    headers = {"access-control-allow-origin": allowed}
    if cors.credentials:
        headers["access-control-allow-credentials"] = "true"
    if cors.exposed:
        headers["access-control-expose-headers"] = ",".join(cors.exposed)
    return headers


def preflight_headers(cors: Cors, origin: str, asks: str) -> dict[str, str]:
    """Headers of the reply to an OPTIONS request; `asks` is its `access-control-request-method`."""
    if not asks:
        return {}
    headers = reply_headers(cors, origin)
    if not headers:
        return {}
    headers.pop("access-control-expose-headers", None)
    if cors.methods:
        headers["access-control-allow-methods"] = ",".join(cors.methods)
    if cors.headers:
        headers["access-control-allow-headers"] = ",".join(cors.headers)
    if cors.max_age is not None:
        headers["access-control-max-age"] = str(cors.max_age)
    return headers


def without_cors(headers: Mapping[str, str]) -> dict[str, str]:
    """A function's headers where the gateway looks after cross-origin requests: its own about them do not count."""
    return {name: value for name, value in headers.items() if not name.lower().startswith(PREFIX)}

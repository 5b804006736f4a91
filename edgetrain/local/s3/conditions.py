"""Conditional requests: what `If-Match` and its kin make of a read or a write."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from edgetrain.local.s3.errors import no_such_key, not_implemented, precondition_failed
from edgetrain.local.wsgi import Request


def check_write(request: Request, current: Any) -> None:
    """Whether a write may go on, given the current object (None: there is none).

    Raises:
        S3Error: PreconditionFailed; NoSuchKey, `If-Match` without an object; NotImplemented, `If-None-Match` with an ETag.
    """
    unless = request.header("if-none-match")
    if unless and unless != "*":
        raise not_implemented("If-None-Match")
    if unless and current is not None:
        raise precondition_failed()
    if wanted := request.header("if-match"):
        if current is None:
            raise no_such_key()
        if not _names(wanted, current.etag):
            raise precondition_failed()


def is_not_modified(request: Request, version: Any) -> bool:
    """Whether a read is answered 304.

    Raises:
        S3Error: PreconditionFailed.
    """
    etag, modified = version.etag, _utc(version.last_modified)
    if wanted := request.header("if-match"):
        if not _names(wanted, etag):
            raise precondition_failed()
    elif (until := _moment(request.header("if-unmodified-since"))) and modified > until:
        raise precondition_failed()
    if known := request.header("if-none-match"):
        return _names(known, etag)
    since = _moment(request.header("if-modified-since"))
    return since is not None and modified <= since


def _names(header: str, etag: str) -> bool:
    """Whether a list of ETags, quoted or not, holds this one or is `*`."""
    listed = {each.strip().removeprefix("W/").strip('"') for each in header.split(",")}
    return "*" in listed or etag.strip('"') in listed


def _moment(header: str) -> datetime | None:
    """A date of HTTP; None for none and for what is no date, which S3 passes over."""
    try:
        return parsedate_to_datetime(header) if header else None
    except ValueError:
        return None


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC, microsecond=0)

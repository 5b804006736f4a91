"""Reading a Distributed Map's items from S3: JSON, JSON lines, CSV, or the objects of a bucket."""

import csv
import io
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from edgetrain.local.stepfunctions import definition
from edgetrain.local.stepfunctions.documents import from_text, to_text
from edgetrain.local.stepfunctions.failures import ITEM_READER_FAILED, StateFailed
from edgetrain.local.stepfunctions.ports import Integrations, ServiceError
from edgetrain.local.stepfunctions.steps import Step

DELIMITERS: Final = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}


async def read_items(step: Step[Any], reader: definition.ItemReader, data: Any) -> list[Any]:
    """The items that a map's reader finds.

    Raises:
        StateFailed: States.ItemReaderFailed.
    """
    place = reader.parameters.fill(data, step.context)
    if not all(isinstance(each, str) for each in place.values()):
        raise StateFailed(ITEM_READER_FAILED, f"{' and '.join(place)} must be strings, but they are {to_text(place)}")
    most = step.whole("MaxItemsPath", reader.most, data) or 0
    if most < 0:
        raise StateFailed(ITEM_READER_FAILED, "field MaxItems must be positive")
    role, integrations = step.run.row.role_arn, step.run.around.integrations
    items: list[Any]
    if reader.kind == "OBJECTS":
        items = await _called(step, place, lambda: _listed(integrations, place, most, role))
    else:
        bucket, key = place["Bucket"], place["Key"]
        body = await _called(step, place, lambda: integrations.get_object(bucket, key, role_arn=role))
        items = _parsed(reader, f"s3://{bucket}/{key}", body)
    return items[:most] if most else items


async def _called(step: Step[Any], place: dict[str, str], call: Callable[[], Any]) -> Any:
    around = step.run.around
    future = await around.calls.start(call)
    await around.wait(future, None)
    try:
        return future.result()
    except ServiceError as error:
        where = ", ".join(f"{name}: {value}" for name, value in place.items())
        raise StateFailed(
            ITEM_READER_FAILED,
            f"{error.message} (Service: S3, Status Code: {error.status_code}, Error Code: {error.code}, {where})",
        ) from error


def _listed(integrations: Integrations, place: dict[str, str], most: int, role: str) -> list[Any]:
    """What S3 says of each object, in the order of keys, page by page until there are `most` (0: all)."""
    items: list[Any] = []
    request = dict(place)
    while True:
        page = integrations.call("s3", "listObjectsV2", request, role_arn=role)
        items += map(_object, page.get("Contents", []))
        if not page.get("IsTruncated") or (most and len(items) >= most):
            return items
        request["ContinuationToken"] = page["NextContinuationToken"]


def _object(listed: dict[str, Any]) -> dict[str, Any]:
    modified = listed.get("LastModified")
    return {
        "Etag": listed.get("ETag"),
        "Key": listed["Key"],
        "LastModified": int(modified.timestamp()) if isinstance(modified, datetime) else modified,
        "Size": listed.get("Size"),
        "StorageClass": listed.get("StorageClass", "STANDARD"),
    }


def _parsed(reader: definition.ItemReader, where: str, body: bytes) -> list[Any]:
    try:
        if reader.kind == "JSON":
            items = from_text(body)
        elif reader.kind == "JSONL":
            items = [from_text(line) for line in body.splitlines() if line.strip()]
        else:
            items = _rows(reader, body.decode("utf-8-sig"))
    except (ValueError, csv.Error) as error:
        raise StateFailed(ITEM_READER_FAILED, f"{where} is no {reader.kind}: {error}") from error
    if not isinstance(items, list):
        raise StateFailed(ITEM_READER_FAILED, "Attempting to map over non-iterable node.")
    return items


def _rows(reader: definition.ItemReader, text: str) -> list[Any]:
    """Each row as an object: what a row lacks is empty, and what it has beyond its headers is dropped."""
    rows = [
        row
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=DELIMITERS[reader.delimiter], strict=True)
        if row
    ]
    headers = list(reader.headers) if reader.headers is not None else (rows.pop(0) if rows else [])
    return [{name: row[index] if index < len(row) else "" for index, name in enumerate(headers)} for row in rows]

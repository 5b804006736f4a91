"""Reading a Distributed Map's items from S3."""

from typing import Any

from edgetrain.local.stepfunctions import definition
from edgetrain.local.stepfunctions.documents import from_text, to_text
from edgetrain.local.stepfunctions.failures import ITEM_READER_FAILED, StateFailed
from edgetrain.local.stepfunctions.ports import ServiceError
from edgetrain.local.stepfunctions.steps import Step


async def read_items(step: Step[Any], reader: definition.ItemReader, data: Any) -> list[Any]:
    """The items that a map's reader finds.

    Raises:
        StateFailed: States.ItemReaderFailed.
    """
    place = reader.parameters.fill(data, step.context)
    bucket, key = place["Bucket"], place["Key"]
    if not isinstance(bucket, str) or not isinstance(key, str):
        raise StateFailed(ITEM_READER_FAILED, f"Bucket and Key must be strings, but they are {to_text(place)}")
    most = step.whole("MaxItemsPath", reader.most, data) or 0
    if most < 0:
        raise StateFailed(ITEM_READER_FAILED, "field MaxItems must be positive")
    items = _parsed(bucket, key, await _object(step, bucket, key))
    return items[:most] if most else items


async def _object(step: Step[Any], bucket: str, key: str) -> bytes:
    around, role = step.run.around, step.run.row.role_arn
    await around.calls.place()
    future = around.calls.start(lambda: around.integrations.get_object(bucket, key, role_arn=role))
    await around.wait(future, None)
    try:
        body: bytes = future.result()
    except ServiceError as error:
        raise StateFailed(
            ITEM_READER_FAILED,
            f"{error.message} (Service: S3, Status Code: {error.status_code}, Error Code: {error.code}, "
            f"Bucket: {bucket}, Key: {key})",
        ) from error
    return body


def _parsed(bucket: str, key: str, body: bytes) -> list[Any]:
    try:
        items = from_text(body)
    except ValueError as error:
        raise StateFailed(ITEM_READER_FAILED, f"s3://{bucket}/{key} is no JSON: {error}") from error
    if not isinstance(items, list):
        raise StateFailed(ITEM_READER_FAILED, "Attempting to map over non-iterable node.")
    return items

"""Reading where a Distributed Map's items come from, and how they are handed out."""

import re
from typing import Final

from edgetrain import limits
from edgetrain.local.stepfunctions.definition import ItemBatcher, ItemReader
from edgetrain.local.stepfunctions.item_reader import DELIMITERS
from edgetrain.local.stepfunctions.reading import Fields

_RESOURCE: Final = re.compile(r"arn:[a-z-]+:states:::s3:(getObject|listObjectsV2)")
_INPUT_TYPES: Final = ("JSON", "JSONL", "CSV")


def read_reader(fields: Fields) -> ItemReader | None:
    """An ItemReader; None when it is wrong."""
    fields.required("Resource", "Parameters")
    resource = fields.text("Resource") or ""
    found = _RESOURCE.fullmatch(resource)
    if not found:
        fields.wrong(
            "Resource",
            f"The resource '{resource}' is not supported: expected arn:aws:states:::s3:getObject or s3:listObjectsV2",
            "NOT_SUPPORTED",
        )
    lists = found is not None and found[1] == "listObjectsV2"
    if not lists:
        fields.required("ReaderConfig")
    config = fields.inner("ReaderConfig")
    kind = "OBJECTS" if lists else _input_type(config)
    headers, delimiter = _csv(config) if kind == "CSV" else (None, "COMMA")
    most = config.whole_or_path("MaxItems") or 0
    config.done()
    _check_place(fields.inner("Parameters", commented=False), ("Bucket",) if lists else ("Bucket", "Key"), lists)
    parameters = fields.template("Parameters")
    fields.done()
    if parameters is None:
        return None
    return ItemReader(kind=kind, parameters=parameters, most=most, headers=headers, delimiter=delimiter)


def _check_place(given: Fields, needed: tuple[str, ...], lists: bool) -> None:
    names = {name.removesuffix(".$") for name in given.names()}
    for name in needed:
        if name not in names:
            given.wrong("", f"The field '{name}' is required")
    for name in sorted(names - {*needed, *(("Prefix",) if lists else ())}):
        given.wrong(name, f"Field '{name}' is not supported", "NOT_SUPPORTED")


def _input_type(config: Fields) -> str:
    kind = config.raw("InputType")
    if kind not in _INPUT_TYPES:
        config.wrong("InputType", f"Only [{', '.join(_INPUT_TYPES)}] are supported", "NOT_SUPPORTED")
    return str(kind)


def _csv(config: Fields) -> tuple[tuple[str, ...] | None, str]:
    config.required("CSVHeaderLocation")
    location, headers = config.raw("CSVHeaderLocation"), config.raw("CSVHeaders")
    if location not in ("FIRST_ROW", "GIVEN"):
        config.wrong("CSVHeaderLocation", "Expected FIRST_ROW or GIVEN")
    if (location == "GIVEN") != (headers is not None):
        config.wrong("CSVHeaders", "Expected with CSVHeaderLocation GIVEN, and only then")
    elif headers is not None and not (
        isinstance(headers, list) and headers and all(isinstance(name, str) for name in headers)
    ):
        config.wrong("CSVHeaders", "Expected a non-empty array of strings")
        headers = None
    delimiter = config.raw("CSVDelimiter", "COMMA")
    if delimiter not in DELIMITERS:
        config.wrong("CSVDelimiter", f"Expected one of [{', '.join(DELIMITERS)}]")
    return None if headers is None else tuple(headers), str(delimiter)


def read_batcher(fields: Fields) -> ItemBatcher:
    """An ItemBatcher."""
    items = fields.whole_or_path("MaxItemsPerBatch", least=1)
    size = fields.whole_or_path("MaxInputBytesPerBatch", least=1, most=limits.STATE_PAYLOAD_BYTES)
    if items is None and size is None:
        fields.wrong("", "Expected MaxItemsPerBatch or MaxInputBytesPerBatch")
    batcher = ItemBatcher(most_items=items, most_bytes=size, common=fields.template("BatchInput"))
    fields.done()
    return batcher

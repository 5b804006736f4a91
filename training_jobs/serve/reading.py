"""From a request to pictures and wishes. What cannot be read is refused with a status and a sentence."""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any, Final

from werkzeug.wrappers import Request

from edgetrain import limits

PICTURES: Final = frozenset({"image/jpeg", "image/png", "application/x-image"})
JSON: Final = "application/json"
ATTRIBUTES: Final = "X-Amzn-SageMaker-Custom-Attributes"
NUMBER: Final = re.compile(r"\d+(?:\.\d+)?|\.\d+")


class Refused(Exception):
    """A request that is wrong; `status` is HTTP's, `code` one word for programs."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass(frozen=True)
class Wishes:
    """What the caller asks for beside the defaults of the detector."""

    min_score: float | None = None
    max_detections: int | None = None


def read_pictures(request: Request) -> tuple[list[bytes], bool]:
    """The pictures of a request, and whether they came as a batch.

    Raises:
        Refused: 413 too large, 415 another media type, 400 anything else.
    """
    if request.mimetype in PICTURES:
        return [_body(request, limits.PICTURE_BYTES)], False
    if request.mimetype == JSON:
        return _instances(_body(request, limits.SAGEMAKER_REALTIME_PAYLOAD_BYTES)), True
    given = request.mimetype or "none"
    raise Refused(
        415, "unsupported_media_type", f"content type {given}: expected one of {', '.join([*sorted(PICTURES), JSON])}"
    )


def _body(request: Request, most: int) -> bytes:
    """The body, of which no more than one byte too much is read."""
    said = request.content_length
    body = b"" if said is not None and said > most else request.stream.read(most + 1)
    if len(body) > most or (said or 0) > most:
        raise Refused(413, "too_large", f"the body has more than {most} bytes")
    if said is not None and len(body) < said:
        raise Refused(400, "incomplete", f"the body has {len(body)} bytes: expected {said}")
    return body


def _instances(body: bytes) -> list[bytes]:
    try:
        document: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "invalid_json", "the body is not JSON") from error
    if not isinstance(document, dict) or set(document) != {"instances"} or not isinstance(document["instances"], list):
        raise Refused(
            400, "invalid_batch", 'the body is another document: expected {"instances": [{"data": "<base64>"}]}'
        )
    given = document["instances"]
    if not 1 <= len(given) <= limits.MAX_INSTANCES:
        raise Refused(400, "invalid_batch", f"{len(given)} instances: expected 1 to {limits.MAX_INSTANCES}")
    return [_decoded(instance, index) for index, instance in enumerate(given)]


def _decoded(instance: Any, index: int) -> bytes:
    if not isinstance(instance, dict) or set(instance) != {"data"} or not isinstance(instance["data"], str):
        raise Refused(400, "invalid_batch", f'instances[{index}]: expected {{"data": "<base64>"}}')
    text = instance["data"].rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused(400, "invalid_base64", f"instances[{index}].data is not base64") from error


def read_wishes(attributes: str) -> Wishes:
    """What `X-Amzn-SageMaker-Custom-Attributes` says: `min_score=0.3;max_detections=50`, either or none.

    Raises:
        Refused: a name is unknown, or a value cannot be.
    """
    found: dict[str, str] = {}
    for part in filter(None, (each.strip() for each in attributes.split(";"))):
        name, _, value = part.partition("=")
        if name not in {"min_score", "max_detections"} or name in found:
            raise Refused(
                400, "invalid_attribute", f"attribute {name!r}: expected min_score and max_detections, once each"
            )
        found[name] = value
    return Wishes(_score(found.get("min_score")), _count(found.get("max_detections")))


def _score(text: str | None) -> float | None:
    if text is None:
        return None
    if not NUMBER.fullmatch(text) or float(text) > 1:
        raise Refused(400, "invalid_attribute", f"min_score is {text!r}: expected a number from 0 to 1")
    return float(text)


def _count(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,6}", text) or not 1 <= int(text) <= limits.MAX_DETECTIONS:
        raise Refused(
            400,
            "invalid_attribute",
            f"max_detections is {text!r}: expected a whole number from 1 to {limits.MAX_DETECTIONS}",
        )
    return int(text)

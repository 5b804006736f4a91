"""Every code that the API's own errors have: its status, and what it means. OpenAPI and docs/api.md tell the same."""

from dataclasses import dataclass
from typing import Final

BAD_REQUEST: Final = 400
NOT_FOUND: Final = 404
TOO_LARGE: Final = 413
UNSUPPORTED: Final = 415
UNAVAILABLE: Final = 503


@dataclass(frozen=True)
class Meaning:
    """HTTP status, and a sentence for the reader of the reference."""

    status: int
    about: str


CODES: Final[dict[str, Meaning]] = {
    "body_invalid": Meaning(BAD_REQUEST, "The body is not one JSON object with the fields that are expected."),
    "file_missing": Meaning(BAD_REQUEST, "The JSON body has no `file`."),
    "file_invalid": Meaning(BAD_REQUEST, "`file` is neither base64 nor a data URL in base64."),
    "name_invalid": Meaning(BAD_REQUEST, "`name` is not text of at most 255 characters."),
    "parameter_invalid": Meaning(BAD_REQUEST, "A query parameter is not known, is given twice, or has a wrong value."),
    "version_invalid": Meaning(BAD_REQUEST, "A version is a whole number, 1 or above."),
    "picture_empty": Meaning(BAD_REQUEST, "The picture has no bytes."),
    "picture_damaged": Meaning(BAD_REQUEST, "The picture cannot be decoded to its end."),
    "task_not_found": Meaning(NOT_FOUND, "No such task: it is not served, or no version of it was published."),
    "version_not_found": Meaning(NOT_FOUND, "The task has no such version."),
    "file_not_found": Meaning(NOT_FOUND, "The version has no such file, or says nothing of labels."),
    "picture_too_large": Meaning(TOO_LARGE, "The picture has more than 4.5 MB."),
    "picture_dimensions": Meaning(TOO_LARGE, "The picture has more than 4096 pixels on a side."),
    "picture_type": Meaning(UNSUPPORTED, "The bytes are neither a JPEG nor a PNG file, whatever name and type say."),
    "unsupported_media_type": Meaning(UNSUPPORTED, "The content type is none that this route takes."),
    "endpoint_busy": Meaning(UNAVAILABLE, "The endpoint has more requests than it can take, or is just waking up."),
    "endpoint_failed": Meaning(UNAVAILABLE, "The endpoint answered with an error."),
    "endpoint_unavailable": Meaning(UNAVAILABLE, "The endpoint does not answer."),
    "storage_unavailable": Meaning(UNAVAILABLE, "A bucket cannot be read, or the picture cannot be stored."),
    "too_slow": Meaning(UNAVAILABLE, "Nothing was found within 25 seconds."),
}


def status_of(code: str) -> int:
    """The HTTP status of a code; a code that is not in the table is a KeyError."""
    return CODES[code].status

"""What the API says, as contracts: the OpenAPI document is made from them, and its tests read answers by them."""

from typing import Annotated, Any

from pydantic import Field

from edgetrain import limits
from edgetrain.contracts import Contract, Identifier, Sha256

Share = Annotated[float, Field(ge=0, le=1)]


class DetectionRequest(Contract):
    """A picture in JSON."""

    name: str = Field(
        default="",
        max_length=limits.PICTURE_NAME_CHARACTERS,
        description="Kept as metadata of the picture; never a path.",
    )
    file: str = Field(description="The JPEG or PNG file: a data URL, or base64 (plain or URL-safe, padded or not).")


class Prediction(Contract):
    """What is in one picture."""

    prediction: tuple[tuple[Annotated[int, Field(ge=0)], Share, Share, Share, Share, Share], ...] = Field(
        description=(
            "Rows [class, score, xmin, ymin, xmax, ymax], best first. The class is an index into the task's labels; the box is in "
            "shares of the upright picture's width and height."
        )
    )


class Labels(Contract):
    """The names of a task's classes."""

    task: Identifier
    version: int = Field(ge=1, description="The version whose labels these are: the one that is served.")
    labels: tuple[str, ...]


class VersionFile(Contract):
    """A file of a published version."""

    name: str
    sha256: Sha256
    size: int = Field(ge=0)


class Version(Contract):
    """A published version."""

    version: int = Field(ge=1)
    created_at: str
    files: tuple[VersionFile, ...]
    metrics: dict[str, float]
    lineage: dict[str, Any]


class Versions(Contract):
    """Published versions, newest first. `next` is for the following page; null: there is none."""

    task: Identifier
    versions: tuple[Version, ...]
    next: str | None = None


class FileDownload(VersionFile):
    """Where a file is to be had, and what its bytes must be."""

    url: str = Field(description="Readable by a plain GET until `expires_at`, without a token. Do not log it.")


class Download(Contract):
    """Addresses of a version's files."""

    task: Identifier
    version: int = Field(ge=1)
    expires_at: str = Field(description="UTC, ISO 8601.")
    files: tuple[FileDownload, ...]


class Problem(Contract):
    """What went wrong: a code for programs, a sentence for people."""

    code: str
    message: str


class ErrorReply(Contract):
    """An error of ours."""

    error: Problem


class GatewayReply(Contract):
    """What API Gateway answers itself, before any code of ours runs."""

    message: str

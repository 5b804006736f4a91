"""What the commands about models and pictures print with `--json`."""

from typing import Any, Self

from pydantic import Field

from edgetrain.client.documents import Document
from edgetrain.contracts import FileEntry, Manifest, Sha256


class ModelVersion(Document):
    """A published version."""

    task: str
    version: int
    created_at: str
    metrics: dict[str, float]
    lineage: dict[str, Any]
    files: tuple[FileEntry, ...]

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        """What there is to say of a version is its manifest without the manifest's own format."""
        return cls.model_validate(manifest.model_dump(exclude={"format"}))


class ModelsDocument(Document):
    """`edgetrain models list --json`, by task, newest first."""

    models: tuple[ModelVersion, ...]


class DownloadDocument(Document):
    """`edgetrain models download --json`."""

    task: str
    version: int
    folder: str
    files: tuple[FileEntry, ...]


class PretrainedDocument(Document):
    """`edgetrain models import-pretrained --json`."""

    task: str
    version: int
    imported: bool = Field(description="False: it was there already.")
    manifest_key: str = Field(description="In ModelsBucket.")
    source: str = Field(description="The package that the model is from.")
    licence: str = Field(description="Of the model (SPDX).")
    files: tuple[FileEntry, ...]


class DetectedDocument(Document):
    """One thing in a picture; edges are shares (0..1) of the upright picture's width and height."""

    label_index: int = Field(ge=0)
    label: str
    score: float
    xmin: float
    ymin: float
    xmax: float
    ymax: float


class DetectionsDocument(Document):
    """`edgetrain detect --json`."""

    task: str
    model_version: int | None = Field(description="The version that answered.")
    picture_id: str | None = Field(description="Under which the picture is kept for a day; null where none are kept.")
    width: int = Field(description="Of the upright picture, in pixels.")
    height: int
    detections: tuple[DetectedDocument, ...] = Field(description="Best first.")
    out: str | None = Field(description="The file with the boxes.")


class LookedAt(Document):
    """One photograph of the demonstration."""

    name: str
    expected: str = Field(description="The label of what is in it.")
    found: bool = Field(description="Whether that was detected.")
    detections: tuple[DetectedDocument, ...] = Field(description="Best first.")
    out: str = Field(description="The file with the boxes.")


class SeenDocument(Document):
    """`edgetrain demo-see --json`."""

    photographs: tuple[LookedAt, ...]
    screenshots: tuple[str, ...] = Field(description="Of the page in a browser; empty where there is none.")


class VerifiedFile(Document):
    """What the manifest says of a stored file, and what lies in ModelsBucket."""

    name: str
    key: str
    sha256: Sha256 = Field(description="As the manifest says.")
    size: int = Field(description="As the manifest says, in bytes.")
    stored_sha256: Sha256 | None = Field(description="Of the bytes that are stored; null when there are none.")
    stored_size: int | None
    intact: bool


class VerifyDocument(Document):
    """`edgetrain models verify --json`; the exit code is 1 when a file is not intact."""

    task: str
    version: int
    intact: bool = Field(description="Whether all files are.")
    files: tuple[VerifiedFile, ...]


class PromoteDocument(Document):
    """`edgetrain models promote --json`."""

    task: str
    version: int = Field(description="What the endpoint serves now.")
    previous_version: int | None = Field(description="What was promoted before; null: nothing ever was.")
    endpoint: str = Field(description="SageMaker's name of the endpoint.")


#: Name of the schema's file -> the document.
MODEL_DOCUMENTS: dict[str, type[Document]] = {
    "model": ModelVersion,
    "models": ModelsDocument,
    "download": DownloadDocument,
    "pretrained": PretrainedDocument,
    "detections": DetectionsDocument,
    "seen": SeenDocument,
    "verify": VerifyDocument,
    "promote": PromoteDocument,
}

"""The services behind the API, in memory: endpoints, the pictures' bucket, published versions; and Lambda's context."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field

from edgetrain import keys
from edgetrain.contracts import DetectorSpec, FileEntry, Manifest, ServedPointer
from edgetrain.stores.endpoints import EndpointAnswer
from tests.unit.fakes.stores import MemoryStore

ROWS = [[0, 0.9, 0.1, 0.2, 0.5, 0.75], [2, 0.4, 0.0, 0.0, 1.0, 1.0]]


@dataclass
class FakeEndpoints:
    """Endpoints that find `rows` in everything; `asked` is what they were asked, `raises` what happens instead."""

    rows: list[list[int | float]] = field(default_factory=lambda: [list(row) for row in ROWS])
    version: str | None = "3"
    raises: Exception | None = None
    asked: list[tuple[str, bytes, str, float | None, int | None]] = field(default_factory=list)
    tasks: Collection[str] = ("objects",)

    def detect(
        self, task: str, picture: bytes, media_type: str, *, min_score: float | None, max_detections: int | None
    ) -> EndpointAnswer:
        self.asked.append((task, picture, media_type, min_score, max_detections))
        if self.raises is not None:
            raise self.raises
        return EndpointAnswer(self.rows, self.version)


@dataclass
class FakePictures:
    """A bucket that is only written: key -> (bytes, content type, name)."""

    kept: dict[str, tuple[bytes, str, str]] = field(default_factory=dict)
    raises: Exception | None = None

    def keep(self, key: str, body: bytes, *, content_type: str, name: str) -> None:
        if self.raises is not None:
            raise self.raises
        assert key not in self.kept
        self.kept[key] = (body, content_type, name)


@dataclass
class FakeVersions(MemoryStore):
    """ModelsBucket; `read` are the keys that were read, in order."""

    read: list[str] = field(default_factory=list)

    def get(self, key: str, *, version_id: str | None = None) -> bytes:
        self.read.append(key)
        return super().get(key, version_id=version_id)

    def presigned(self, key: str, *, seconds: int) -> str:
        return f"https://models.example/{key}?expires={seconds}"

    def publish(self, task: str, version: int, files: dict[str, bytes]) -> Manifest:
        """A version with these files."""
        entries = []
        for name, body in files.items():
            key = keys.model_file(task, version, name)
            self.put(key, body)
            entries.append(FileEntry(name=name, key=key, sha256=hashlib.sha256(body).hexdigest(), size=len(body)))
        manifest = Manifest(
            task=task,
            version=version,
            created_at=f"2026-01-{version:02d}T00:00:00Z",
            files=tuple(entries),
            metrics={"accuracy": 0.5},
            lineage={"run_id": "r"},
        )
        self.put(keys.model_file(task, version, keys.MANIFEST_FILE), manifest.model_dump_json().encode())
        return manifest

    def promote(self, task: str, version: int) -> None:
        """`version` is what the endpoint serves from now on."""
        pointer = ServedPointer(
            task=task, version=version, manifest_sha256="0" * 64, promoted_at="2026-01-01T00:00:00Z"
        )
        self.put(keys.served_pointer(task), pointer.model_dump_json().encode())


def detector(*labels: str) -> bytes:
    """A detector.json with these labels."""
    return (
        DetectorSpec.model_validate(
            {
                "task": "objects",
                "title": "Objects",
                "labels": labels,
                "input": {"height": 300, "width": 300, "scale": 1 / 127.5, "offset": -1.0},
                "decoder": {
                    "boxes": "boxes",
                    "logits": "logits",
                    "background": True,
                    "centre_scale": 10,
                    "size_scale": 5,
                    "anchors": {"strides": [16], "min_scale": 0.2, "max_scale": 0.9, "aspect_ratios": [1.0]},
                },
                "min_score": 0.3,
                "iou": 0.5,
                "max_detections": 20,
            }
        )
        .model_dump_json()
        .encode()
    )


class FakeContext:
    """What Powertools reads of Lambda's context."""

    function_name = "function"
    memory_limit_in_mb = 128
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:function"
    aws_request_id = "request"

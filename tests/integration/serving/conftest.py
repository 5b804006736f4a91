"""An embedded cloud of its own with storage and endpoint deployed, so that tests may promote, break and deploy again."""

import hashlib
import io
import json
import shutil
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from edgetrain import keys
from edgetrain.cli import photographs
from edgetrain.client.connection import Connection
from edgetrain.client.models import find_model
from edgetrain.client.outputs import read_outputs
from edgetrain.client.pretrained import import_pretrained
from edgetrain.client.serving import Promoted, Promotions
from edgetrain.contracts import FileEntry, Manifest
from edgetrain.local import deployment, process
from edgetrain.local.assembly import MANIFEST
from edgetrain.local.cloud import SCRATCH
from edgetrain.stores.ledger import DynamoLedger
from edgetrain.stores.s3 import S3ObjectStore
from tests.session_cloud import PROJECT, say
from tests.waiting import eventually

STORAGE, INFERENCE = "EdgetrainStorage", "EdgetrainInference"
LABEL_PERSON = "Person"


@pytest.fixture(scope="session")
def photograph() -> bytes:
    """A JPEG with a person in it."""
    return photographs.photograph("astronaut")


def reduced(assembly: Path, folder: Path) -> Path:
    """A copy of an assembly with storage and endpoints alone; what tests change in it changes nothing else."""
    kept = [STORAGE, INFERENCE, f"{STORAGE}.assets", f"{INFERENCE}.assets"]
    manifest = json.loads((assembly / MANIFEST).read_text())
    manifest["artifacts"] = {name: manifest["artifacts"][name] for name in kept}
    folder.mkdir()
    (folder / MANIFEST).write_text(json.dumps(manifest))
    for stack in (STORAGE, INFERENCE):
        for suffix in ("assets.json", "template.json"):
            shutil.copy(assembly / f"{stack}.{suffix}", folder)
        listed = json.loads((folder / f"{stack}.assets.json").read_text())
        for asset in listed["files"].values():
            source = asset["source"]["path"]
            if not (folder / source).exists():
                (folder / source).symlink_to(assembly / source)
    return folder


@dataclass
class Served:
    """The cloud, and the words for what tests do with its endpoint."""

    connection: Connection
    data_dir: Path
    assembly: Path

    def __post_init__(self) -> None:
        outputs = read_outputs(self.connection.client("cloudformation"))
        self.endpoint = outputs["ObjectsEndpoint"]
        self.bucket = outputs["ModelsBucket"]
        self.models = S3ObjectStore(self.connection.client("s3"), self.bucket)
        self.ledger = DynamoLedger(self.connection.client("dynamodb"), outputs["LedgerTable"])
        self.sagemaker = self.connection.client("sagemaker")
        self.runtime = self.connection.client("sagemaker-runtime")

    def invoke(self, body: bytes, content_type: str = "image/jpeg", **more: Any) -> dict[str, Any]:
        answer = self.runtime.invoke_endpoint(EndpointName=self.endpoint, Body=body, ContentType=content_type, **more)
        return {"version": answer["CustomAttributes"].rsplit("=", 1)[-1], **json.loads(answer["Body"].read())}

    def publish(self, version: int, change: Callable[[dict[str, Any]], None]) -> Manifest:
        """A version like the first one, with another detector.json."""
        first = find_model(self, "objects", 1)  # type: ignore[arg-type] # it looks at `models` alone
        bodies = {entry.name: self.models.get(entry.key) for entry in first.files}
        described = json.loads(bodies[keys.DETECTOR_FILE])
        change(described)
        bodies[keys.DETECTOR_FILE] = json.dumps(described).encode()
        entries = []
        for name, body in bodies.items():
            key = keys.model_file("objects", version, name)
            self.models.put_once(key, body)
            digest = hashlib.sha256(body).hexdigest()
            entries.append(FileEntry(name=name, key=key, sha256=digest, size=len(body)))
        manifest = first.model_copy(update={"version": version, "files": tuple(entries)})
        self.models.put_once(
            keys.model_file("objects", version, keys.MANIFEST_FILE), manifest.model_dump_json().encode()
        )
        return manifest

    def promote(self, version: int) -> Promoted:
        promotions = Promotions(
            s3=self.connection.client("s3"), bucket=self.bucket, sagemaker=self.sagemaker, pause=0.05
        )
        manifest = find_model(self, "objects", version)  # type: ignore[arg-type]
        return promotions.promote(self.endpoint, manifest, self.models, say)

    def forget_promotions(self) -> None:
        """As on the first day."""
        self.connection.client("s3").delete_object(Bucket=self.bucket, Key=keys.served_pointer("objects"))

    def deploy(self, change: Callable[[dict[str, Any]], None] | None = None) -> str:
        """Deploy again, with a change of the endpoints' template; the stack's status."""
        template = self.assembly / f"{INFERENCE}.template.json"
        document = json.loads(template.read_text())
        if change is not None:
            change(document["Resources"])
            template.write_text(json.dumps(document))
        return deployment.deploy(self.connection.endpoint or "", self.assembly, say)[INFERENCE]

    def store_asset(self, key: str, files: dict[str, bytes]) -> str:
        """Another `model.tar.gz` among the CDK's assets; its URL."""
        written = io.BytesIO()
        with tarfile.open(fileobj=written, mode="w:gz") as archive:
            for name, body in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(body)
                archive.addfile(info, io.BytesIO(body))
        self.connection.client("s3").put_object(Bucket=deployment.STAGING_BUCKET, Key=key, Body=written.getvalue())
        return f"s3://{deployment.STAGING_BUCKET}/{key}"


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data_dir = tmp_path_factory.mktemp("served")
    built = deployment.assembly(PROJECT / "build" / "assembly", say)
    assembly = reduced(built, data_dir / "assembly")
    running = process.start(data_dir, port=0)
    try:
        deployment.deploy(running.endpoint, assembly, say)
        made = Served(Connection.embedded(running.endpoint), data_dir, assembly)
        import_pretrained(made)  # type: ignore[arg-type]
        yield made
    finally:
        process.stop(data_dir)
    assert processes(data_dir) == []
    assert list((data_dir / SCRATCH / "endpoints").iterdir()) == []


def processes(data_dir: Path) -> list[psutil.Process]:
    """Serving processes of the cloud of a data directory: what runs below its images."""
    found = []
    for each in psutil.process_iter(["cmdline"]):
        try:
            if "training_jobs" in (each.info["cmdline"] or []) and each.cwd().startswith(str(data_dir)):
                found.append(each)
        except psutil.Error:
            continue
    return found


@dataclass
class Load:
    """Callers that do not stop: the versions that answered, and what went wrong."""

    versions: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@contextmanager
def under_load(served: Served, photograph: bytes, callers: int = 3) -> Iterator[Load]:
    """Requests from several callers for as long as it lasts."""
    load, stop = Load(), threading.Event()

    def call() -> None:
        while not stop.is_set():
            try:
                load.versions.append(served.invoke(photograph)["version"])
            except Exception as error:
                load.errors.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(load.versions) >= callers, "each caller has an answer")
    try:
        yield load
        seen = len(load.versions)
        eventually(lambda: len(load.versions) >= seen + callers, "each caller has another answer")
    finally:
        stop.set()
        for thread in threads:
            thread.join()

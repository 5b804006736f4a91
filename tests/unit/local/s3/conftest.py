"""S3 of the embedded cloud, asked by boto3 without a socket."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edgetrain.local.front import Front
from edgetrain.local.loopback import Loopback
from edgetrain.local.moto_app import MotoApplication
from edgetrain.local.s3 import S3Api
from edgetrain.local.wsgi import Application


@dataclass(frozen=True)
class S3:
    """A client, the application behind it, and where bodies lie."""

    client: Any
    application: Application
    folder: Path

    def files(self) -> int:
        return sum(1 for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> S3:
    folder = tmp_path_factory.mktemp("objects")
    moto = MotoApplication()
    front = Front(moto, b"{}")
    front.serve("s3", S3Api(moto, folder))
    return S3(Loopback(front).client("s3"), front, folder)


@pytest.fixture
def make_bucket(s3: S3) -> Callable[..., str]:
    def make(versioning: str | None = None) -> str:
        name = f"bucket-{uuid.uuid4().hex[:12]}"
        s3.client.create_bucket(Bucket=name)
        if versioning:
            s3.client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": versioning})
        return name

    return make


@pytest.fixture
def bucket(make_bucket: Callable[..., str]) -> str:
    return make_bucket()

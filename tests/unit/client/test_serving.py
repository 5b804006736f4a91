"""Promotion: the pointer and the endpoint, and what stays when one of them does not go along."""

# ruff: noqa: N803 (the fakes take boto3's own argument names)

import hashlib
import io
from typing import Any

import pytest
from botocore.exceptions import ClientError

from edgetrain import keys
from edgetrain.client.outputs import endpoints_of
from edgetrain.client.serving import Promoted, Promotions
from edgetrain.contracts import FileEntry, Manifest, ServedPointer
from edgetrain.errors import ModelNotFound, PromotionFailed
from tests.unit.fakes.stores import MemoryStore

ENDPOINT = "EdgetrainInference-ObjectsServerlessEndpoint0123-0123456789ab"
POINTER = "models/objects/served.json"


def failure(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "Call")


class Bucket:
    """S3's conditional writes of one object, over a store."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store

    @staticmethod
    def etag(body: bytes) -> str:
        return hashlib.sha256(body).hexdigest()[:16]

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if Key not in self.store:
            raise failure("NoSuchKey")
        body = self.store.get(Key)
        return {"Body": io.BytesIO(body), "ETag": self.etag(body)}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str, **condition: str) -> dict[str, Any]:
        assert len(condition) == 1, "a pointer is never written without a condition"
        if "IfNoneMatch" in condition and Key in self.store:
            raise failure("PreconditionFailed")
        if "IfMatch" in condition and Key not in self.store:
            raise failure("NoSuchKey")
        if "IfMatch" in condition and condition["IfMatch"] != self.etag(self.store.get(Key)):
            raise failure("PreconditionFailed")
        self.store.put(Key, Body)
        return {"ETag": self.etag(Body)}

    def delete_object(self, *, Bucket: str, Key: str, IfMatch: str) -> None:
        assert IfMatch == self.etag(self.store.get(Key))
        del self.store.objects[Key]


class SageMaker:
    """One endpoint; an update takes one look. `reason` is why the next one does not come up."""

    def __init__(self) -> None:
        self.configs: dict[str, dict[str, Any]] = {
            "of-cloudformation": {
                "ProductionVariants": [{"VariantName": "AllTraffic", "ModelName": "m"}],
                "KmsKeyId": "k",
            }
        }
        self.current, self.status = "of-cloudformation", "InService"
        self.reason: str | None = None
        self.refuses: str | None = None
        self._next: str | None = None
        self.served_at_update: list[Any] = []
        self.on_update = lambda: None

    def describe_endpoint(self, *, EndpointName: str) -> dict[str, Any]:
        assert EndpointName == ENDPOINT
        told: dict[str, Any] = {"EndpointStatus": self.status, "EndpointConfigName": self.current}
        if self.status == "Updating":
            self.status = "InService"
            if self.reason is None:
                self.current = self._next or ""
        elif self.reason:
            told["FailureReason"] = self.reason
        return told

    def describe_endpoint_config(self, *, EndpointConfigName: str) -> dict[str, Any]:
        return {"EndpointConfigName": EndpointConfigName, "CreationTime": 0, **self.configs[EndpointConfigName]}

    def create_endpoint_config(self, *, EndpointConfigName: str, **settings: Any) -> None:
        assert len(EndpointConfigName) <= 63
        self.configs[EndpointConfigName] = settings

    def delete_endpoint_config(self, *, EndpointConfigName: str) -> None:
        del self.configs[EndpointConfigName]

    def update_endpoint(self, *, EndpointName: str, EndpointConfigName: str) -> None:
        if self.refuses:
            raise failure(self.refuses)
        self.on_update()
        self._next, self.status = EndpointConfigName, "Updating"

    def get_paginator(self, operation: str) -> "SageMaker":
        assert operation == "list_endpoint_configs"
        return self

    def paginate(self, *, NameContains: str) -> list[dict[str, Any]]:
        return [{"EndpointConfigs": [{"EndpointConfigName": name} for name in self.configs if NameContains in name]}]


class Deployment:
    def __init__(self) -> None:
        self.models = MemoryStore()
        self.bucket, self.sagemaker = Bucket(self.models), SageMaker()
        self.promotions = Promotions(s3=self.bucket, bucket="models", sagemaker=self.sagemaker, pause=0)
        self.said: list[str] = []

    def publish(self, version: int, names: tuple[str, ...] = (keys.MODEL_FILE, keys.DETECTOR_FILE)) -> Manifest:
        files = tuple(
            FileEntry(name=name, key=keys.model_file("objects", version, name), sha256="0" * 64, size=1)
            for name in names
        )
        manifest = Manifest(
            task="objects", version=version, created_at="2026-01-01T00:00:00+00:00", files=files, metrics={}, lineage={}
        )
        self.models.put(keys.model_file("objects", version, keys.MANIFEST_FILE), manifest.model_dump_json().encode())
        return manifest

    def promote(self, manifest: Manifest) -> Promoted:
        return self.promotions.promote(ENDPOINT, manifest, self.models, self.said.append)

    @property
    def pointer(self) -> ServedPointer | None:
        return ServedPointer.model_validate_json(self.models.get(POINTER)) if POINTER in self.models else None


@pytest.fixture
def deployment():
    return Deployment()


def test_a_version_is_promoted(deployment):
    manifest = deployment.publish(2)
    assert deployment.promote(manifest) == Promoted(2, None)
    body = deployment.models.get(keys.model_file("objects", 2, keys.MANIFEST_FILE))
    assert deployment.pointer.version == 2
    assert deployment.pointer.manifest_sha256 == hashlib.sha256(body).hexdigest()
    settings = deployment.sagemaker.configs[deployment.sagemaker.current]
    assert settings == deployment.sagemaker.configs["of-cloudformation"]
    assert "-v2-" in deployment.sagemaker.current


def test_the_pointer_is_written_before_containers_start(deployment):
    seen = []
    deployment.sagemaker.on_update = lambda: seen.append(deployment.pointer.version)
    deployment.promote(deployment.publish(2))
    assert seen == [2]


def test_going_back_is_promoting_an_earlier_one(deployment):
    first, second = deployment.publish(1), deployment.publish(2)
    deployment.promote(second)
    assert deployment.promote(first) == Promoted(1, 2)
    assert deployment.pointer.version == 1


def test_configurations_of_earlier_promotions_go(deployment):
    foreign = [f"{ENDPOINT[:42].rstrip('-')}-of-somebody", "another-v1-00000000"]
    for name in foreign:
        deployment.sagemaker.configs[name] = {}
    for version in (2, 3, 4):
        deployment.promote(deployment.publish(version))
    assert set(deployment.sagemaker.configs) == {"of-cloudformation", deployment.sagemaker.current, *foreign}


@pytest.mark.parametrize("earlier", [None, 1])
def test_containers_that_do_not_come_up_leave_everything_as_it_was(deployment, earlier):
    if earlier:
        deployment.promote(deployment.publish(earlier))
    before = (
        deployment.sagemaker.current,
        set(deployment.sagemaker.configs),
        deployment.models.objects.get(POINTER, [None])[-1],
    )
    deployment.sagemaker.reason = "no such file"
    with pytest.raises(PromotionFailed, match="no such file"):
        deployment.promote(deployment.publish(2))
    after = (
        deployment.sagemaker.current,
        set(deployment.sagemaker.configs),
        deployment.models.objects.get(POINTER, [None])[-1],
    )
    assert after == before


def test_an_update_that_sagemaker_refuses_leaves_everything_as_it_was(deployment):
    deployment.sagemaker.refuses = "ValidationException"
    with pytest.raises(PromotionFailed, match="ValidationException"):
        deployment.promote(deployment.publish(2))
    assert deployment.pointer is None
    assert set(deployment.sagemaker.configs) == {"of-cloudformation"}


@pytest.mark.parametrize("earlier", [None, 1])
def test_two_promotions_at_once(deployment, earlier):
    if earlier:
        deployment.promote(deployment.publish(earlier))
    manifest = deployment.publish(2)
    other = ServedPointer(task="objects", version=3, manifest_sha256="0" * 64, promoted_at="now")
    read = deployment.models.get

    def meanwhile(key: str) -> bytes:
        if key.endswith(keys.MANIFEST_FILE):  # read after the pointer was, and before it is written
            deployment.models.put(POINTER, other.model_dump_json().encode())
        return read(key)

    deployment.models.get = meanwhile
    with pytest.raises(PromotionFailed, match="at this moment"):
        deployment.promote(manifest)
    assert deployment.pointer.version == 3


def test_an_endpoint_that_changes_is_left_alone(deployment):
    deployment.sagemaker.status = "Failed"
    with pytest.raises(PromotionFailed, match="Failed"):
        deployment.promote(deployment.publish(2))
    assert deployment.pointer is None


def test_what_is_no_detector_is_not_promoted(deployment):
    with pytest.raises(ModelNotFound, match=r"model\.tflite and no detector\.json"):
        deployment.promote(deployment.publish(2, (keys.WEIGHTS_FILE,)))
    assert deployment.pointer is None


def test_one_that_takes_for_ever_keeps_its_pointer(deployment, monkeypatch):
    """Whichever containers come up later look it up."""
    monkeypatch.setattr("edgetrain.client.serving.WAIT_SECONDS", -1)
    with pytest.raises(PromotionFailed, match="still Updating"):
        deployment.promote(deployment.publish(2))
    assert deployment.pointer.version == 2


def test_the_output_of_a_task():
    assert endpoints_of({"ObjectsEndpoint": "e", "WebUrl": "u"}) == {"objects": "e"}

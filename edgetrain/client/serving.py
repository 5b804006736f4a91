"""Promotion: which version of a task its endpoint serves (docs/adr/0008). Going back is promoting an earlier version.

The pointer `models/<task>/served.json` is what counts: containers read it when they start. So it is written first, under the
condition that nobody else wrote it meanwhile, and then the endpoint is given a fresh configuration, equal to the one that it
has, so that SageMaker replaces its containers without a gap. Who is interrupted in between promotes again.
"""

import hashlib
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from edgetrain import keys
from edgetrain.contracts import Manifest, ServedPointer
from edgetrain.errors import ModelNotFound, PromotionFailed
from edgetrain.stores.base import ObjectStore
from edgetrain.stores.failures import MISSING, code_of, is_precondition

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient

Progress = Callable[[str], None]

#: What of an endpoint configuration the fresh one takes over.
COPIED: Final = (
    *("ProductionVariants", "DataCaptureConfig", "KmsKeyId", "AsyncInferenceConfig", "ExplainerConfig", "VpcConfig"),
    *("ShadowProductionVariants", "ExecutionRoleArn", "EnableNetworkIsolation"),
)
#: A configuration's name has at most 63 characters: endpoint, version, eight digits of chance.
ENDPOINT_CHARACTERS: Final = 42
OURS: Final = re.compile(r"-v\d+-[0-9a-f]{8}")
CHANGING: Final = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack"})
#: SageMaker replaces containers within minutes; after this long something is wrong.
WAIT_SECONDS: Final = 30 * 60.0
NEEDED: Final = (keys.MODEL_FILE, keys.DETECTOR_FILE)


@dataclass(frozen=True)
class Promoted:
    """What is served now, and what was before (None: the first model, without a pointer)."""

    version: int
    previous: int | None


@dataclass(frozen=True)
class _Pointer:
    """The pointer as it lies in S3: its content, and the ETag that a conditional write names."""

    body: bytes
    etag: str

    @property
    def version(self) -> int:
        return ServedPointer.model_validate_json(self.body).version


@dataclass(frozen=True)
class Promotions:
    """Promotes versions of one deployment. `pause` is the time between two looks at an endpoint, in seconds."""

    s3: "S3Client"
    bucket: str
    sagemaker: "SageMakerClient"
    pause: float

    def promote(self, endpoint: str, manifest: Manifest, models: ObjectStore, progress: Progress) -> Promoted:
        """Let the endpoint serve the manifest's version, and wait until it does.

        Raises:
            ModelNotFound: the version is no detector.
            PromotionFailed: the containers did not come up, or somebody else promotes at this moment; what was served before
                still is.
        """
        names = {entry.name for entry in manifest.files}
        if missing := [name for name in NEEDED if name not in names]:
            raise ModelNotFound(
                f"version {manifest.version} of task {manifest.task!r} has no {' and no '.join(missing)}: an endpoint serves detectors"
            )
        standing = self._at_rest(endpoint)
        before = self._read(manifest.task)
        written = self._point(manifest, models, before)
        progress(f"{manifest.task} version {manifest.version} is the one to serve: replacing the endpoint's containers")
        config = self._fresh_config(endpoint, standing["EndpointConfigName"], manifest.version)
        reason = self._replace_containers(endpoint, config)
        if reason is not None:
            self._restore(manifest.task, before, written)
            self.sagemaker.delete_endpoint_config(EndpointConfigName=config)
            raise PromotionFailed(f"endpoint {endpoint} keeps what it served: {reason}")
        self._sweep(endpoint, config)
        return Promoted(manifest.version, None if before is None else before.version)

    # --- the pointer

    def _read(self, task: str) -> _Pointer | None:
        try:
            found = self.s3.get_object(Bucket=self.bucket, Key=keys.served_pointer(task))
        except ClientError as error:
            if code_of(error) not in MISSING:
                raise
            return None
        return _Pointer(found["Body"].read(), found["ETag"])

    def _point(self, manifest: Manifest, models: ObjectStore, before: _Pointer | None) -> _Pointer:
        digest = hashlib.sha256(models.get(keys.model_file(manifest.task, manifest.version, keys.MANIFEST_FILE)))
        pointer = ServedPointer(
            task=manifest.task,
            version=manifest.version,
            manifest_sha256=digest.hexdigest(),
            promoted_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        return self._write(manifest.task, pointer.model_dump_json().encode(), before)

    def _write(self, task: str, body: bytes, before: _Pointer | None) -> _Pointer:
        condition: Any = {"IfNoneMatch": "*"} if before is None else {"IfMatch": before.etag}
        try:
            stored = self.s3.put_object(
                Bucket=self.bucket,
                Key=keys.served_pointer(task),
                Body=body,
                ContentType="application/json",
                **condition,
            )
        except ClientError as error:
            if not is_precondition(error) and code_of(error) not in {*MISSING, "ConditionalRequestConflict"}:
                raise
            raise PromotionFailed(
                f"another version of {task!r} is promoted at this moment: look, and try again"
            ) from error
        return _Pointer(body, stored["ETag"])

    def _restore(self, task: str, before: _Pointer | None, written: _Pointer) -> None:
        """A container that starts later must not find the version that did not come up."""
        if before is not None:
            self._write(task, before.body, written)
        else:
            self.s3.delete_object(Bucket=self.bucket, Key=keys.served_pointer(task), IfMatch=written.etag)

    # --- the endpoint

    def _at_rest(self, endpoint: str) -> dict[str, Any]:
        found: dict[str, Any] = dict(self.sagemaker.describe_endpoint(EndpointName=endpoint))
        if found["EndpointStatus"] != "InService":
            raise PromotionFailed(f"endpoint {endpoint} is {found['EndpointStatus']}: expected InService")
        return found

    def _fresh_config(self, endpoint: str, current: str, version: int) -> str:
        settings = self.sagemaker.describe_endpoint_config(EndpointConfigName=current)
        copied: Any = {name: settings[name] for name in COPIED if settings.get(name)}
        name = f"{_prefix(endpoint)}-v{version}-{uuid.uuid4().hex[:8]}"
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, **copied)
        return name

    def _replace_containers(self, endpoint: str, config: str) -> str | None:
        """Give the endpoint a configuration; why it does not come up with it, or None.

        Raises:
            PromotionFailed: it takes too long to know. The pointer stays: whichever containers come, they look it up.
        """
        try:
            self.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
        except ClientError as error:
            return str(error)
        deadline = time.monotonic() + WAIT_SECONDS
        while (found := self.sagemaker.describe_endpoint(EndpointName=endpoint))["EndpointStatus"] in CHANGING:
            if time.monotonic() > deadline:
                raise PromotionFailed(f"endpoint {endpoint} is still {found['EndpointStatus']}: its log says why")
            time.sleep(self.pause)
        if found["EndpointStatus"] == "InService" and found["EndpointConfigName"] == config:
            return None
        return found.get("FailureReason", f"it is {found['EndpointStatus']}")

    def _sweep(self, endpoint: str, current: str) -> None:
        """Delete configurations of earlier promotions. (Those of CloudFormation are CloudFormation's.)"""
        prefix = _prefix(endpoint)
        pages = self.sagemaker.get_paginator("list_endpoint_configs").paginate(NameContains=prefix)
        for found in [each["EndpointConfigName"] for page in pages for each in page["EndpointConfigs"]]:
            if found != current and found.startswith(prefix) and OURS.fullmatch(found.removeprefix(prefix)):
                self.sagemaker.delete_endpoint_config(EndpointConfigName=found)


def _prefix(endpoint: str) -> str:
    return endpoint[:ENDPOINT_CHARACTERS].rstrip("-")

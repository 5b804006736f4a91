"""From an endpoint configuration to what its containers run: the image's program, the model's data, the role's credentials."""

import io
import os
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from edgetrain.local.ecr import Images, tag_of
from edgetrain.local.functions import Credentials
from edgetrain.local.place import REGION
from edgetrain.local.sagemaker.container import Program
from edgetrain.local.sagemaker.dockerfile import entry_point, environment, stages

#: What SageMaker appends to `docker run IMAGE`.
SERVE: Final = "serve"
PYTHONS: Final = frozenset({"python", "python3"})
#: Where the containers' programs find their folders (training_jobs/folders.py): /opt/ml in a container.
BASE_VARIABLE: Final = "SAGEMAKER_BASE_DIR"


class CannotServe(Exception):
    """An endpoint cannot come up; the text is its failure reason."""


class Services(Protocol):
    """What the cloud around the endpoints does for them."""

    def credentials(self, role_arn: str, session_name: str) -> Credentials: ...


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The one production variant of a configuration, with its model. `most` is None for instances."""

    name: str
    image: str
    model_data: str | None
    variables: Mapping[str, str]
    role_arn: str
    size: int
    most: int | None

    @property
    def is_serverless(self) -> bool:
        return self.most is not None


def read_variant(config: Mapping[str, Any], find_model: Callable[[str], Any]) -> Variant:
    """Of a configuration as CreateEndpointConfig takes it.

    Raises:
        ValueError: the embedded cloud cannot run it; the sentence says what it can.
    """
    variants = config["ProductionVariants"]
    if len(variants) != 1:
        raise ValueError(f"the embedded cloud runs one production variant, and {len(variants)} are configured")
    (variant,) = variants
    model = find_model(variant["ModelName"])
    if model is None:
        raise ValueError(f"Could not find model {variant['ModelName']!r}.")
    container = model.primary_container or next(iter(model.containers), None)
    if container is None or len(model.containers) > 1 or "Image" not in container:
        raise ValueError("the embedded cloud runs models of one container with an image")
    serverless = variant.get("ServerlessConfig")
    return Variant(
        name=variant["VariantName"],
        image=container["Image"],
        model_data=container.get("ModelDataUrl"),
        variables=container.get("Environment") or {},
        role_arn=model.execution_role_arn,
        size=1 if serverless else int(variant.get("InitialInstanceCount", 1)),
        most=int(serverless["MaxConcurrency"]) if serverless else None,
    )


def make_program(
    variant: Variant,
    scratch: Path,
    *,
    images: Images,
    services: Services,
    read_object: Callable[[str, str], bytes],
    endpoint_url: str,
) -> Program:
    """What each container of the variant runs. `scratch` is the containers' own folder.

    Raises:
        CannotServe: the image is unknown, or the model data cannot be had.
    """
    tag = tag_of(variant.image)
    image = images.find(tag) if tag else None
    if image is None:
        raise CannotServe(
            f"the image {variant.image} is none of this checkout's assemblies, whose programs are what the embedded cloud runs"
        )
    found = stages((image.context / image.dockerfile).read_text())
    stage = list(found.values())[-1] if image.target is None else found[image.target]
    program, *arguments = entry_point(stage)
    if program not in PYTHONS:
        raise CannotServe(f"the image's program is {program}: expected {' or '.join(sorted(PYTHONS))}")
    _unpack(variant.model_data, scratch / "ml" / "model", read_object)
    (scratch / "tmp").mkdir()
    given = services.credentials(variant.role_arn, "SageMaker")
    return Program(
        arguments=[*arguments, SERVE],
        folder=image.context,
        variables={
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "TMPDIR": str(scratch / "tmp"),
            **environment(stage),
            **variant.variables,
            "PYTHONPATH": str(image.context),
            BASE_VARIABLE: str(scratch / "ml"),
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": endpoint_url,
            "AWS_ACCESS_KEY_ID": given.access_key_id,
            "AWS_SECRET_ACCESS_KEY": given.secret_access_key,
            "AWS_SESSION_TOKEN": given.session_token,
        },
    )


def _unpack(url: str | None, folder: Path, read_object: Callable[[str, str], bytes]) -> None:
    """The model's data, a `model.tar.gz` in S3, as files."""
    folder.mkdir(parents=True)
    if url is None:
        return
    parts = urlsplit(url)
    try:
        body = read_object(parts.netloc, parts.path.lstrip("/"))
    except Exception as error:
        raise CannotServe(f"Could not find model data at {url}: {error}") from error
    try:
        with tarfile.open(fileobj=io.BytesIO(body), mode="r:gz") as archive:
            archive.extractall(folder, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise CannotServe(f"the model data at {url} is no gzip-compressed tar archive: {error}") from error

"""The endpoints: one for each served task, InService on an empty account because a first model comes with the template.

Which *version* an endpoint serves is not in the template (docs/adr/0008): the container looks it up when it starts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from aws_cdk import ArnFormat, CfnOutput, Stack
from aws_cdk import aws_ecr_assets as ecr_assets
from constructs import Construct

from stacks.constructs.served_endpoint import ServedEndpoint
from stacks.packaging.serving import DOCKERFILE, ServingArtifacts
from stacks.serving import IMAGE_URI, Serving
from stacks.storage import Storage

#: The Dockerfile's target.
TARGET: Final = "serve"


class Endpoint(NamedTuple):
    """What a caller of an endpoint needs."""

    name: str
    arn: str


@dataclass(frozen=True, kw_only=True)
class Inference:
    """What a stack that asks endpoints is handed: task -> endpoint."""

    endpoints: Mapping[str, Endpoint]


class InferenceStack(Stack):
    """An endpoint for each task of `serving`. Outputs: `<Task>Endpoint`, the endpoint's name (`ObjectsEndpoint`)."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        storage: Storage,
        serving: Serving,
        artifacts: ServingArtifacts,
    ) -> None:
        super().__init__(scope, construct_id, description="Edgetrain: endpoints that serve models")
        image_uri, repository_arn = self._image(serving, artifacts)
        endpoints = {}
        for task in serving.tasks:
            endpoint = ServedEndpoint(
                self,
                task.title(),
                task=task,
                serving=serving,
                storage=storage,
                image_uri=image_uri,
                repository_arn=repository_arn,
                first_model=artifacts.first_models[task],
            )
            endpoints[task] = Endpoint(endpoint.name, endpoint.arn)
            CfnOutput(self, f"{task.title()}EndpointName", value=endpoint.name).override_logical_id(
                f"{task.title()}Endpoint"
            )
        self.inference = Inference(endpoints=endpoints)

    def _image(self, serving: Serving, artifacts: ServingArtifacts) -> tuple[str, str]:
        """The container image's URI and its repository's ARN. Synth needs no Docker; `cdk deploy` builds what ECR lacks."""
        if serving.image_uri is not None:
            named = IMAGE_URI.fullmatch(serving.image_uri)
            assert named is not None, "serving_of has checked it"  # noqa: S101
            return serving.image_uri, self.format_arn(
                service="ecr",
                account=named["account"],
                region=named["region"],
                resource="repository",
                resource_name=named["repository"],
                arn_format=ArnFormat.SLASH_RESOURCE_NAME,
            )
        asset = ecr_assets.DockerImageAsset(
            self,
            "Image",
            directory=str(artifacts.image),
            file=DOCKERFILE,
            target=TARGET,
            platform=ecr_assets.Platform.LINUX_AMD64,
        )
        return asset.image_uri, asset.repository.repository_arn

"""Models, endpoint configurations and endpoints."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from edgetrain.local.cloudformation.providers.base import ReplacedProvider, ServiceProvider, chosen
from edgetrain.local.cloudformation.resources import Declared, Made, Resource

LOOK_SECONDS: Final = 0.05
#: Numbers that templates may give as text.
NUMBERS: Final = frozenset({"InitialInstanceCount", "MaxConcurrency", "MemorySizeInMB", "ProvisionedConcurrency"})


class ModelProvider(ReplacedProvider):
    """`AWS::SageMaker::Model`: any change but of its tags makes another."""

    kind = "AWS::SageMaker::Model"
    service = "sagemaker"
    named_by = "ModelName"
    properties = frozenset({"ModelName", "ExecutionRoleArn", "PrimaryContainer", "Containers", "VpcConfig", "Tags"})
    immutable = properties

    def create(self, declared: Declared) -> Made:
        wanted = declared.properties
        name = wanted.get("ModelName", declared.name)
        settings = chosen(wanted, "ExecutionRoleArn", "PrimaryContainer", "Containers", "VpcConfig", "Tags")
        made = self.client.create_model(ModelName=name, **settings)
        return Made(made["ModelArn"], {"ModelName": name})

    def delete(self, standing: Resource) -> None:
        name = standing.attributes["ModelName"]
        _unless_gone(self.client.describe_model, self.client.delete_model, ModelName=name)


class EndpointConfigProvider(ReplacedProvider):
    """`AWS::SageMaker::EndpointConfig`: any change but of its tags makes another."""

    kind = "AWS::SageMaker::EndpointConfig"
    service = "sagemaker"
    named_by = "EndpointConfigName"
    properties = frozenset({"EndpointConfigName", "ProductionVariants", "Tags", "KmsKeyId"})
    immutable = properties

    def create(self, declared: Declared) -> Made:
        wanted = declared.properties
        name = wanted.get("EndpointConfigName", declared.name)
        settings = chosen(wanted, "Tags", "KmsKeyId")
        made = self.client.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=_typed(wanted["ProductionVariants"]), **settings
        )
        return Made(made["EndpointConfigArn"], {"EndpointConfigName": name})

    def delete(self, standing: Resource) -> None:
        name = standing.attributes["EndpointConfigName"]
        _unless_gone(self.client.describe_endpoint_config, self.client.delete_endpoint_config, EndpointConfigName=name)


class EndpointProvider(ServiceProvider):
    """`AWS::SageMaker::Endpoint`: done once it is in service, or with its failure reason. Changed in place, without a gap."""

    kind = "AWS::SageMaker::Endpoint"
    service = "sagemaker"
    named_by = "EndpointName"
    immutable = frozenset({"EndpointName"})
    properties = frozenset({"EndpointName", "EndpointConfigName", "Tags"})

    def create(self, declared: Declared) -> Made:
        wanted = declared.properties
        name = wanted.get("EndpointName", declared.name)
        settings = chosen(wanted, "Tags")
        made = self.client.create_endpoint(
            EndpointName=name, EndpointConfigName=wanted["EndpointConfigName"], **settings
        )
        self._await(name, wanted["EndpointConfigName"])
        return Made(made["EndpointArn"], {"EndpointName": name})

    def update(self, standing: Resource, declared: Declared) -> Made:
        name, wanted = standing.attributes["EndpointName"], declared.properties["EndpointConfigName"]
        if wanted != standing.properties["EndpointConfigName"]:
            self.client.update_endpoint(EndpointName=name, EndpointConfigName=wanted)
            self._await(name, wanted)
        return Made(standing.physical_id, standing.attributes)

    def delete(self, standing: Resource) -> None:
        name = standing.attributes["EndpointName"]
        _unless_gone(self.client.describe_endpoint, self.client.delete_endpoint, EndpointName=name)

    def _await(self, name: str, config: str) -> None:
        """Until it is in service with this configuration.

        Raises:
            ValueError: it failed; the sentence is its failure reason. One that failed to come up is deleted.
        """
        while True:
            found = self.client.describe_endpoint(EndpointName=name)
            if found["EndpointStatus"] not in {"Creating", "Updating"}:
                break
            time.sleep(LOOK_SECONDS)
        if found["EndpointStatus"] == "Failed":
            self.client.delete_endpoint(EndpointName=name)
        if found["EndpointStatus"] != "InService" or found["EndpointConfigName"] != config:
            raise ValueError(f"endpoint {name}: {found.get('FailureReason', found['EndpointStatus'])}")


def _typed(value: Any) -> Any:
    """Numbers as the API wants them."""
    if isinstance(value, Mapping):
        return {name: int(each) if name in NUMBERS else _weight(name, _typed(each)) for name, each in value.items()}
    return [_typed(each) for each in value] if isinstance(value, list) else value


def _weight(name: str, value: Any) -> Any:
    return float(value) if name == "InitialVariantWeight" else value


def _unless_gone(describe: Callable[..., Any], delete: Callable[..., Any], **name: str) -> None:
    """Delete what may be gone. (Of what is not there SageMaker says ValidationException, and of much else, too.)"""
    try:
        describe(**name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        return
    delete(**name)

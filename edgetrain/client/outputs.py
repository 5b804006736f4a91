"""What the deployed application is called in its cloud."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, EndpointConnectionError

from edgetrain.errors import CloudNotRunning, NotDeployed
from edgetrain.stores.failures import code_of

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

#: The application's stacks (stacks/application.py), in the order in which they are deployed.
STACKS = ("EdgetrainStorage", "EdgetrainFederated")
#: CloudFormation's outputs by which one stack of ours reads another; nobody else needs them.
EXPORT = "ExportsOutput"


@dataclass(frozen=True)
class Outputs:
    """Physical names of what a client talks to."""

    data_bucket: str
    runs_bucket: str
    models_bucket: str
    ledger_table: str
    state_machine_arn: str

    @classmethod
    def of(cls, flat: Mapping[str, str]) -> "Outputs":
        """From `read_outputs`.

        Raises:
            NotDeployed: one is missing.
        """
        names = ("DataBucket", "RunsBucket", "ModelsBucket", "LedgerTable", "StateMachineArn")
        missing = [name for name in names if name not in flat]
        if missing:
            raise NotDeployed(
                f"the application is not deployed in this cloud (no {', '.join(missing)}): deploy it with `edgetrain up` "
                "or, on AWS, `cdk deploy --all`"
            )
        return cls(*(flat[name] for name in names))


def read_outputs(cloudformation: "CloudFormationClient") -> dict[str, str]:
    """The outputs of the application's stacks as one flat mapping; a stack that is not deployed adds nothing.

    Raises:
        CloudNotRunning: nothing answers at the endpoint.
    """
    return {
        output["OutputKey"]: output["OutputValue"]
        for stack in _stacks(cloudformation)
        for output in stack.get("Outputs", [])
        if not output["OutputKey"].startswith(EXPORT)
    }


def read_stacks(cloudformation: "CloudFormationClient") -> dict[str, str]:
    """Name -> CloudFormation's status, of those of the application's stacks that are there.

    Raises:
        CloudNotRunning: nothing answers at the endpoint.
    """
    return {stack["StackName"]: stack["StackStatus"] for stack in _stacks(cloudformation)}


def _stacks(cloudformation: "CloudFormationClient") -> "Iterator[StackTypeDef]":
    try:
        for name in STACKS:
            yield from _describe(cloudformation, name)
    except EndpointConnectionError as error:
        raise CloudNotRunning(
            f"no cloud answers at {cloudformation.meta.endpoint_url}: start one with `edgetrain up`"
        ) from error


def _describe(cloudformation: "CloudFormationClient", name: str) -> "list[StackTypeDef]":
    try:
        return cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if code_of(error) != "ValidationError":  # what CloudFormation calls a stack that does not exist
            raise
        return []

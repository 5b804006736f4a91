"""What the deployed application is called in its cloud."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, EndpointConnectionError

from edgetrain.errors import CloudNotRunning, NotDeployed
from edgetrain.stores.failures import code_of

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

#: The application's stacks (stacks/application.py), in the order in which they are deployed.
STACKS = (
    "EdgetrainStorage",
    "EdgetrainIdentity",
    "EdgetrainFederated",
    "EdgetrainInference",
    "EdgetrainEdge",
)
#: The CDK's outputs by which one stack of ours reads another (as exports, or weakly); nobody else needs them.
BETWEEN_STACKS = ("ExportsOutput", "PublishOutput")
#: A task's endpoint: `ObjectsEndpoint`.
ENDPOINT = "Endpoint"

#: Outputs of the stacks without which nothing works.
ALWAYS = ("DataBucket", "RunsBucket", "ModelsBucket", "LedgerTable", "StateMachineArn")
#: Outputs of EdgetrainIdentity and EdgetrainEdge.
OPTIONAL = (
    *("UserPoolId", "SignInUrl", "ApiId", "ApiUrl", "AuthorizerId"),
    *("WebClientId", "WebUrl", "WebBucket", "DistributionId"),
)


@dataclass(frozen=True)
class Outputs:
    """Physical names of what a client talks to.

    Storage and the federated side are always there. What belongs to the API is None, and `endpoints` (task -> endpoint) empty,
    where those stacks are not deployed: `needed` says so in a sentence.
    """

    data_bucket: str
    runs_bucket: str
    models_bucket: str
    ledger_table: str
    state_machine_arn: str
    user_pool_id: str | None = None
    sign_in_url: str | None = None
    api_id: str | None = None
    api_url: str | None = None
    authorizer_id: str | None = None
    web_client_id: str | None = None
    web_url: str | None = None
    web_bucket: str | None = None
    distribution_id: str | None = None
    endpoints: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, flat: Mapping[str, str]) -> "Outputs":
        """From `read_outputs`.

        Raises:
            NotDeployed: one is missing.
        """
        require(flat, ALWAYS, "the application is")
        fields: dict[str, Any] = {_field(name): flat[name] for name in (*ALWAYS, *OPTIONAL) if name in flat}
        return cls(**fields, endpoints=endpoints_of(flat))

    def needed(self, name: str) -> str:
        """One of the optional fields.

        Raises:
            NotDeployed: the stack that has it is not deployed.
        """
        value: str | None = getattr(self, name)
        if value is None:
            raise not_deployed("the API is", [name])
        return value


def endpoints_of(flat: Mapping[str, str]) -> dict[str, str]:
    """Task -> name of its endpoint, out of the outputs."""
    return {name.removesuffix(ENDPOINT).lower(): value for name, value in flat.items() if name.endswith(ENDPOINT)}


def require(flat: Mapping[str, str], names: Sequence[str], what: str) -> None:
    """Raise `NotDeployed` when the outputs lack one of `names`; `what` begins the sentence: "the API is"."""
    if missing := [name for name in names if name not in flat]:
        raise not_deployed(what, missing)


def not_deployed(what: str, missing: Sequence[str]) -> NotDeployed:
    """The error that says so, and what to type. `what` is somebody with a verb: "the API is"."""
    it = "them" if what.endswith(" are") else "it"
    return NotDeployed(
        f"{what} not deployed in this cloud (no {', '.join(missing)}): deploy {it} with `edgetrain up` or, on AWS, "
        "`cdk deploy --all`"
    )


def _field(output: str) -> str:
    """Output `ApiUrl` -> field `api_url`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", output).lower()


def read_outputs(cloudformation: "CloudFormationClient") -> dict[str, str]:
    """The outputs of the application's stacks as one flat mapping; a stack that is not deployed adds nothing.

    Raises:
        CloudNotRunning: nothing answers at the endpoint.
    """
    return read_stacks(cloudformation)[1]


def read_stacks(cloudformation: "CloudFormationClient") -> tuple[dict[str, str], dict[str, str]]:
    """Name -> CloudFormation's status, of those of the application's stacks that are there; and the outputs of `read_outputs`.

    Raises:
        CloudNotRunning: nothing answers at the endpoint.
    """
    stacks = tuple(_stacks(cloudformation))
    outputs = {
        output["OutputKey"]: output["OutputValue"]
        for stack in stacks
        for output in stack.get("Outputs", [])
        if not output["OutputKey"].startswith(BETWEEN_STACKS)
    }
    return {stack["StackName"]: stack["StackStatus"] for stack in stacks}, outputs


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

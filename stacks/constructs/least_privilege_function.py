"""A Lambda function of ours: code, role, log group. States and routes have the same, each under its own name."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from edgetrain import limits
from edgetrain.errors import UsageError
from stacks.constructs.access import FUNCTION_TRACES, NO_RESOURCE, Access, without_resource
from stacks.nag import acknowledge, acknowledge_resources
from stacks.storage import Storage
from stacks.targets import Target

LAMBDAS: Final = Path(__file__).parents[2] / "lambdas"
HANDLER: Final = "handler.handler"
LOGS_FOR: Final = logs.RetentionDays.ONE_MONTH

RUNTIME_REASON: Final = (
    "python3.13 is the newest runtime that every wheel of ours has a build for; target `host` deploys this machine's Python "
    "to the embedded cloud and never to AWS"
)


def folder_of(name: str) -> str:
    """State `TrainClient` -> folder `train_client`; route `GetLabels` -> `get_labels`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).removeprefix("_")


class LeastPrivilegeFunction(Construct):
    """The function of a state or a route; its code is `lambdas/<folder_of(name)>/`, its role is its own."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        kind: str,
        name: str,
        target: Target,
        layers: Sequence[lambda_.ILayerVersion],
        access: Access,
        storage: Storage,
        environment: Mapping[str, str],
        memory_mb: int,
        timeout: Duration,
        lambdas: Path = LAMBDAS,
    ) -> None:
        """Make the function; `kind` (state, route) is for its description.

        Raises:
            UsageError: the folder of its handler is missing.
        """
        super().__init__(scope, construct_id)
        folder = lambdas / folder_of(name)
        if not (folder / "handler.py").is_file():
            raise UsageError(f"{kind} {name} has no handler: expected lambdas/{folder.name}/handler.py")
        self.timeout = timeout
        log_group = logs.LogGroup(self, "Logs", retention=LOGS_FOR, removal_policy=RemovalPolicy.DESTROY)
        role = self._role(log_group, access, storage)
        self.function = lambda_.Function(
            self,
            "Function",
            description=f"Edgetrain: {kind} {name}",
            runtime=lambda_.Runtime(target.runtime, lambda_.RuntimeFamily.PYTHON),
            architecture=_architecture(target),
            code=lambda_.Code.from_asset(str(folder), exclude=["**/__pycache__", "**/*.pyc"]),
            handler=HANDLER,
            layers=list(layers),
            role=role.without_policy_updates(),
            log_group=log_group,
            tracing=lambda_.Tracing.ACTIVE,
            memory_size=min(memory_mb, limits.LAMBDA_MEMORY_MB),
            timeout=timeout,
            environment={**environment, "LOG_LEVEL": "INFO", "POWERTOOLS_SERVICE_NAME": folder.name},
        )
        acknowledge(self.function, {"AwsSolutions-L1": RUNTIME_REASON})

    def _role(self, log_group: logs.LogGroup, access: Access, storage: Storage) -> iam.Role:
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={
                "Grants": iam.PolicyDocument(
                    statements=[
                        *access.statements(storage),
                        iam.PolicyStatement(
                            actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log_group.log_group_arn]
                        ),
                        without_resource(*FUNCTION_TRACES),
                    ]
                )
            },
        )
        access.acknowledge(role, storage)
        acknowledge_resources(role, ["*"], NO_RESOURCE)
        return role


def _architecture(target: Target) -> lambda_.Architecture:
    return lambda_.Architecture.ARM_64 if target.architecture == "arm64" else lambda_.Architecture.X86_64

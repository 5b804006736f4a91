"""The Lambda function of one route."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from edgetrain import limits
from stacks.constructs.access import Access
from stacks.constructs.least_privilege_function import LAMBDAS, LeastPrivilegeFunction
from stacks.storage import Storage
from stacks.targets import Target


class RouteFunction(LeastPrivilegeFunction):
    """The function that answers `route`; it is told of no store that it does not use."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        route: str,
        target: Target,
        layers: Sequence[lambda_.ILayerVersion],
        access: Access,
        storage: Storage,
        environment: Mapping[str, str],
        memory_mb: int,
        lambdas: Path = LAMBDAS,
    ) -> None:
        """Make the function, or raise `UsageError` when its handler is missing."""
        super().__init__(
            scope,
            construct_id,
            kind="route",
            name=route,
            target=target,
            layers=layers,
            access=access,
            storage=storage,
            environment=environment,
            memory_mb=memory_mb,
            timeout=Duration.seconds(limits.API_FUNCTION_SECONDS),
            lambdas=lambdas,
        )

"""The Lambda function of one state."""

from collections.abc import Sequence
from pathlib import Path

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.constructs.access import Access
from stacks.constructs.least_privilege_function import LAMBDAS, LeastPrivilegeFunction
from stacks.storage import Storage
from stacks.targets import Target


class StateFunction(LeastPrivilegeFunction):
    """The function that plays `state`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        state: str,
        target: Target,
        layers: Sequence[lambda_.ILayerVersion],
        access: Access,
        storage: Storage,
        memory_mb: int,
        timeout: Duration,
        lambdas: Path = LAMBDAS,
    ) -> None:
        """Make the function, or raise `UsageError` when its handler is missing."""
        super().__init__(
            scope,
            construct_id,
            kind="state",
            name=state,
            target=target,
            layers=layers,
            access=access,
            storage=storage,
            environment=_environment(storage),
            memory_mb=memory_mb,
            timeout=timeout,
            lambdas=lambdas,
        )


def _environment(storage: Storage) -> dict[str, str]:
    """What `edgetrain.rounds.entry` wants. A name grants nothing: which of the stores a function may use is its role's."""
    return {
        "DATA_BUCKET": storage.data.bucket_name,
        "RUNS_BUCKET": storage.runs.bucket_name,
        "MODELS_BUCKET": storage.models.bucket_name,
        "LEDGER_TABLE": storage.ledger.table_name,
    }

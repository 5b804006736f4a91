"""A deployed federation as its clients see it."""

from dataclasses import dataclass

from edgetrain.client.connection import Connection
from edgetrain.client.executions import Executions, StepFunctionsExecutions
from edgetrain.client.outputs import Outputs, read_outputs, require
from edgetrain.stores.base import ObjectStore
from edgetrain.stores.ledger import DynamoLedger, Ledger
from edgetrain.stores.s3 import S3ObjectStore


@dataclass(frozen=True)
class Federation:
    """Buckets, ledger and state machine of one deployment."""

    outputs: Outputs
    data: ObjectStore
    runs: ObjectStore
    models: ObjectStore
    ledger: Ledger
    executions: Executions
    #: Whether it lies on this machine and can be asked often without a bill.
    is_local: bool = False


@dataclass(frozen=True)
class Registry:
    """Where published versions are kept, and who has which number."""

    models: ObjectStore
    ledger: Ledger


def connect_registry(connection: Connection) -> Registry:
    """The registry that is deployed in a cloud, with or without the rest of a federation.

    Raises:
        CloudNotRunning: nothing answers at the endpoint.
        NotDeployed: the storage is not deployed there.
    """
    flat = read_outputs(connection.client("cloudformation"))
    require(flat, ("ModelsBucket", "LedgerTable"), "the storage is")
    return Registry(
        models=S3ObjectStore(connection.client("s3"), flat["ModelsBucket"]),
        ledger=DynamoLedger(connection.client("dynamodb"), flat["LedgerTable"]),
    )


def connect(connection: Connection) -> Federation:
    """The federation that is deployed in a cloud.

    Raises:
        CloudNotRunning: nothing answers at the endpoint.
        NotDeployed: the application is not deployed there.
    """
    outputs = Outputs.of(read_outputs(connection.client("cloudformation")))
    s3 = connection.client("s3")
    return Federation(
        outputs=outputs,
        data=S3ObjectStore(s3, outputs.data_bucket),
        runs=S3ObjectStore(s3, outputs.runs_bucket),
        models=S3ObjectStore(s3, outputs.models_bucket),
        ledger=DynamoLedger(connection.client("dynamodb"), outputs.ledger_table),
        executions=StepFunctionsExecutions(connection.client("stepfunctions"), outputs.state_machine_arn),
        is_local=connection.is_local,
    )

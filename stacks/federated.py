"""The federated side: a function for each state, and the state machine. It owns no data and can go at any time."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aws_cdk import CfnOutput, Duration, Stack
from constructs import Construct

from edgetrain import limits
from stacks.constructs.access import Access, Objects
from stacks.constructs.layers import Layers
from stacks.constructs.least_privilege_function import LAMBDAS, LeastPrivilegeFunction, folder_of
from stacks.constructs.training_workflow import StateFunctions, TrainingWorkflow
from stacks.packaging.layers import LayerArchives
from stacks.storage import Storage
from stacks.targets import Target

#: Lambda gives CPU by memory: this much is one whole vCPU.
ONE_VCPU_MB: Final = limits.LAMBDA_VCPU_MB
SMALL_MB: Final = 512

# RunsBucket, by kind of object (edgetrain/keys.py makes the keys).
RUN: Final = "runs/*/run.json"
GLOBALS: Final = "runs/*/globals/*.safetensors"
INITIAL: Final = "runs/*/globals/00000.safetensors"
COHORT: Final = "runs/*/rounds/*/cohort.json"
BATCHES: Final = "runs/*/rounds/*/batches.json"
UPDATES: Final = "runs/*/rounds/*/updates/*.safetensors"
SEALED: Final = "runs/*/rounds/*/sealed.json"
PARTIALS: Final = "runs/*/rounds/*/partials/*"
STATE: Final = "runs/*/rounds/*/state/*.f64"
CLOSED: Final = "runs/*/rounds/*/closed.json"
EVALUATED: Final = "runs/*/rounds/*/evaluated.json"
# DataBucket.
DATA_POINTER: Final = "datasets/*/current.json"
DATA_INDEX: Final = "datasets/*/index.json"
CLIENT_DATA: Final = "datasets/*/clients/*.safetensors"
CLIENT_TESTS: Final = "datasets/*/client-tests/*.safetensors"
TEST_DATA: Final = "datasets/*/test.safetensors"
# ModelsBucket.
PROGRAMS: Final = "programs/*"
MODELS: Final = "models/*"


@dataclass(frozen=True, kw_only=True)
class StateSpec:
    """What one state's function needs. A write-once put that finds an object looks at what stands: it reads, too."""

    access: Access
    memory_mb: int = SMALL_MB
    timeout_seconds: int = 60
    runs_programs: bool = False


STATES: Final[dict[str, StateSpec]] = {
    "StartRun": StateSpec(
        access=Access(
            data=Objects(reads=(DATA_POINTER, DATA_INDEX)),
            models=Objects(reads=(PROGRAMS,)),
            runs=Objects(reads=(RUN, INITIAL, EVALUATED), writes=(RUN, INITIAL)),
            ledger=("GetItem", "PutItem"),
        ),
    ),
    "SelectClients": StateSpec(
        access=Access(
            data=Objects(reads=(DATA_INDEX,)),
            runs=Objects(reads=(RUN, CLOSED, COHORT, BATCHES), writes=(COHORT, BATCHES)),
        ),
    ),
    "TrainClient": StateSpec(
        access=Access(
            data=Objects(reads=(CLIENT_DATA,)),
            models=Objects(reads=(PROGRAMS,)),
            runs=Objects(reads=(RUN, COHORT, GLOBALS, UPDATES), writes=(UPDATES,)),
            ledger=("GetItem", "PutItem", "ConditionCheckItem"),
        ),
        memory_mb=ONE_VCPU_MB,
        timeout_seconds=limits.LAMBDA_TIMEOUT_SECONDS,
        runs_programs=True,
    ),
    "SealRound": StateSpec(
        access=Access(
            runs=Objects(reads=(RUN, COHORT, SEALED), reads_versions=(UPDATES,), writes=(SEALED,)),
            ledger=("PutItem", "Query"),
        ),
        timeout_seconds=300,
    ),
    "AggregateTile": StateSpec(
        access=Access(
            runs=Objects(
                reads=(RUN, COHORT, SEALED, PARTIALS),
                reads_versions=(UPDATES,),
                writes=(PARTIALS,),
                writes_parts=(PARTIALS,),
            ),
            models=Objects(reads=(PROGRAMS,)),
            ledger=("PutItem",),
        ),
        memory_mb=ONE_VCPU_MB,
        timeout_seconds=limits.LAMBDA_TIMEOUT_SECONDS,
    ),
    "CloseRound": StateSpec(
        access=Access(
            runs=Objects(
                reads=(RUN, COHORT, SEALED, PARTIALS, GLOBALS, STATE, CLOSED),
                reads_versions=(PARTIALS, GLOBALS, STATE),
                writes=(GLOBALS, STATE, CLOSED),
                writes_parts=(GLOBALS, STATE),
            ),
            models=Objects(reads=(PROGRAMS,)),
        ),
        memory_mb=ONE_VCPU_MB,
        timeout_seconds=limits.LAMBDA_TIMEOUT_SECONDS,
    ),
    "EvaluateModel": StateSpec(
        access=Access(
            data=Objects(reads=(DATA_INDEX, TEST_DATA, CLIENT_TESTS)),
            models=Objects(reads=(PROGRAMS,)),
            runs=Objects(reads=(RUN, GLOBALS, CLOSED, EVALUATED), writes=(EVALUATED,)),
            ledger=("GetItem", "PutItem"),
        ),
        memory_mb=ONE_VCPU_MB,
        timeout_seconds=limits.LAMBDA_TIMEOUT_SECONDS,
        runs_programs=True,
    ),
    "PublishModel": StateSpec(
        access=Access(
            models=Objects(reads=(PROGRAMS, MODELS), writes=(MODELS,)),
            runs=Objects(reads=(RUN, GLOBALS, EVALUATED)),
            ledger=("GetItem", "PutItem", "Query"),
        ),
        timeout_seconds=300,
    ),
    "FailRun": StateSpec(access=Access(ledger=("GetItem", "PutItem"))),
}


class FederatedStack(Stack):
    """Functions, layers and the state machine `FederatedTraining`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        storage: Storage,
        target: Target,
        archives: LayerArchives,
        lambdas: Path = LAMBDAS,
    ) -> None:
        super().__init__(scope, construct_id, description="Edgetrain: federated training")
        layers = Layers(self, "Layers", target=target, archives=archives, extra="runtime")
        functions = {
            folder_of(state): LeastPrivilegeFunction(
                self,
                f"{state}Function",
                kind="state",
                name=state,
                target=target,
                layers=layers.with_extra if spec.runs_programs else layers.plain,
                access=spec.access,
                storage=storage,
                environment=_environment(storage),
                memory_mb=spec.memory_mb,
                timeout=Duration.seconds(spec.timeout_seconds),
                lambdas=lambdas,
            )
            for state, spec in STATES.items()
        }
        workflow = TrainingWorkflow(self, "Training", functions=StateFunctions(**functions), storage=storage)
        arn = workflow.state_machine.state_machine_arn
        CfnOutput(self, "FederatedTrainingArn", value=arn).override_logical_id("StateMachineArn")


def _environment(storage: Storage) -> dict[str, str]:
    """What `edgetrain.rounds.entry` wants. A name grants nothing: which of the stores a function may use is its role's."""
    return {
        "DATA_BUCKET": storage.data.bucket_name,
        "RUNS_BUCKET": storage.runs.bucket_name,
        "MODELS_BUCKET": storage.models.bucket_name,
        "LEDGER_TABLE": storage.ledger.table_name,
    }

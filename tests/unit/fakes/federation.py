"""A federation in memory: what a run leaves behind, without anybody having trained."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from edgetrain import keys
from edgetrain.client.executions import Execution
from edgetrain.client.federation import Federation
from edgetrain.client.outputs import Outputs
from edgetrain.contracts import (
    ClientData,
    ClientSettings,
    ClosedRound,
    Cohort,
    EvaluatedRound,
    FileEntry,
    Manifest,
    ModelPointer,
    NumberFormat,
    Receipt,
    Refusal,
    RunInput,
    RunRecord,
    RunRow,
    UpdateEntry,
)
from edgetrain.errors import UsageError
from edgetrain.stores.base import write_record
from tests.unit.fakes.stores import MemoryLedger, MemoryStore

ARN = "arn:aws:states:us-east-1:123456789012:execution:FederatedTraining:"
OUTPUTS = Outputs("data-bucket", "runs-bucket", "models-bucket", "ledger-table", "arn:aws:states:::stateMachine:F")
CREATED = "2026-01-02T03:04:05.000+00:00"
DIGEST = "0" * 64


@dataclass
class MemoryExecutions:
    """Executions by ARN. `on_start` is told each one that starts; `on_look` runs before each description."""

    known: dict[str, Execution] = field(default_factory=dict)
    inputs: dict[str, dict] = field(default_factory=dict)
    on_start: Callable[[str, dict], None] | None = None
    on_look: Callable[[], None] | None = None

    def start(self, name: str, document: str) -> str:
        if ARN + name in self.known:
            raise UsageError(f"an execution named {name!r} exists already")
        self.known[ARN + name] = Execution(ARN + name, "RUNNING")
        self.inputs[ARN + name] = json.loads(document)
        if self.on_start is not None:
            self.on_start(ARN + name, self.inputs[ARN + name])
        return ARN + name

    def describe(self, arn: str) -> Execution | None:
        if self.on_look is not None:
            self.on_look()
        return self.known.get(arn)

    def stop(self, arn: str, cause: str) -> None:
        self.end(arn, "ABORTED", "RunStopped", cause)

    def end(self, arn: str, status: str, error: str | None = None, cause: str | None = None) -> None:
        self.known[arn] = replace(self.known[arn], status=status, error=error, cause=cause)


def memory_federation() -> Federation:
    return Federation(
        outputs=OUTPUTS,
        data=MemoryStore(),
        runs=MemoryStore(),
        models=MemoryStore(),
        ledger=MemoryLedger(),
        executions=MemoryExecutions(),
        is_local=True,
    )


@dataclass
class PlayedRun:
    """Writes a run's records in the order in which the steps do."""

    federation: Federation
    run_id: str
    arn: str
    given: RunInput

    @classmethod
    def begin(cls, federation: Federation, arn: str, document: dict) -> "PlayedRun":
        """StartRun."""
        run_id = document.get("run_id") or arn.rsplit(":", 1)[-1]
        given = RunInput.model_validate({**document, "run_id": run_id})
        run = cls(federation, run_id, arn, given)
        record = RunRecord(
            run_id=run_id,
            task=given.task,
            input=given,
            client=given.client.over(ClientSettings()),
            dataset_id="dataset",
            index_key=keys.dataset_index(given.task, "dataset"),
            program_id="program",
            initial_sha256=DIGEST,
            execution_arn=arn,
            created_at=CREATED,
            code_version="0",
        )
        write_record(federation.runs, keys.run_record(run_id), record)
        federation.ledger.create_run(
            RunRow(
                run_id=run_id,
                task=given.task,
                status="RUNNING",
                execution_arn=arn,
                created_at=CREATED,
                rounds=given.rounds,
            )
        )
        return run

    def cohort(self, number: int, clients: int = 3, *, started_at: float = 1000.0) -> None:
        """SelectClients."""
        cohort = Cohort(
            run_id=self.run_id,
            round=number,
            clients=tuple(
                ClientData(client=name, key=f"datasets/{name}", num_examples=10, sha256=DIGEST)
                for name in names(clients)
            ),
            base=self.model(number - 1),
            number_format=NumberFormat(cohort_size=clients, max_abs_delta=8.0, max_examples=2**20, fraction_bits=27),
            started_at=started_at,
        )
        write_record(self.federation.runs, keys.cohort(self.run_id, number), cohort)

    def receipt(self, number: int, client: str) -> None:
        """A client of TrainClients."""
        self.federation.ledger.put_receipt(
            Receipt(
                run_id=self.run_id,
                round=number,
                client=client,
                key=keys.update(self.run_id, number, client),
                version_id="0",
                sha256=DIGEST,
                size=1,
                num_examples=10,
            )
        )

    def refuse(self, number: int, client: str) -> Refusal:
        refusal = Refusal(
            run_id=self.run_id, round=number, client=client, error="UpdateNotFinite", message="w holds NaN"
        )
        self.federation.ledger.put_refusal(refusal)
        return refusal

    def evaluated(self, number: int, accuracy: float, *, clients: int = 3, refused: int = 0) -> None:
        """A whole round; its last `refused` clients do not count."""
        self.cohort(number, clients)
        accepted, bad = names(clients)[: clients - refused], names(clients)[clients - refused :]
        closed = ClosedRound(
            round=number,
            base=self.model(number - 1),
            next=self.model(number),
            updates=tuple(
                UpdateEntry(
                    client=name,
                    key=keys.update(self.run_id, number, name),
                    version_id="0",
                    sha256=DIGEST,
                    num_examples=10,
                )
                for name in accepted
            ),
            refused=tuple(self.refuse(number, name) for name in bad),
            examples=10 * len(accepted),
            train_loss=0.5,
            started_at=1000.0,
            closed_at=1001.0,
        )
        record = EvaluatedRound(
            closed=closed, metrics={"accuracy": accuracy, "loss": 1 - accuracy}, evaluated_at=1001.5
        )
        write_record(self.federation.runs, keys.evaluated_round(self.run_id, number), record)
        self._change(rounds_done=number)

    def publish(self, accuracy: float) -> None:
        """PublishModel, and the end."""
        version = self.federation.ledger.claim_version(self.given.task, self.run_id)
        bodies = {keys.WEIGHTS_FILE: b"weights", keys.PROGRAM_FILE: b"program", keys.SPEC_FILE: b"{}"}
        files = []
        for name, body in bodies.items():
            key = keys.model_file(self.given.task, version, name)
            self.federation.models.put_once(key, body)
            files.append(FileEntry(name=name, key=key, sha256=hashlib.sha256(body).hexdigest(), size=len(body)))
        manifest = Manifest(
            task=self.given.task,
            version=version,
            created_at=CREATED,
            files=tuple(files),
            metrics={"accuracy": accuracy, "loss": 1 - accuracy},
            lineage={"architecture": "federated", "run_id": self.run_id},
        )
        key = keys.model_file(self.given.task, version, keys.MANIFEST_FILE)
        write_record(self.federation.models, key, manifest)
        self._change(status="SUCCEEDED", model_version=version)
        self.federation.executions.end(self.arn, "SUCCEEDED")

    def fail(self, error: str, cause: str) -> None:
        """FailRun."""
        self._change(status="FAILED", error=error, cause=cause)
        self.federation.executions.end(self.arn, "FAILED", error, cause)

    def model(self, number: int) -> ModelPointer:
        return ModelPointer(key=keys.global_model(self.run_id, number), sha256=DIGEST)

    def _change(self, **fields: object) -> None:
        self.federation.ledger.change_run(self.run_id, lambda row: row.model_copy(update=fields))


def names(clients: int) -> list[str]:
    return [f"client-{number:03d}" for number in range(clients)]


def play(federation: Federation, arn: str, document: dict, accuracies: tuple[float, ...] = (0.5, 0.9)) -> PlayedRun:
    """A whole run, all at once; the last client of the first round is refused."""
    run = PlayedRun.begin(federation, arn, document)
    for number, accuracy in enumerate(accuracies, 1):
        run.evaluated(number, accuracy, refused=1 if number == 1 else 0)
    run.publish(accuracies[-1])
    return run

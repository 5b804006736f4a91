"""The JSON documents that commands print. Their schemas lie in docs/reference/ (`python -m edgetrain.client.schemas`)."""

from typing import Literal

from pydantic import ConfigDict, Field

from edgetrain.client.executions import Status
from edgetrain.contracts import (
    ClientSettings,
    Contract,
    MetricSpread,
    NumberFormat,
    RoundNumber,
    RunInput,
    Sha256,
    StatePointer,
)


class Document(Contract):
    """Base of all: what is printed has every field, also one that is null, and the schema says so."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class UpdateDocument(Document):
    """An update that went into the round's average."""

    client: str
    key: str = Field(description="In RunsBucket: safetensors, float32 deltas under the global model's tensor names.")
    version_id: str = Field(description="The S3 version that was averaged, whatever lies under the key today.")
    num_examples: int
    sha256: Sha256


class RefusedDocument(Document):
    """A client of the cohort whose update does not count."""

    client: str
    error: str = Field(description="Class name of the reason (docs/reference/errors.md).")
    message: str


class RoundDocument(Document):
    """One closed round."""

    round: RoundNumber
    metrics: dict[str, float] = Field(
        description="Of the next global model on the held-out part; empty until evaluated."
    )
    client_metrics: dict[str, MetricSpread] = Field(
        description="Each metric over clients' own test parts (`evaluation_clients`); empty where none is evaluated."
    )
    accuracy: float | None = Field(description="metrics.accuracy, where the task has it.")
    loss: float | None = Field(description="metrics.loss.")
    train_loss: float | None = Field(description="Mean loss that the clients saw while they trained.")
    examples: int = Field(description="Examples behind the accepted updates.")
    global_key: str = Field(description="The model that the round started from, in RunsBucket.")
    global_sha256: Sha256
    next_global_key: str = Field(description="The model that the round made, in RunsBucket.")
    next_global_sha256: Sha256
    number_format: NumberFormat = Field(description="The fixed-point format of the round's sums.")
    client_learning_rate: float = Field(description="Of this round, as the run's schedule has it.")
    server_learning_rate: float = Field(description="Of this round, as the run's schedule has it.")
    state: tuple[StatePointer, ...] = Field(
        description="The strategy's state after the round, in RunsBucket: raw little-endian float64; empty for fedavg."
    )
    updates: tuple[UpdateDocument, ...]
    refused: tuple[RefusedDocument, ...]
    seconds: float = Field(description="From the selection of the cohort to the evaluated (or closed) model.")


class ModelDocument(Document):
    """What a run publishes. All but `task` is null until it did."""

    task: str
    version: int | None = None
    manifest_key: str | None = Field(default=None, description="In ModelsBucket.")
    key: str | None = Field(default=None, description="The weights, in ModelsBucket.")
    sha256: Sha256 | None = Field(default=None, description="Of the weights.")
    metrics: dict[str, float] | None = None


class RunDocument(Document):
    """`edgetrain federate --json`, `edgetrain runs show RUN --json`."""

    run_id: str
    execution_arn: str = Field(description="The execution that played the run last.")
    status: Status
    error: str | None = Field(default=None, description="Class name of the reason, when the run did not succeed.")
    cause: str | None = Field(default=None, description="The same in one sentence.")
    created_at: str
    runs_bucket: str = Field(description="The bucket of every key below, but the model's.")
    models_bucket: str
    dataset_id: str
    program_id: str
    input: RunInput = Field(description="As the user typed it, with every default filled in.")
    client: ClientSettings = Field(description="How the clients train: the task's own settings under the run's.")
    model: ModelDocument
    rounds: tuple[RoundDocument, ...]


class StartedDocument(Document):
    """`edgetrain federate --detach --json`."""

    run_id: str
    execution_arn: str


class RunSummary(Document):
    """A line of `edgetrain runs list`."""

    run_id: str
    task: str
    status: Status
    created_at: str
    rounds_done: int
    rounds: int
    model_version: int | None = None
    error: str | None = None
    execution_arn: str


class RunsDocument(Document):
    """`edgetrain runs list --json`, newest first."""

    runs: tuple[RunSummary, ...]


class ImportDocument(Document):
    """`edgetrain data import --json`."""

    task: str
    dataset_id: str
    data_bucket: str
    index_key: str
    source: str = Field(description="LEAF, npz, csv, generated, or split: the task's own data, spread over clients.")
    clients: int
    examples: int
    test_examples: int
    examples_per_client: dict[str, int]
    program_id: str
    program_uploaded: bool = Field(description="Whether ModelsBucket had no program of this hash.")


class HoldOutDocument(Document):
    """`edgetrain data hold-out --json`."""

    task: str
    dataset_id: str = Field(description="Of the data set that was made and is current now.")
    clients: int
    examples: int = Field(description="On which clients train.")
    tested_clients: int = Field(description="Clients with a test part of their own.")
    tested_examples: int = Field(description="Of all of them together.")


class VerifiedRound(Document):
    """A round, as far as it could be verified."""

    round: RoundNumber
    updates: int = Field(description="That its record says were added.")
    recomputed: bool = Field(
        description="Made again from its updates: record, model and state are the same, bit for bit."
    )
    chained: bool = Field(description="Its record names the SHA-256 of the records before it (older rounds do not).")
    closed_sha256: Sha256 | None = Field(description="Of the bytes of its closed.json; null when it is not there.")


class FindingDocument(Document):
    """One object that is not what it was."""

    code: Literal["missing", "unreadable", "altered", "chain", "differs"] = Field(
        description="No such object; no record of its kind; other bytes than were recorded; a record that does not name the one "
        "before it; something else than follows from what it was made from."
    )
    key: str = Field(description="In RunsBucket; below programs/ in ModelsBucket.")
    message: str
    round: RoundNumber | None = Field(description="Null for an object of the whole run.")
    client: str | None = Field(description="Whose update it is about.")
    version_id: str | None = Field(description="Of the update.")
    byte: int | None = Field(
        description="The first that differs, from 0; null where only a SHA-256 is known of what it was."
    )


class VerifiedRunDocument(Document):
    """`edgetrain verify --json`."""

    run_id: str
    verified: bool = Field(description="Nothing was found, and every closed round was made again.")
    chained: bool = Field(description="Every round's record names the records before it.")
    head_sha256: Sha256 | None = Field(description="Of the last closed.json: with a chain, all records hang on it.")
    rounds: tuple[VerifiedRound, ...]
    findings: tuple[FindingDocument, ...]


class TaskDocument(Document):
    """A task, as `edgetrain tasks list --json` and `tasks show --json` print it."""

    name: str
    title: str
    models: tuple[str, ...] = Field(description="The default first.")
    labels: tuple[str, ...]
    example_shape: tuple[int, ...]
    client: ClientSettings


class TasksDocument(Document):
    """`edgetrain tasks list --json`."""

    tasks: tuple[TaskDocument, ...]


class NewTaskDocument(Document):
    """`edgetrain tasks new --json`."""

    task: str
    file: str


class BuildDocument(Document):
    """`edgetrain tasks build --json`."""

    task: str
    model: str
    program_id: str
    parameters: int
    folder: str
    files: tuple[str, ...]
    uploaded_to: str | None = Field(description="ModelsBucket, or null when no cloud runs.")


class TrainDocument(Document):
    """`edgetrain train --local --json`: the central reference."""

    task: str
    metrics: dict[str, float] = Field(description="On the same held-out part that a federation is measured on.")
    seconds: float
    folder: str = Field(description="What SageMaker would find below /opt/ml.")


class StatusDocument(Document):
    """`edgetrain status --json`."""

    running: bool
    cloud: Literal["embedded", "endpoint", "aws"]
    pid: int | None = Field(default=None, description="Of the embedded cloud.")
    endpoint: str | None = None
    web: str | None = Field(default=None, description="The web app's URL, where it is deployed; no slash at its end.")
    data_dir: str | None = None
    stacks: dict[str, str] = Field(default_factory=dict, description="Stack name -> CloudFormation's status.")


class PublishedDocument(Document):
    """`edgetrain web publish --json`."""

    url: str = Field(description="Of the web app; no slash at its end.")
    bucket: str
    uploaded: tuple[str, ...] = Field(description="Keys of the files that were not there, or were other ones.")
    unchanged: int = Field(description="How many files were there already.")
    removed: tuple[str, ...] = Field(
        description="Keys of files of earlier publications that no open page needs any more."
    )
    invalidation: str | None = Field(description="CloudFront's id of it; null where nothing changed.")


class LogLine(Document):
    """One event of a function's log."""

    function: str = Field(description="The state that it plays.")
    timestamp: str = Field(description="ISO 8601, UTC.")
    message: str


class LogsDocument(Document):
    """`edgetrain logs --json`, oldest first."""

    lines: tuple[LogLine, ...]


class ErrorDetail(Document):
    """What went wrong."""

    code: str = Field(description="Class name (docs/reference/errors.md).")
    message: str


class ErrorDocument(Document):
    """What `--json` prints instead when a command cannot do what it was asked."""

    error: ErrorDetail


#: File name in docs/reference/ -> what it describes.
DOCUMENTS: dict[str, type[Document]] = {
    "run": RunDocument,
    "started": StartedDocument,
    "runs": RunsDocument,
    "import": ImportDocument,
    "hold_out": HoldOutDocument,
    "verified_run": VerifiedRunDocument,
    "task": TaskDocument,
    "tasks": TasksDocument,
    "new_task": NewTaskDocument,
    "build": BuildDocument,
    "train": TrainDocument,
    "status": StatusDocument,
    "published": PublishedDocument,
    "logs": LogsDocument,
    "error": ErrorDocument,
}

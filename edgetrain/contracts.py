"""Every message of the federation: frozen, typed, refused when a field is unknown.

What travels in Step Functions' state are the `*Request` and `*Reply` messages: ids, keys, counts,
never weights. What lies in S3 as JSON are the records (`RunRecord`, `Cohort`, `SealedRound`,
`TileResult`, `ClosedRound`, `EvaluatedRound`, `Manifest`). Keys come from `edgetrain.keys`.
"""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edgetrain import limits
from edgetrain.keys import ID_PATTERN

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Identifier = Annotated[str, Field(pattern=ID_PATTERN)]
RoundNumber = Annotated[int, Field(ge=1, le=limits.MAX_ROUNDS)]


class Contract(BaseModel):
    """Base of all messages."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


# --- tasks and training programs -----------------------------------------------------------------------


class TensorSpec(Contract):
    """A tensor by name. `shape` leaves out the batch dimension where the tensor is a batch."""

    name: str
    shape: tuple[int, ...]
    dtype: Literal["float32", "int32", "int64"] = "float32"

    @property
    def size(self) -> int:
        """Number of elements."""
        total = 1
        for extent in self.shape:
            total *= extent
        return total


class Schedule(Contract):
    """How a learning rate changes from round to round: `edgetrain.federated.schedules` has the equations."""

    name: Literal["constant", "cosine", "exponential", "step"]
    final: float | None = Field(default=None, ge=0, le=1)
    gamma: float | None = Field(default=None, gt=0, le=1)
    every: int | None = Field(default=None, ge=1, le=limits.MAX_ROUNDS)

    @model_validator(mode="after")
    def _fits_its_name(self) -> Self:
        for field, names in SCHEDULE_FIELDS.items():
            given = getattr(self, field) is not None
            if given and self.name not in names:
                raise ValueError(f"{field} is for {' and '.join(names)}, not for {self.name}")
            if not given and self.name in names:
                raise ValueError(f"{self.name} needs {field}")
        return self


#: Field of a schedule -> the schedules that need it; the others refuse it.
SCHEDULE_FIELDS: Final = {"final": ("cosine",), "gamma": ("exponential", "step"), "every": ("step",)}


class ClientSettings(Contract):
    """How a client trains: SGD over its own data in batches (`edgetrain.runtime.program`, `edgetrain.runtime.steps`).

    `epochs` passes, or `steps` steps whatever the amount of data, or with `full_batch` one step over all of it (FedSGD).
    """

    epochs: int = Field(default=1, ge=1, le=1000, description="Means nothing beside `steps` or `full_batch`.")
    steps: int | None = Field(default=None, ge=1, le=1_000_000)
    batch_size: int = Field(default=20, ge=1, le=65_536, description="Means nothing beside `full_batch`.")
    full_batch: bool = False
    learning_rate: float = Field(default=0.1, gt=0, le=100)
    schedule: Schedule | None = None
    proximal_mu: float = Field(default=0.0, ge=0, le=100, description="FedProx.")
    clip_norm: float | None = Field(
        default=None, gt=0, le=1e9, description="Bound on a step's gradient, all tensors as one."
    )


class TaskSpec(Contract):
    """`task.json`: all that a host needs to run a training program, without TensorFlow."""

    format: Literal[1] = 1
    task: Identifier
    title: str
    model: str
    program_batch: int = Field(ge=1)
    x: TensorSpec
    y: tuple[TensorSpec, ...]
    weights: tuple[TensorSpec, ...]
    labels: tuple[str, ...] = ()
    loss: Literal["softmax_cross_entropy"]
    metrics: tuple[Literal["accuracy"], ...] = ()
    client: ClientSettings
    preprocessing: dict[str, Any] = Field(default_factory=dict)

    @property
    def parameters(self) -> int:
        """Number of trainable parameters."""
        return sum(tensor.size for tensor in self.weights)


class DetectorInput(Contract):
    """What a detector wants to see: the whole picture, stretched to `height` x `width` (`detection.pictures.resize`).

    RGB, float32, each pixel value p in 0..255 as p * `scale` + `offset`.
    """

    height: int = Field(ge=1, le=limits.PICTURE_SIDE)
    width: int = Field(ge=1, le=limits.PICTURE_SIDE)
    scale: float
    offset: float


class SsdAnchors(Contract):
    """The parameters from which an SSD's anchors are made (`detection.anchors.ssd_anchors`).

    One feature map for each of `strides` (pixels of the input); `offset` is where in its cell an anchor's centre lies.
    """

    strides: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1)
    min_scale: float = Field(gt=0, le=1)
    max_scale: float = Field(gt=0, le=1)
    aspect_ratios: tuple[Annotated[float, Field(gt=0)], ...] = Field(min_length=1)
    interpolated_aspect_ratio: float = Field(default=1.0, ge=0, description="0: no anchor between two scales.")
    fewer_in_first_map: bool = Field(default=False, description="Three anchors a cell in the first map.")
    offset: float = Field(default=0.5, ge=0, le=1)


class SsdDecoder(Contract):
    """How raw box encodings (y, x, height, width) and logits become boxes: `detection.boxes`.

    `boxes` and `logits` name the model's outputs, [1, anchors, 4] and [1, anchors, classes]; where `background` is true, the first
    logit is that of no object and is left out.
    """

    kind: Literal["ssd"] = "ssd"
    boxes: str
    logits: str
    background: bool
    centre_scale: float = Field(gt=0)
    size_scale: float = Field(gt=0)
    anchors: SsdAnchors


class DetectorSpec(Contract):
    """`detector.json`: all that a host needs to find things with `model.tflite`.

    `labels[i]` names class i of a detection. The last four are the defaults of every request: the lowest score that is told, the
    overlap (intersection over union) above which the weaker of two boxes is dropped, whether it also is when they are of two classes,
    and how many detections are told at most.
    """

    format: Literal[1] = 1
    task: Identifier
    title: str
    labels: tuple[str, ...] = Field(min_length=1)
    input: DetectorInput
    decoder: SsdDecoder  # a union by `kind`, once there is a second
    min_score: float = Field(ge=0, le=1)
    iou: float = Field(ge=0, le=1)
    across_classes: bool = False
    max_detections: int = Field(ge=1, le=limits.MAX_DETECTIONS)


class FileEntry(Contract):
    """A stored file and what its bytes must be."""

    name: str
    key: str
    sha256: Sha256
    size: int = Field(ge=0)


class RunRow(Contract):
    """The ledger's row of a run: what `edgetrain runs list` shows."""

    run_id: Identifier
    task: Identifier
    status: Literal["RUNNING", "SUCCEEDED", "FAILED"]
    execution_arn: str
    created_at: str
    rounds: int
    rounds_done: int = 0
    model_version: int | None = None
    error: str | None = None
    cause: str | None = None


class ProgramPointer(Contract):
    """Which build of a task's program is current (`programs/<task>/current.json`)."""

    task: Identifier
    program_id: Identifier
    files: tuple[FileEntry, ...]


class ClientData(Contract):
    """One client's examples in DataBucket."""

    client: Identifier
    key: str
    num_examples: int = Field(ge=1)
    sha256: Sha256


class DataIndex(Contract):
    """What a data import wrote: one object per client and a held-out test part.

    Where the data came with their owners, `client_tests` are the held-out parts of each by itself, and `test` is a sample of them.
    """

    task: Identifier
    dataset_id: Identifier
    clients: tuple[ClientData, ...]
    client_tests: tuple[ClientData, ...] = ()
    test: FileEntry
    test_examples: int = Field(ge=1)
    source: dict[str, Any] = Field(default_factory=dict)


class DatasetPointer(Contract):
    """Which data import of a task is current."""

    task: Identifier
    dataset_id: Identifier
    index_key: str


# --- a run ---------------------------------------------------------------------------------------------


#: Strategy -> its own settings, and what they are where the input says nothing: those of the papers, except for the adaptive
#: strategies' server learning rate, which the paper tunes for each task.
STRATEGY_DEFAULTS: Final[dict[str, dict[str, float]]] = {
    "fedavg": {"server_learning_rate": 1.0},
    "fedavgm": {"server_learning_rate": 1.0, "momentum": 0.9},
    "fedadagrad": {"server_learning_rate": 0.1, "beta_1": 0.0, "tau": 1e-3},
    "fedadam": {"server_learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.99, "tau": 1e-3},
    "fedyogi": {"server_learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.99, "tau": 1e-3},
}


class StrategySettings(Contract):
    """How updates become the next model. A setting that the named strategy does not have is None, and refused when it is given."""

    name: Literal["fedavg", "fedavgm", "fedadagrad", "fedadam", "fedyogi"] = "fedavg"
    server_learning_rate: float = Field(default=1.0, gt=0, le=10)
    schedule: Schedule | None = None
    weighting: Literal["examples", "uniform"] = "examples"
    momentum: float | None = Field(default=None, ge=0, lt=1)
    beta_1: float | None = Field(default=None, ge=0, lt=1)
    beta_2: float | None = Field(default=None, ge=0, lt=1)
    tau: float | None = Field(default=None, gt=0, le=1)

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        name = given.get("name", "fedavg")
        defaults = STRATEGY_DEFAULTS.get(name, {}) if isinstance(name, str) else {}
        own = {field for each in STRATEGY_DEFAULTS.values() for field in each} - {"server_learning_rate"}
        return {**defaults, **{field: value for field, value in given.items() if value is not None or field not in own}}

    @model_validator(mode="after")
    def _fits_its_name(self) -> Self:
        for field in ("momentum", "beta_1", "beta_2", "tau"):
            if getattr(self, field) is not None and field not in STRATEGY_DEFAULTS[self.name]:
                having = [name for name, defaults in STRATEGY_DEFAULTS.items() if field in defaults]
                raise ValueError(f"{field} is for {', '.join(having)}, not for {self.name}")
        return self


class ClientOverrides(Contract):
    """The part of `ClientSettings` that a user gives; the rest comes from the task."""

    epochs: int | None = Field(default=None, ge=1, le=1000)
    steps: int | None = Field(default=None, ge=1, le=1_000_000)
    batch_size: int | None = Field(default=None, ge=1, le=65_536)
    full_batch: bool | None = None
    learning_rate: float | None = Field(default=None, gt=0, le=100)
    schedule: Schedule | None = None
    proximal_mu: float | None = Field(default=None, ge=0, le=100)
    clip_norm: float | None = Field(default=None, gt=0, le=1e9)

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if self.epochs is not None and self.steps is not None:
            raise ValueError("epochs and steps: expected one of them")
        if self.full_batch and (beside := self._given() & {"epochs", "steps", "batch_size"}):
            raise ValueError(f"full_batch is one step over all examples: expected no {' and no '.join(sorted(beside))}")
        return self

    def over(self, defaults: ClientSettings) -> ClientSettings:
        """What a user gives stands over the task's own, and over what would contradict it there."""
        given = {field: getattr(self, field) for field in self._given()}
        if "epochs" in given:
            given["steps"] = None
        if given.keys() & {"epochs", "steps", "batch_size"}:
            given.setdefault("full_batch", False)
        return defaults.model_copy(update=given)

    def _given(self) -> set[str]:
        return {field for field in type(self).model_fields if getattr(self, field) is not None}


class Target(Contract):
    """Stop as soon as `metric` reaches `value` (for `loss`: falls to it)."""

    metric: str = Field(min_length=1)
    value: float

    def reached_by(self, metrics: dict[str, float]) -> bool:
        measured = metrics.get(self.metric)
        if measured is None:
            return False
        return measured <= self.value if self.metric == "loss" else measured >= self.value


class RunInput(Contract):
    """What a user types to start a run. Only `task` is needed."""

    task: Identifier
    rounds: int = Field(default=10, ge=1, le=limits.MAX_ROUNDS)
    clients_per_round: int = Field(default=10, ge=1, le=limits.MAX_COHORT)
    strategy: StrategySettings = StrategySettings()
    client: ClientOverrides = ClientOverrides()
    min_clients: int | None = Field(default=None, ge=1, le=limits.MAX_COHORT)
    round_timeout_seconds: int = Field(default=600, ge=1, le=limits.MAX_ROUND_TIMEOUT_SECONDS)
    target: Target | None = None
    seed: int = Field(default=0, ge=0, lt=2**63)
    run_id: Identifier | None = None
    max_concurrency: int = Field(default=10, ge=1, le=1000)
    updates_per_tile: int = Field(default=64, ge=1, le=limits.MAX_COHORT)
    max_abs_delta: float = Field(default=limits.DEFAULT_MAX_ABS_DELTA, gt=0, le=2.0**20)
    max_examples: int = Field(default=limits.DEFAULT_MAX_EXAMPLES, ge=1, le=2**20)
    max_update_norm: float | None = Field(default=None, gt=0, le=1e9)
    evaluation_clients: int = Field(default=0, ge=0, le=limits.MAX_EVALUATION_CLIENTS)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.min_clients is not None and self.min_clients > self.clients_per_round:
            raise ValueError(f"min_clients: expected at most clients_per_round ({self.clients_per_round})")
        return self

    @property
    def quorum(self) -> int:
        """Fewest accepted updates that make a round: `min_clients`, or 80 % of the cohort, rounded up."""
        return self.min_clients if self.min_clients is not None else -(-8 * self.clients_per_round // 10)


class NumberFormat(Contract):
    """The fixed-point format of a round's sums, fixed before anyone trains."""

    cohort_size: int = Field(ge=1, le=limits.MAX_COHORT)
    max_abs_delta: float
    max_examples: int
    fraction_bits: int


class RunRecord(Contract):
    """`run.json`: the run's input with every default filled in, and what it is pinned to."""

    run_id: Identifier
    task: Identifier
    input: RunInput
    client: ClientSettings
    dataset_id: Identifier
    index_key: str
    program_id: Identifier
    initial_sha256: Sha256
    execution_arn: str
    created_at: str
    code_version: str


class ModelPointer(Contract):
    """A global model in RunsBucket."""

    key: str
    sha256: Sha256


class StatePointer(Contract):
    """One array of a strategy's state after a round: raw little-endian float64, tensors in the global model's order."""

    name: str
    key: str
    sha256: Sha256


class ClientBatch(Contract):
    """Clients that one invocation trains, one after the other (an item of the Distributed Map)."""

    index: int = Field(ge=0)
    clients: tuple[Identifier, ...]


class Cohort(Contract):
    """`cohort.json`: who trains in this round, on what and in which number format.

    Written once, and read again by an execution that resumes the run: the deadline, which is another
    one then, travels with the execution (`SelectedCohort.deadline`).
    """

    run_id: Identifier
    round: RoundNumber
    clients: tuple[ClientData, ...]
    base: ModelPointer
    number_format: NumberFormat
    started_at: float
    #: Of this round, where the run has a schedule for them; else they are the run's (`edgetrain.federated.schedules`).
    client_learning_rate: float | None = None
    server_learning_rate: float | None = None

    def member(self, client: str) -> ClientData | None:
        return next((member for member in self.clients if member.client == client), None)


class Receipt(Contract):
    """The ledger's row of a stored update. An update counts when its receipt does."""

    run_id: Identifier
    round: RoundNumber
    client: Identifier
    key: str
    version_id: str
    sha256: Sha256
    size: int = Field(ge=0)
    num_examples: int
    loss: float | None = None
    seconds: float | None = None


class Refusal(Contract):
    """The ledger's row of an update that does not count; `error` is a class name of `errors`."""

    run_id: Identifier
    round: RoundNumber
    client: Identifier
    error: str
    message: str


class Tile(Contract):
    """Updates `start` (inclusive) to `stop` of the accepted list, over all parameters."""

    index: int = Field(ge=0)
    start: int = Field(ge=0)
    stop: int = Field(ge=1)


class SealedRound(Contract):
    """`sealed.json`: written once; what is not in it does not count, whenever it arrives."""

    run_id: Identifier
    round: RoundNumber
    accepted: tuple[Receipt, ...]
    refused: tuple[Refusal, ...]
    tiles: tuple[Tile, ...]
    sealed_at: float


class TileResult(Contract):
    """One tile's partial sum: raw little-endian int64, tensors in the global model's order."""

    tile: Tile
    key: str
    version_id: str
    sha256: Sha256
    examples: int = Field(ge=0)
    weight: int = Field(ge=0)
    accepted: tuple[Identifier, ...]
    refused: tuple[Refusal, ...]


class UpdateEntry(Contract):
    """An update that went into a round's average."""

    client: Identifier
    key: str
    version_id: str
    sha256: Sha256
    num_examples: int


class ClosedRound(Contract):
    """`closed.json`: what the round made, from what.

    The last three chain a run's records: they are of the round before's `closed.json` (in the first round of `run.json`), and of
    this round's `cohort.json` and `sealed.json`. A round that was closed before there was a chain has none of them.
    """

    round: RoundNumber
    base: ModelPointer
    next: ModelPointer
    updates: tuple[UpdateEntry, ...]
    refused: tuple[Refusal, ...]
    examples: int
    train_loss: float | None
    started_at: float
    closed_at: float
    state: tuple[StatePointer, ...] = ()
    previous_sha256: Sha256 | None = None
    cohort_sha256: Sha256 | None = None
    sealed_sha256: Sha256 | None = None


class ClientEvaluation(Contract):
    """The round's model on one client's own test part."""

    client: Identifier
    examples: int = Field(ge=1)
    metrics: dict[str, float]


class MetricSpread(Contract):
    """One metric over the evaluated clients (`edgetrain.federated.spread`)."""

    clients: int = Field(ge=1)
    mean: float = Field(description="Every client counts once.")
    weighted_mean: float = Field(description="Every example counts once.")
    p10: float
    p50: float
    p90: float
    worst: float
    worst_client: Identifier


class EvaluatedRound(Contract):
    """`evaluated.json`: the closed round with its metrics on the held-out part, and on clients' own test parts."""

    closed: ClosedRound
    metrics: dict[str, float]
    evaluated_at: float
    clients: tuple[ClientEvaluation, ...] = ()
    spread: dict[str, MetricSpread] = Field(default_factory=dict)


class Manifest(Contract):
    """A published version: its files, what it scored and where it comes from."""

    format: Literal[1] = 1
    task: Identifier
    version: int = Field(ge=1)
    created_at: str
    files: tuple[FileEntry, ...]
    metrics: dict[str, float]
    lineage: dict[str, Any]


class ServedPointer(Contract):
    """`served.json`: which version of a task its endpoint serves, as it was promoted (docs/adr/0008)."""

    task: Identifier
    version: int = Field(ge=1)
    #: Of the version's manifest, which names every file's own.
    manifest_sha256: Sha256
    promoted_at: str


# --- what travels through the state machine --------------------------------------------------------------


class StartRunRequest(Contract):
    """`input` is the execution's own, unchecked."""

    execution_arn: str
    execution_name: str
    input: Any


class RunPosition(Contract):
    """Where a run stands: the next round to play, or none."""

    run_id: Identifier
    next_round: int = Field(ge=1)
    more_rounds: bool


class RoundRequest(Contract):
    """SelectClients, SealRound, CloseRound and EvaluateModel take the same two words."""

    run_id: Identifier
    round: RoundNumber


class SelectedCohort(Contract):
    """SelectClients' reply: where the map reads its items, and until when (seconds since 1970, UTC)."""

    run_id: Identifier
    round: RoundNumber
    batches_key: str
    max_concurrency: int
    timeout_seconds: int
    deadline: float


class TrainClientRequest(Contract):
    """One item of the map. `attempt` counts the state machine's retries from 0."""

    run_id: Identifier
    round: RoundNumber
    batch: ClientBatch
    deadline: float
    attempt: int = Field(default=0, ge=0)


class SealedReply(Contract):
    """SealRound's reply: the tiles to sum."""

    run_id: Identifier
    round: RoundNumber
    tiles: tuple[int, ...]


class AggregateTileRequest(Contract):
    """Which tile of the sealed round to sum."""

    run_id: Identifier
    round: RoundNumber
    tile: int = Field(ge=0)


class PublishModelRequest(Contract):
    """Publish the run's last global model."""

    run_id: Identifier


class PublishedModel(Contract):
    """PublishModel's reply, and the execution's output."""

    run_id: Identifier
    task: Identifier
    version: int
    manifest_key: str


class FailRunRequest(Contract):
    """What a `Catch` caught."""

    execution_arn: str
    input: Any = None
    error: str = "States.Unknown"
    cause: str = ""


class RunFailure(Contract):
    """The execution's own error and cause, as a reader wants them."""

    error: str
    cause: str

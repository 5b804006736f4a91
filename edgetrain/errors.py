"""The error family. Every error has a class, a sentence for its reader, and one owner.

`TransientError` is worth another try and the state machine retries it; `PermanentError` is not, and
is caught. Nobody matches on an error's text: the class name is the contract (it is what Step
Functions sees as the error's name, and what the ledger stores as a refusal's reason).
"""


class EdgetrainError(Exception):
    """Anything that Edgetrain raises on purpose. Its text is one sentence for a person."""


class TransientError(EdgetrainError):
    """The same call may succeed later: throttling, a conflict, a service that is away."""


class PermanentError(EdgetrainError):
    """The same call would fail again."""


# --- a run as a whole ------------------------------------------------------------------------------


class InvalidRunInput(PermanentError):
    """The run's input is wrong; the sentence names the field and what was expected."""


class RunInputDiffers(PermanentError):
    """A run of this id exists, and it was started with another input."""


class RunFailed(PermanentError):
    """An execution ended without a model, for a reason that has no class of its own here."""


class RunNotVerified(PermanentError):
    """An object of a run is not what it was, or a round cannot be made again; the sentence names the first one."""


class RunNotFound(PermanentError):
    """There is no run of this id."""


class TaskNotFound(PermanentError):
    """No task of this name is known."""


class TaskInvalid(PermanentError):
    """A task's file, or an installed package's task, is not one whole task with a name of its own; the sentence says what is wrong."""


class TaskNotBuilt(PermanentError):
    """ModelsBucket holds no training program of this task."""


class DataNotFound(PermanentError):
    """DataBucket holds no data of this task."""


class DataInvalid(PermanentError):
    """A client's data, or an index, is not what its index says."""


class QuorumNotReached(PermanentError):
    """Fewer updates than `min_clients` were left when the round was closed."""


class ModelNotFound(PermanentError):
    """There is no such published version."""


class PromotionFailed(PermanentError):
    """A version was not brought to its endpoint; what was served before still is."""


class ObjectNotFound(PermanentError):
    """An object that should be in the store is not there."""


class PictureInvalid(PermanentError):
    """Bytes are not a picture that is accepted: not JPEG or PNG, damaged, or too large.

    `code` says which, for callers: picture_empty, picture_too_large (bytes), picture_type (neither JPEG nor PNG), picture_dimensions
    (pixels) or picture_damaged (cannot be decoded).
    """

    def __init__(self, message: str, *, code: str = "picture_damaged") -> None:
        super().__init__(message)
        self.code = code


class ProgramInvalid(PermanentError):
    """A training program does not fit its task.json."""


class LayerNotSupported(PermanentError):
    """A Keras layer (or one of its settings) has no lowering; the sentence names it."""


class ModelDiverged(PermanentError):
    """A model's answers are no numbers any more: it was trained with too large a learning rate, most likely."""


class TrainingJobInvalid(PermanentError):
    """A hyperparameter or an input channel of a central training job is wrong; the sentence names it."""


class TrainingJobFailed(PermanentError):
    """A central training job ended without a model; the sentence is the job's own reason."""


# --- one client's update ---------------------------------------------------------------------------


class UpdateRefused(PermanentError):
    """A client's update does not count. The round goes on while the quorum stands.

    `client` is the client's id, or empty where the check does not know it; the class name is the
    reason that the ledger keeps.
    """

    def __init__(self, message: str, *, client: str = "") -> None:
        super().__init__(message)
        self.client = client


class TrainingFailed(UpdateRefused):
    """The client raised while it trained."""


class UpdateMissing(UpdateRefused):
    """The client was selected and no receipt of it arrived before the round was sealed."""


class UpdateLate(UpdateRefused):
    """The update arrived after the round was sealed, or after its deadline."""


class UpdateMalformed(UpdateRefused):
    """Not a safetensors file: its header cannot be read, or contradicts itself or the file's size."""


class UpdateTruncated(UpdateRefused):
    """The file is shorter or longer than its header says."""


class UpdateNamesDiffer(UpdateRefused):
    """The tensors' names are not those of the global model."""


class UpdateShapeDiffers(UpdateRefused):
    """A tensor has another shape than in the global model."""


class UpdateDtypeDiffers(UpdateRefused):
    """A tensor is not float32."""


class UpdateNotFinite(UpdateRefused):
    """A tensor holds NaN or an infinity."""


class UpdateOutOfBounds(UpdateRefused):
    """A number is above `max_abs_delta` in magnitude, or `num_examples` is outside 1..`max_examples`."""


class UpdateNormExceeded(UpdateRefused):
    """The update's Euclidean norm is above `max_update_norm`. It is never scaled down."""


class UpdateChecksumDiffers(UpdateRefused):
    """The stored bytes do not have the SHA-256 that the receipt names."""


class UpdateForAnotherRound(UpdateRefused):
    """The update says that it was made for another run, round, client or global model."""


class WrongNumExamples(UpdateRefused):
    """`num_examples` is not what the data index says of this client."""


# --- the API -----------------------------------------------------------------------------------------


class RequestRefused(PermanentError):
    """The caller's mistake. `code` tells a program which one, and the answer's status (edgetrain/api/refusals.py)."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class ServiceBusy(TransientError):
    """A service that the API leans on does not answer, or not in time: 503, and when to try again (seconds)."""

    def __init__(self, message: str, *, code: str, retry_after: int = 2) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after


# --- the embedded cloud and the command line ---------------------------------------------------------


class UsageError(PermanentError):
    """The user asked for something that cannot be: exit code 2."""


class DataFileInvalid(UsageError):
    """A file of the user's own data is not what its layout says; the sentence names file, client, sample and what was expected."""


class Interrupted(EdgetrainError):
    """Ctrl-C came before the command was done; the sentence says what goes on without it."""


class AccuracyTooLow(PermanentError):
    """The demonstration's federation ended below the accuracy that it promises."""


class ThingNotFound(PermanentError):
    """The demonstration's detector did not find what is in a photograph."""


class CloudNotRunning(UsageError):
    """No embedded cloud answers; the sentence says how to start one."""


class CloudAlreadyRunning(UsageError):
    """An embedded cloud already runs on this data directory."""


class NotDeployed(UsageError):
    """The cloud answers, and the application is not deployed in it."""


class UserExists(UsageError):
    """Somebody has this name already: a person or a machine user."""


class UserNotFound(UsageError):
    """No person and no machine user has this name."""


class SignInFailed(PermanentError):
    """The deployed sign-in refused, or was changed by somebody else at the same time; the sentence has its word for it."""


class SignInUnavailable(TransientError):
    """The deployed sign-in does not answer."""


class ExtraMissing(UsageError):
    """A command needs packages that the core install leaves out."""


class PackageMissing(UsageError):
    """An npm package that carries the first detector, or a font of the generated writers, is not installed, or is another one."""


class BuildFailed(PermanentError):
    """The web app did not build; the sentence has the tool's last lines."""


class ApiRefused(UsageError):
    """The API did not do what it was asked, and would not the next time: the sentence has its reason."""


class ApiUnavailable(TransientError):
    """The API, or what it stands on, does not answer now; the sentence says when to try again, where that is known."""


class PortInUse(UsageError):
    """Another program listens on the wanted port."""


class NodeMissing(UsageError):
    """Node.js >= 20 is needed (the CDK's kernel runs on it) and was not found."""


class DeploymentFailed(PermanentError):
    """A stack did not deploy; the sentence names stack, resource and reason."""

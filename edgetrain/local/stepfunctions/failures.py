"""How things go wrong: in a definition, in a state, in a whole execution, in a request."""

from typing import Final

RUNTIME: Final = "States.Runtime"
DATA_LIMIT_EXCEEDED: Final = "States.DataLimitExceeded"
TIMEOUT: Final = "States.Timeout"
HEARTBEAT_TIMEOUT: Final = "States.HeartbeatTimeout"
INTRINSIC_FAILURE: Final = "States.IntrinsicFailure"
NO_CHOICE_MATCHED: Final = "States.NoChoiceMatched"
RESULT_PATH_MATCH_FAILURE: Final = "States.ResultPathMatchFailure"
ITEM_READER_FAILED: Final = "States.ItemReaderFailed"
EXCEED_TOLERATED_FAILURES: Final = "States.ExceedToleratedFailureThreshold"
TASK_FAILED: Final = "States.TaskFailed"
ALL: Final = "States.ALL"


class InvalidDefinition(Exception):
    """A definition that is wrong, or that asks for what this engine does not do. The text is AWS's shape, with places."""


class StateFailed(Exception):
    """A state failed with an error name and a cause; a retrier or a catcher of the state may take it."""

    def __init__(self, error: str | None, cause: str | None = None) -> None:
        super().__init__(error, cause)
        self.error, self.cause = error, cause


class EvaluationFailed(StateFailed):
    """A path, a template or a number of the definition does not fit the data. The state adds itself to the cause."""


class HistoryFull(Exception):
    """The execution has no room for another event; nothing can catch this."""


class PathNotFound(Exception):
    """A path that points to one value points to nothing. The text is the path's missing part."""


class ApiError(Exception):
    """A request is refused: AWS's error code and its sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


class JournalUnreadable(Exception):
    """The journal's file was written by another version of this program."""

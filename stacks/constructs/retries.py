"""Which errors are tried again, how often, and why. What is in no row is not tried again."""

from dataclasses import dataclass
from typing import Any, Final

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn

from edgetrain import errors


@dataclass(frozen=True, kw_only=True)
class Tries:
    """One retrier. `attempts` counts the tries after the first; delays double from `first_delay` and are jittered."""

    errors: tuple[str, ...]
    reason: str
    attempts: int
    first_delay: int = 1
    longest_delay: int = 30

    def retry_props(self) -> dict[str, Any]:
        """The keyword arguments of the CDK's `add_retry`."""
        if not self.attempts:
            return {"errors": list(self.errors), "max_attempts": 0}
        return {
            "errors": list(self.errors),
            "max_attempts": self.attempts,
            "interval": Duration.seconds(self.first_delay),
            "backoff_rate": 2,
            "max_delay": Duration.seconds(self.longest_delay),
            "jitter_strategy": sfn.JitterType.FULL,
        }


#: What stops a whole batch of TrainClient and would stop it again; what one client does wrong never leaves the function.
PERMANENT: Final = (errors.DataInvalid, errors.ObjectNotFound, errors.ProgramInvalid)

#: For every task.
TRANSIENT: Final = (
    Tries(
        errors=(
            "Lambda.ServiceException",
            "Lambda.AWSLambdaException",
            "Lambda.SdkClientException",
            "Lambda.ClientExecutionTimeoutException",
            "Lambda.TooManyRequestsException",
        ),
        reason="Lambda itself was away or had no capacity; the function did not run, or may run again: every step is write-once",
        attempts=6,
    ),
    Tries(
        errors=(errors.TransientError.__name__,),
        reason="the step says that another try may succeed: throttling, a conflict, a client that failed once",
        attempts=3,
        longest_delay=10,
    ),
    Tries(
        errors=("Lambda.Unknown", "Runtime.ExitError"),
        reason="the function's process was lost before it could say why; another one finds what this one wrote",
        attempts=2,
        longest_delay=10,
    ),
)

#: For TrainClient. Retriers are looked through in order, and the first that names the error counts.
TRIES_OF_TRAINING: Final = (
    *TRANSIENT,
    Tries(
        errors=tuple(each.__name__ for each in PERMANENT),
        reason="the same call would fail again; without this row the next one would take them",
        attempts=0,
    ),
    Tries(
        errors=("States.TaskFailed",),
        reason="any other error may be the machine's: out of memory, a full disk. It does not match States.Timeout: after the "
        "round's deadline another try would be late",
        attempts=2,
        longest_delay=10,
    ),
)

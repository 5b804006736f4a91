"""Executions of the state machine, behind a small port."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from botocore.exceptions import ClientError

from edgetrain.errors import UsageError
from edgetrain.stores.failures import code_of, translated

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

Status = Literal["RUNNING", "SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT"]


@dataclass(frozen=True)
class Execution:
    """How an execution stands. `error` and `cause` say why it did not succeed."""

    arn: str
    status: Status
    error: str | None = None
    cause: str | None = None


class Executions(Protocol):
    """What clients ask of Step Functions. Every method raises `TransientError` where another try may succeed."""

    def start(self, name: str, document: str) -> str:
        """Start one with this input (JSON); its ARN.

        Raises:
            UsageError: there was one of this name.
        """
        ...

    def describe(self, arn: str) -> Execution | None:
        """How it stands, or None when nobody knows it any more."""
        ...

    def stop(self, arn: str, cause: str) -> None:
        """Abort it; one that has ended stays as it is."""
        ...


class StepFunctionsExecutions:
    """Executions of one state machine."""

    def __init__(self, client: "SFNClient", state_machine_arn: str) -> None:
        self._client, self._state_machine = client, state_machine_arn

    def start(self, name: str, document: str) -> str:
        """See `Executions`."""
        try:
            with translated(f"execution {name}"):
                reply = self._client.start_execution(stateMachineArn=self._state_machine, name=name, input=document)
        except ClientError as error:
            if code_of(error) == "ExecutionAlreadyExists":
                raise UsageError(f"an execution named {name!r} exists already: choose another --run-id") from error
            raise
        return reply["executionArn"]

    def describe(self, arn: str) -> Execution | None:
        """See `Executions`. AWS forgets an execution 90 days after its end."""
        try:
            with translated(f"execution {arn}"):
                reply: dict[str, Any] = dict(self._client.describe_execution(executionArn=arn))
        except ClientError as error:
            if code_of(error) == "ExecutionDoesNotExist":
                return None
            raise
        return Execution(arn, cast("Status", reply["status"]), reply.get("error"), reply.get("cause"))

    def stop(self, arn: str, cause: str) -> None:
        """See `Executions`."""
        with translated(f"execution {arn}"):
            self._client.stop_execution(executionArn=arn, error="RunStopped", cause=cause)

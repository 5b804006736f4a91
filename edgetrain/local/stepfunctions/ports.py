"""What the engine asks of the cloud around it, and what it is asked to run."""

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class FunctionResult:
    """What a function answered. `function_error` is Lambda's `X-Amz-Function-Error`, or None when it succeeded."""

    payload: bytes
    function_error: str | None
    status_code: int = 200
    executed_version: str = "$LATEST"


class ServiceError(Exception):
    """A service refused a call: its error code (as in `TooManyRequestsException`), its sentence, its HTTP status."""

    def __init__(self, code: str, message: str, *, status_code: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status_code = code, message, status_code


class Integrations(Protocol):
    """The services that states call. Called from the engine's worker threads, several at a time."""

    def invoke_function(self, function: str, payload: bytes, *, role_arn: str) -> FunctionResult:
        """Invoke `function` (a name or an ARN, as the definition has it) with `payload` (JSON), and wait for its answer.

        Raises:
            ServiceError: Lambda refused the call.
        """
        ...

    def get_object(self, bucket: str, key: str, *, role_arn: str) -> bytes:
        """An S3 object's body.

        Raises:
            ServiceError: S3 refused the call (`NoSuchKey`, `AccessDenied`, ...).
        """
        ...

    def call(self, service: str, action: str, parameters: dict[str, Any], *, role_arn: str) -> dict[str, Any]:
        """An action (`putItem`) of a service (`dynamodb`; a key of `services.SERVICES`), as its API has it.

        `parameters` and the answer are named as Step Functions names them: `TableName`, `StateMachineArn`. Times in
        the answer are `datetime`s, contents texts.

        Raises:
            ServiceError: the service refused the call.
        """
        ...


@dataclass(frozen=True)
class StateMachine:
    """A state machine as it is now; `definition` is JSON text. An execution keeps what it was started with."""

    arn: str
    name: str
    definition: str
    role_arn: str

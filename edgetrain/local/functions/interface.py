"""What the executor takes, wants from the cloud around it, and gives back."""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

LATEST: Final = "$LATEST"


@dataclass(frozen=True, kw_only=True)
class LayerContent:
    """One layer: the SHA-256 of its zip file (hex, or base64 as Lambda writes it), and how to get the file's bytes."""

    sha256: str
    read: Callable[[], bytes]


@dataclass(frozen=True, kw_only=True)
class FunctionConfiguration:
    """A deployed function.

    `arn` is the ARN that was invoked, with its qualifier if it has one. `runtime` is Lambda's word (`python3.11`).
    `code_sha256` is hex, or base64 as Lambda writes it, over the zip file that `read_code` gives. `layers` are in the
    function's order: a later one covers an earlier one's files. Another `revision` means another function: new
    processes are started for it and those of the old one end when what they do is done. `reserved_concurrency` is how
    many invocations may be under way at once; None for as many as come.
    """

    name: str
    arn: str
    handler: str
    runtime: str
    code_sha256: str
    read_code: Callable[[], bytes]
    layers: tuple[LayerContent, ...]
    environment: Mapping[str, str]
    memory_mb: int
    timeout_seconds: int
    role_arn: str
    log_group: str
    revision: str
    reserved_concurrency: int | None = None

    @property
    def version(self) -> str:
        """The published version that `arn` names; `$LATEST` where it names none."""
        parts = self.arn.split(":")
        return parts[7] if len(parts) > 7 and parts[7].isdigit() else LATEST


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Temporary credentials of a function's role."""

    access_key_id: str
    secret_access_key: str
    session_token: str


class FunctionServices(Protocol):
    """What the cloud around the executor does for it. Called from many threads."""

    def configuration(self, function: str) -> FunctionConfiguration:
        """The function of a name, a partial or a whole ARN, with or without a qualifier.

        Raises:
            InvocationError: ResourceNotFoundException, when there is none.
        """
        ...

    def credentials(self, role_arn: str, session_name: str) -> Credentials:
        """Credentials of the role, assumed through STS."""
        ...

    def put_log_events(self, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
        """Append events (milliseconds since the epoch, text) to a log stream, which is made when it is not there."""
        ...


@dataclass(frozen=True, kw_only=True)
class Result:
    """The answer of Invoke.

    `status_code` is 200, 202 (Event) or 204 (DryRun). `function_error` is `Unhandled` when the function failed, and
    `payload` is then the error as JSON; today's Lambda says `Unhandled` of an exception as of a crash. `log_tail` is
    the end of the invocation's log, at most 4 KB; whether the caller asked for it is the front's to know.
    """

    status_code: int
    payload: bytes
    function_error: str | None
    executed_version: str
    log_tail: bytes
    request_id: str


class InvocationError(Exception):
    """An error of Lambda's API itself: the function did not answer because it was not run, or could not be."""

    def __init__(self, code: str, status: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.message = message


def hex_digest(sha256: str) -> str:
    """A SHA-256 as 64 hexadecimal digits, from those or from base64.

    Raises:
        ValueError: it is neither.
    """
    if re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        return sha256.lower()
    digest = base64.b64decode(sha256, validate=True)
    if len(digest) != hashlib.sha256().digest_size:
        raise ValueError(f"a SHA-256 has 32 bytes, and {sha256!r} has {len(digest)}")
    return digest.hex()

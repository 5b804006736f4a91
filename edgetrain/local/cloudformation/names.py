"""Physical names that a restart does not change, and a stack's next life does."""

import hashlib
import json
import threading
import uuid
from pathlib import Path
from typing import Final

from edgetrain.local.place import ACCOUNT, PARTITION, REGION

SUFFIX: Final = 12
#: Type -> the longest name that its service takes.
LONGEST: Final = {
    "AWS::S3::Bucket": 63,
    "AWS::IAM::Role": 64,
    "AWS::Lambda::Function": 64,
    "AWS::StepFunctions::StateMachine": 80,
    "AWS::Lambda::LayerVersion": 100,
    "AWS::Lambda::Permission": 100,
    "AWS::Events::Rule": 64,
    "AWS::SQS::Queue": 80,
    "AWS::SageMaker::Endpoint": 63,
    "AWS::SageMaker::EndpointConfig": 63,
    "AWS::SageMaker::Model": 63,
}
LOWER_CASE: Final = frozenset({"AWS::S3::Bucket", "AWS::ECR::Repository"})


class Incarnations:
    """How many lives of each stack's name have ended, in a file: resources that were kept keep their names to themselves."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def current(self, stack: str) -> int:
        return self._read().get(stack, 0)

    def end(self, stack: str) -> None:
        """The stack is deleted: what is made under its name from now on is named differently."""
        with self._lock:
            ended = self._read()
            ended[stack] = ended.get(stack, 0) + 1
            written = self._path.with_suffix(".new")
            written.write_text(json.dumps(ended, indent=1, sort_keys=True) + "\n")
            written.replace(self._path)

    def _read(self) -> dict[str, int]:
        try:
            ended: dict[str, int] = json.loads(self._path.read_text())
        except FileNotFoundError:
            return {}
        return ended


def stack_id(name: str, incarnation: int) -> str:
    """The ARN of a stack in one of its lives."""
    identity = uuid.UUID(_digest(name, str(incarnation))[:32])
    return f"arn:{PARTITION}:cloudformation:{REGION}:{ACCOUNT}:stack/{name}/{identity}"


def physical_name(kind: str, of_stack: str, logical_id: str, generation: int) -> str:
    """`stack-logicalid-0123456789ab`, short enough for the service."""
    name = of_stack.split("/")[1]
    suffix = _digest(of_stack, logical_id, str(generation))[:SUFFIX]
    longest = LONGEST.get(kind, 128)
    room = longest - SUFFIX - 1
    prefix = f"{name}-{logical_id}"
    if len(prefix) > room:
        prefix = f"{name[: room // 2]}-{logical_id}"[:room]
    full = f"{prefix.rstrip('-')}-{suffix}"
    return full.lower() if kind in LOWER_CASE else full


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()

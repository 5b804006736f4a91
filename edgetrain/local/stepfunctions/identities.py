"""Ids and ARNs. Ids are seeded once by the operating system: asking it for each costs more than the rest of an item's row."""

import random
import uuid
from typing import Final

_SOURCE: Final = random.Random()  # noqa: S311 - names, no secrets


def new_id() -> str:
    """A random UUID."""
    return str(uuid.UUID(int=_SOURCE.getrandbits(128), version=4))


def execution_arn(machine_arn: str, name: str) -> str:
    """The ARN of a state machine's execution of this name."""
    return f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"

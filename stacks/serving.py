"""What the context says of the endpoints: which tasks are served, on what.

-c serve=objects                  tasks, comma separated
-c instance_type=ml.c5.large      instances, which cost while they stand; without it serverless, which costs per request
-c serverless_memory=3072         MB
-c serverless_concurrency=5       requests at once
-c image_uri=...                  a ready image instead of one that is built (needs no Docker)

All of it is checked while synthesising.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from aws_cdk import App

from edgetrain.errors import UsageError

#: Tasks that have a first model, so that their endpoint can stand on an empty account.
SERVABLE: Final = ("objects",)
DEFAULT_TASKS: Final = "objects"
#: What SageMaker offers.
SERVERLESS_MEMORY_MB: Final = (1024, 2048, 3072, 4096, 5120, 6144)
#: Memory brings processor time in proportion. A detection takes some 150 MB.
DEFAULT_MEMORY_MB: Final = 3072
#: SageMaker's most for one endpoint; an account has ten in all until it asks for more.
MOST_CONCURRENCY: Final = 200
DEFAULT_CONCURRENCY: Final = 5
INSTANCE_TYPE: Final = re.compile(r"ml\.[a-z][a-z0-9-]*\.(?:nano|micro|small|medium|large|\d*xlarge)")
#: A private repository of ECR, by tag or by digest.
IMAGE_URI: Final = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[a-z0-9]+(?:[._/-][a-z0-9]+)*)(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|@sha256:[0-9a-f]{64})"
)


@dataclass(frozen=True, kw_only=True)
class Serving:
    """How tasks are served. `instance_type` is None for serverless; `image_uri` is None for an image of our own."""

    tasks: tuple[str, ...] = (DEFAULT_TASKS,)
    memory_mb: int = DEFAULT_MEMORY_MB
    max_concurrency: int = DEFAULT_CONCURRENCY
    instance_type: str | None = None
    image_uri: str | None = None

    @property
    def kind(self) -> str:
        """Part of logical ids: SageMaker turns no endpoint of one kind into one of the other."""
        return "Serverless" if self.instance_type is None else "Instance"


def serving_of(app: App) -> Serving:
    """What the context asks for.

    Raises:
        UsageError: a value cannot be; the sentence names it and what is expected.
    """

    def value(name: str, default: Any = None) -> Any:
        found = app.node.try_get_context(name)
        return default if found in {None, ""} else found

    return Serving(
        tasks=_tasks(str(value("serve", DEFAULT_TASKS))),
        memory_mb=_memory(value("serverless_memory", DEFAULT_MEMORY_MB)),
        max_concurrency=_whole("serverless_concurrency", value("serverless_concurrency", DEFAULT_CONCURRENCY)),
        instance_type=_matching("instance_type", value("instance_type"), INSTANCE_TYPE, "one like ml.c5.large"),
        image_uri=_matching(
            "image_uri", value("image_uri"), IMAGE_URI, "ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG"
        ),
    )


def _tasks(text: str) -> tuple[str, ...]:
    named = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    unknown = [task for task in named if task not in SERVABLE]
    if unknown or not named:
        raise UsageError(f"serve is {text!r}: expected one or more of {', '.join(SERVABLE)}, comma separated")
    return named


def _memory(value: Any) -> int:
    if str(value) not in map(str, SERVERLESS_MEMORY_MB):
        raise UsageError(
            f"serverless_memory is {value!r}: expected one of {', '.join(map(str, SERVERLESS_MEMORY_MB))} (MB)"
        )
    return int(value)


def _whole(name: str, value: Any) -> int:
    if not re.fullmatch(r"\d{1,6}", str(value)) or not 1 <= int(value) <= MOST_CONCURRENCY:
        raise UsageError(f"{name} is {value!r}: expected a whole number from 1 to {MOST_CONCURRENCY}")
    return int(value)


def _matching(name: str, value: Any, pattern: re.Pattern[str], expected: str) -> str | None:
    if value is not None and not pattern.fullmatch(str(value)):
        raise UsageError(f"{name} is {value!r}: expected {expected}")
    return None if value is None else str(value)

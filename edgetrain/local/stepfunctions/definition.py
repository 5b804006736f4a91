"""A state machine as the engine runs it: checked, with every path and template compiled."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edgetrain.local.stepfunctions.intrinsics import Expression
from edgetrain.local.stepfunctions.paths import Path
from edgetrain.local.stepfunctions.templates import Template

#: Whether a choice's rule holds for a state's data and the context object.
Condition = Callable[[Any, Any], bool]


@dataclass(frozen=True, kw_only=True)
class Retrier:
    """One entry of `Retry`. Delays are in seconds; `attempts` counts the tries after the first."""

    errors: tuple[str, ...]
    interval: float = 1
    rate: float = 2.0
    attempts: int = 3
    longest: float | None = None
    jitter: bool = False


@dataclass(frozen=True, kw_only=True)
class Catcher:
    """One entry of `Catch`. `result_path` None: the error is dropped and the input goes on."""

    errors: tuple[str, ...]
    next: str
    result_path: Path | None


@dataclass(frozen=True, kw_only=True)
class State:
    """What all states have. `next` None: the flow ends here. A path None (`null`): an empty object."""

    name: str
    kind: str
    next: str | None = None
    input_path: Path | None
    output_path: Path | None


@dataclass(frozen=True, kw_only=True)
class Succeed(State):
    """Ends its flow well."""


@dataclass(frozen=True, kw_only=True)
class Fail(State):
    """Ends its flow with an error: constants, or computed."""

    error: str | Expression | None
    cause: str | Expression | None


@dataclass(frozen=True, kw_only=True)
class Wait(State):
    """Waits for `seconds`, or until `timestamp` (epoch seconds): constants, or paths to them."""

    seconds: int | Path | None = None
    timestamp: float | Path | None = None


@dataclass(frozen=True, kw_only=True)
class Choice(State):
    """Goes to the state of the first rule that holds, else to `default`."""

    rules: tuple[tuple[Condition, str], ...]
    default: str | None


@dataclass(frozen=True, kw_only=True)
class Working(State):
    """A state with a result. `result_path` None: the result is dropped and the input goes on."""

    result_path: Path | None
    parameters: Template | None = None
    selector: Template | None = None
    retriers: tuple[Retrier, ...] = ()
    catchers: tuple[Catcher, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Pass(Working):
    """Hands on its input, or a constant (`result`, a one-tuple, where there is one)."""

    result: tuple[Any] | None


@dataclass(frozen=True)
class Resource:
    """What a task calls: `arn:aws:states:::dynamodb:putItem`, or (`service` and `action` "lambda", `arn` given) a function.

    `pattern` is "" (the answer is the result), "sync", "sync:2" or "waitForTaskToken".
    """

    service: str
    action: str
    pattern: str = ""
    arn: str | None = None

    @property
    def shown(self) -> str:
        """As events name it beside the service."""
        return f"{self.action}.{self.pattern}" if self.pattern else self.action


@dataclass(frozen=True, kw_only=True)
class Task(Working):
    """Calls a service. Seconds are constants or paths to them."""

    resource: Resource
    timeout: int | Path | None
    heartbeat: int | Path | None = None


@dataclass(frozen=True, kw_only=True)
class Flow:
    """States and where they start: a whole machine, a branch, or the processor of a map."""

    start_at: str
    states: Mapping[str, State]


@dataclass(frozen=True, kw_only=True)
class Parallel(Working):
    """Runs its branches side by side; the result is the array of their outputs."""

    branches: tuple[Flow, ...]


@dataclass(frozen=True, kw_only=True)
class ItemReader:
    """Reads a map's items from S3: an object (`kind` JSON, JSONL or CSV), or which objects there are (OBJECTS).

    `most` caps how many (0: all). `headers` None: a CSV's first row has them.
    """

    kind: str
    parameters: Template
    most: int | Path
    headers: tuple[str, ...] | None = None
    delimiter: str = "COMMA"


@dataclass(frozen=True, kw_only=True)
class ItemBatcher:
    """Hands several items to one execution: at most so many items and bytes (None: no limit of its own)."""

    most_items: int | Path | None
    most_bytes: int | Path | None
    common: Template | None


@dataclass(frozen=True, kw_only=True)
class Map(Working):
    """Runs its processor for each item. Numbers are constants or paths to them."""

    processor: Flow
    items_path: Path
    item_selector: Template | None
    max_concurrency: int | Path


@dataclass(frozen=True, kw_only=True)
class DistributedMap(Map):
    """A map whose items are executions of their own. `label` names their machine."""

    label: str
    reader: ItemReader | None
    batcher: ItemBatcher | None
    tolerated_count: int | Path | None
    tolerated_percentage: float | Path | None


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A whole definition."""

    flow: Flow
    timeout: int | None

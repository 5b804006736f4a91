"""A stack: what was asked for, what stands, and what happened."""

import threading
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from edgetrain.local.cloudformation.resources import Resource
from edgetrain.local.cloudformation.template import Template

STACK: Final = "AWS::CloudFormation::Stack"


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of a stack's story."""

    stack_id: str
    stack_name: str
    logical_id: str
    physical_id: str
    kind: str
    status: str
    reason: str | None = None
    event_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    timestamp: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, kw_only=True)
class Output:
    """An output, exported or not."""

    key: str
    value: str
    description: str | None = None
    export: str | None = None


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a stack is to become."""

    template: Template
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    role_arn: str | None = None
    capabilities: tuple[str, ...] = ()
    notification_arns: tuple[str, ...] = ()


@dataclass
class Stack:
    """One stack. It changes under the lock of CloudFormation's API; whoever reads meanwhile sees it half-way, as on AWS."""

    stack_id: str
    name: str
    wanted: Wanted | None = None
    status: str = "REVIEW_IN_PROGRESS"
    reason: str | None = None
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    #: Names of exports of other stacks that it reads.
    imports: set[str] = field(default_factory=set)
    #: Values of the template's parameters, defaults included.
    resolved_parameters: dict[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    is_protected: bool = False
    disables_rollback: bool = False
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated_at: datetime | None = None
    deleted_at: datetime | None = None
    change_set_id: str | None = None

    @property
    def is_deleted(self) -> bool:
        return self.status == "DELETE_COMPLETE"

    def enter(self, status: str, reason: str | None = None) -> None:
        """Take a status, and say so."""
        self.status, self.reason = status, reason
        self.tell(self.name, self.stack_id, STACK, status, reason)

    def tell(self, logical_id: str, physical_id: str, kind: str, status: str, reason: str | None = None) -> None:
        """Add an event."""
        self.events.append(
            Event(
                stack_id=self.stack_id,
                stack_name=self.name,
                logical_id=logical_id,
                physical_id=physical_id,
                kind=kind,
                status=status,
                reason=reason,
            )
        )


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a change set would do to a resource."""

    action: str
    logical_id: str
    kind: str
    physical_id: str | None = None
    replacement: str | None = None


@dataclass
class ChangeSet:
    """A change that can be looked at before it is made."""

    change_set_id: str
    name: str
    stack: Stack
    kind: str
    wanted: Wanted
    changes: list[Change]
    status: str
    execution_status: str
    reason: str | None = None
    description: str | None = None
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))


def changes_of(stack: Stack, wanted: Wanted) -> Iterable[Change]:
    """What a change set shows: resources that come, change or go."""
    before = {} if stack.wanted is None else stack.wanted.template.resources
    for logical_id, declared in wanted.template.resources.items():
        standing = stack.resources.get(logical_id)
        if standing is None:
            yield Change(action="Add", logical_id=logical_id, kind=declared["Type"])
        elif before.get(logical_id) != declared:
            yield Change(
                action="Modify",
                logical_id=logical_id,
                kind=declared["Type"],
                physical_id=standing.physical_id,
                replacement="Conditional",
            )
    for logical_id, standing in stack.resources.items():
        if logical_id not in wanted.template.resources:
            yield Change(action="Remove", logical_id=logical_id, kind=standing.kind, physical_id=standing.physical_id)


class Exports:
    """All stacks' exports by their names."""

    def __init__(self) -> None:
        self._exported: dict[str, tuple[Stack, str]] = {}
        self._lock = threading.Lock()

    def value(self, name: str) -> str | None:
        found = self._exported.get(name)
        return None if found is None else found[1]

    def owner(self, name: str) -> Stack | None:
        found = self._exported.get(name)
        return None if found is None else found[0]

    def replace(self, stack: Stack, outputs: list[Output]) -> None:
        """A stack exports these, and nothing besides."""
        with self._lock:
            kept = {name: entry for name, entry in self._exported.items() if entry[0] is not stack}
            kept |= {each.export: (stack, each.value) for each in outputs if each.export is not None}
            self._exported = kept

    def all(self) -> list[tuple[str, Stack, str]]:
        """Name, stack and value of each, by name."""
        return [(name, stack, value) for name, (stack, value) in sorted(self._exported.items())]

"""What a stack is made of, and what has to be known of a type of resource to make one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A resource as a template wants it: its properties are values; `name` is for who gives no name of its own."""

    logical_id: str
    kind: str
    name: str
    stack_id: str
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class Made:
    """What became of it: what `Ref` gives, and what `Fn::GetAtt` can give."""

    physical_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource that stands."""

    logical_id: str
    kind: str
    physical_id: str
    attributes: Mapping[str, Any]
    properties: Mapping[str, Any]
    #: How often it was replaced: another generation has another name.
    generation: int = 0
    deletion_policy: str = "Delete"
    replace_policy: str = "Delete"
    status: str = "CREATE_COMPLETE"
    updated_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Provider(Protocol):
    """Makes, changes and deletes resources of one type, by the service's own API."""

    @property
    def kind(self) -> str:
        """The type's name."""
        ...

    @property
    def named_by(self) -> str:
        """The property by which a template may name it; empty where it cannot."""
        ...

    @property
    def immutable(self) -> frozenset[str]:
        """Properties whose change means another resource."""
        ...

    @property
    def properties(self) -> frozenset[str] | None:
        """All properties that are acted on; None for any. What a template has besides is an error."""
        ...

    def create(self, declared: Declared) -> Made:
        """Make it, or raise."""
        ...

    def update(self, standing: Resource, declared: Declared) -> Made:
        """Change it in place."""
        ...

    def delete(self, standing: Resource) -> None:
        """Delete it; what is gone already is fine."""
        ...

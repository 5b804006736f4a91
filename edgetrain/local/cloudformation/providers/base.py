"""What providers share."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from edgetrain.local.cloudformation.resources import Declared, Made, Resource
from edgetrain.local.loopback import Loopback


class ServiceProvider(ABC):
    """A provider that asks the service's own API, inside of the cloud."""

    kind: ClassVar[str]
    service: ClassVar[str]
    named_by: ClassVar[str] = ""
    immutable: ClassVar[frozenset[str]] = frozenset()
    properties: ClassVar[frozenset[str] | None]

    def __init__(self, clients: Loopback) -> None:
        self._clients = clients

    @property
    def client(self) -> Any:
        return self._clients.client(self.service)

    @abstractmethod
    def create(self, declared: Declared) -> Made: ...

    @abstractmethod
    def update(self, standing: Resource, declared: Declared) -> Made: ...

    @abstractmethod
    def delete(self, standing: Resource) -> None: ...


class ReplacedProvider(ServiceProvider):
    """A provider of what is never changed, only replaced: all its `properties` are `immutable`."""

    def update(self, standing: Resource, declared: Declared) -> Made:
        raise NotImplementedError(f"every property of {self.kind} is immutable")


def chosen(properties: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Those of the properties that are there."""
    return {name: properties[name] for name in names if name in properties}


def lowered(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The same keys as Step Functions and Logs write them: `RoleArn` -> `roleArn`, all the way down."""

    def convert(value: Any) -> Any:
        if isinstance(value, Mapping):
            return lowered(value)
        return [convert(each) for each in value] if isinstance(value, list) else value

    return {name[0].lower() + name[1:]: convert(value) for name, value in properties.items()}


def flat_tags(properties: Mapping[str, Any]) -> dict[str, str]:
    """A list of keys and values, or a mapping already, as a mapping."""
    tags = properties.get("Tags", [])
    return dict(tags) if isinstance(tags, Mapping) else {tag["Key"]: str(tag["Value"]) for tag in tags}


def unless_gone(call: Callable[[], Any], codes: Iterable[str]) -> None:
    """Delete what may be gone: these error codes are fine."""
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] not in set(codes):
            raise

"""A template, read: its resources in the order in which they depend on each other."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

from edgetrain.local.cloudformation.errors import invalid

#: `${Name}` or `${Name.Attribute}` in Fn::Sub; `${!Literal}` is text.
VARIABLE: Final = re.compile(r"\$\{([^!}][^}]*)\}")
SECTIONS: Final = frozenset(
    {
        *("AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings", "Conditions"),
        *("Resources", "Outputs"),
    }
)


@dataclass(frozen=True)
class Template:
    """The body as it was sent, and what it says."""

    body: str
    document: Mapping[str, Any]

    @classmethod
    def parse(cls, body: str) -> "Template":
        """Read JSON or YAML.

        Raises:
            StackError: it is neither, it has no resources, or it has a section that is not supported (transforms, macros).
        """
        try:
            document = json.loads(body) if body.lstrip().startswith("{") else _yaml(body)
        except Exception as error:
            raise invalid(f"Template format error: {error}") from error
        if not isinstance(document, dict) or not document.get("Resources"):
            raise invalid("Template format error: At least one Resources member must be defined.")
        if unknown := sorted(set(document) - SECTIONS):
            raise invalid(
                f"Template format error: the embedded cloud does not support the section {', '.join(unknown)}"
            )
        for logical_id, declared in document["Resources"].items():
            if not isinstance(declared, dict) or not isinstance(declared.get("Type"), str):
                raise invalid(
                    f"Template format error: [/Resources/{logical_id}] Every Resources object must contain a Type member."
                )
        return cls(body, document)

    def section(self, name: str) -> Mapping[str, Any]:
        """A section; empty where there is none."""
        return self.document.get(name) or {}

    @property
    def resources(self) -> Mapping[str, Any]:
        return self.section("Resources")

    @property
    def description(self) -> str | None:
        return self.document.get("Description")

    def order(self, enabled: set[str]) -> list[str]:
        """The enabled resources, each after those that it refers to.

        Raises:
            StackError: they refer to each other in a circle.
        """
        sorter: TopologicalSorter[str] = TopologicalSorter()
        for logical_id in self.resources:
            if logical_id in enabled:
                sorter.add(logical_id, *sorted(self.needs(logical_id) & enabled))
        try:
            return list(sorter.static_order())
        except CycleError as error:
            raise invalid(
                f"Circular dependency between resources: [{', '.join(sorted(set(error.args[1])))}]"
            ) from error

    def needs(self, logical_id: str) -> set[str]:
        """The resources that one resource refers to or waits for."""
        declared = self.resources[logical_id]
        explicit = declared.get("DependsOn", [])
        explicit = [explicit] if isinstance(explicit, str) else explicit
        found = {*references(declared.get("Properties", {})), *explicit}
        return found & set(self.resources) - {logical_id}


def references(node: Any) -> Iterator[str]:
    """The names that a part of a template refers to."""
    if isinstance(node, list):
        for each in node:
            yield from references(each)
    elif isinstance(node, dict):
        if set(node) == {"Ref"}:
            yield str(node["Ref"])
            return
        for name, value in node.items():
            if name == "Fn::GetAtt":
                yield (value if isinstance(value, str) else value[0]).split(".", 1)[0]
            elif name == "Fn::Sub":
                text = value if isinstance(value, str) else value[0]
                yield from (variable.split(".", 1)[0].strip() for variable in VARIABLE.findall(text))
            yield from references(value)


def _yaml(body: str) -> Any:
    """YAML with CloudFormation's short forms (`!Ref`), as moto reads it."""
    import yaml
    from moto.cloudformation.utils import yaml_tag_constructor

    class Loader(yaml.SafeLoader):  # type: ignore[misc] # untyped
        """A loader of our own: constructors are kept with the class."""

    Loader.add_multi_constructor("", yaml_tag_constructor)
    # Dates stay text: templates' versions look like dates.
    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return yaml.load(body, Loader=Loader)  # noqa: S506 (a safe loader)

"""Reading templates: values of CloudFormation as short text, statements as lines."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STORAGE, FEDERATED = "EdgetrainStorage", "EdgetrainFederated"
IDENTITY, INFERENCE, EDGE = "EdgetrainIdentity", "EdgetrainInference", "EdgetrainEdge"
STACKS = (STORAGE, IDENTITY, FEDERATED, INFERENCE, EDGE)
#: CDK's logical ids end with eight hexadecimal digits, its exports name them and end with eight more.
EXPORT = re.compile(
    r"^(?:Edgetrain(?:Storage|Identity):Exports|Publish)Output(?:FnGetAtt|Ref)([A-Za-z]+?)[0-9A-F]{8}(Arn|EndpointName)?[0-9A-F]{8}$"
)
LOGICAL = re.compile(r"^([A-Za-z0-9]+?)[0-9A-F]{8}$")


@dataclass(frozen=True)
class Assembly:
    """A cloud assembly on disk."""

    folder: Path

    def template(self, stack: str) -> dict[str, Any]:
        return json.loads((self.folder / f"{stack}.template.json").read_text())

    def resources(self, stack: str, kind: str) -> dict[str, dict[str, Any]]:
        """Short logical id -> resource."""
        found = self.template(stack)["Resources"]
        return {short(name): each for name, each in found.items() if each["Type"] == kind}

    def definition(self) -> dict[str, Any]:
        """The state machine's definition; references are `${...}`."""
        (machine,) = self.resources(FEDERATED, "AWS::StepFunctions::StateMachine").values()
        return json.loads(text(machine["Properties"]["DefinitionString"]))


def short(logical_id: str) -> str:
    match = LOGICAL.match(logical_id)
    return match.group(1) if match else logical_id


def text(value: Any) -> str:
    """A property as one string: `${RunsBucket.Arn}/runs/*`."""
    match value:
        case str() | int() | float():
            return str(value)
        case {"Ref": name}:
            return "${" + short(name) + "}"
        case {"Fn::GetAtt": [name, attribute]}:
            return "${" + short(name) + "." + attribute + "}"
        case {"Fn::Join": [separator, parts]}:
            return separator.join(map(text, parts))
        case {"Fn::ImportValue": name} | {"Fn::GetStackOutput": {"OutputName": name}}:
            found = EXPORT.match(name)
            assert found, f"not an export that we know: {name}"
            return "${" + found.group(1) + ("." + found.group(2) if found.group(2) else "") + "}"
        case _:
            raise AssertionError(f"not read yet: {value!r}")


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The statements of a role's inline policies, a policy or a bucket policy."""
    properties = resource["Properties"]
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    if "PolicyDocument" in properties:
        documents.append(properties["PolicyDocument"])
    for document in documents:
        yield from document["Statement"]


def grants(resource: dict[str, Any]) -> set[str]:
    """Every statement as lines `action resource`, with the prefixes that its condition names."""
    lines = set()
    for statement in statements(resource):
        assert statement["Effect"] == "Allow"
        condition = statement.get("Condition")
        if condition is None:
            prefixes = [""]
        else:
            assert list(condition) == ["StringLike"]
            assert list(condition["StringLike"]) == ["s3:prefix"]
            prefixes = [f" {prefix}" for prefix in listed(condition["StringLike"]["s3:prefix"])]
        for action in listed(statement["Action"]):
            for target in listed(statement["Resource"]):
                lines |= {f"{action} {text(target)}{prefix}" for prefix in prefixes}
    return lines


def states(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """All states by name, those inside maps too."""
    for name, state in machine["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from states(state["ItemProcessor"])

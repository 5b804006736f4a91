"""State machines."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from edgetrain.local.cloudformation.providers.base import ServiceProvider, flat_tags, lowered, unless_gone
from edgetrain.local.cloudformation.resources import Declared, Made, Resource

#: `${name}` in a definition, filled from DefinitionSubstitutions.
PLACEHOLDER: Final = re.compile(r"\$\{([A-Za-z0-9_]+)\}")


class StateMachineProvider(ServiceProvider):
    """`AWS::StepFunctions::StateMachine`."""

    kind = "AWS::StepFunctions::StateMachine"
    service = "stepfunctions"
    named_by = "StateMachineName"
    immutable = frozenset({"StateMachineName", "StateMachineType"})
    properties = frozenset(
        {
            *("StateMachineName", "StateMachineType", "DefinitionString", "Definition", "DefinitionSubstitutions"),
            *("RoleArn", "LoggingConfiguration", "TracingConfiguration", "Tags"),
        }
    )

    def create(self, declared: Declared) -> Made:
        wanted = declared.properties
        name = wanted.get("StateMachineName", declared.name)
        tags = [{"key": key, "value": value} for key, value in flat_tags(wanted).items()]
        machine = self.client.create_state_machine(
            name=name, type=wanted.get("StateMachineType", "STANDARD"), tags=tags, **_settings(wanted)
        )
        arn = machine["stateMachineArn"]
        return Made(arn, {"Arn": arn, "Name": name})

    def update(self, standing: Resource, declared: Declared) -> Made:
        arn, wanted = standing.physical_id, declared.properties
        self.client.update_state_machine(stateMachineArn=arn, **_settings(wanted))
        tags, before = flat_tags(wanted), flat_tags(standing.properties)
        if gone := sorted(before.keys() - tags.keys()):
            self.client.untag_resource(resourceArn=arn, tagKeys=gone)
        if tags and tags != before:
            listed = [{"key": key, "value": value} for key, value in tags.items()]
            self.client.tag_resource(resourceArn=arn, tags=listed)
        return Made(arn, standing.attributes)

    def delete(self, standing: Resource) -> None:
        gone = ["StateMachineDoesNotExist"]
        unless_gone(lambda: self.client.delete_state_machine(stateMachineArn=standing.physical_id), gone)


def _settings(wanted: Mapping[str, Any]) -> dict[str, Any]:
    settings = {"definition": definition_of(wanted), "roleArn": wanted["RoleArn"]}
    for name in ("LoggingConfiguration", "TracingConfiguration"):
        if name in wanted:
            settings |= lowered({name: wanted[name]})
    return settings


def definition_of(wanted: Mapping[str, Any]) -> str:
    """The definition with its substitutions filled in.

    Raises:
        ValueError: it has a placeholder that nothing is given for.
    """
    text = wanted["DefinitionString"] if "DefinitionString" in wanted else json.dumps(wanted["Definition"])
    given = wanted.get("DefinitionSubstitutions")
    if not given:
        return str(text)

    def fill(found: "re.Match[str]") -> str:
        name = found.group(1)
        if name not in given:
            raise ValueError(f"the definition's placeholder ${{{name}}} is not in DefinitionSubstitutions")
        return json.dumps(str(given[name]))[1:-1]

    return PLACEHOLDER.sub(fill, text)

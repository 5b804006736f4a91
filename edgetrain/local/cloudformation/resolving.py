"""Intrinsic functions: what a template's expressions come to."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from edgetrain.local.cloudformation.errors import invalid
from edgetrain.local.cloudformation.resources import Resource
from edgetrain.local.cloudformation.template import VARIABLE
from edgetrain.local.place import ACCOUNT, PARTITION, REGION

#: `AWS::NoValue`: what it stands for is left out.
NO_VALUE: Final = object()


class Resolver:
    """Resolves expressions against a stack's parameters and its resources as far as they are made."""

    def __init__(
        self,
        *,
        stack_id: str,
        stack_name: str,
        parameters: Mapping[str, Any],
        resources: Mapping[str, Resource],
        mappings: Mapping[str, Any],
        conditions: Mapping[str, Any],
        imported: Callable[[str], str],
        output_of: Callable[[str, str], str],
        localise: Callable[[Any], Any],
    ) -> None:
        self._values: dict[str, Any] = {
            "AWS::AccountId": ACCOUNT,
            "AWS::Region": REGION,
            "AWS::Partition": PARTITION,
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackId": stack_id,
            "AWS::StackName": stack_name,
            "AWS::NotificationARNs": [],
            "AWS::NoValue": NO_VALUE,
            **parameters,
        }
        self._resources = resources
        self._mappings = mappings
        self._conditions = conditions
        self._imported = imported
        self._output_of = output_of
        self._localise = localise
        self._decided: dict[str, bool] = {}
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Split": self._split,
            "Fn::Select": self._select,
            "Fn::If": self._if,
            "Fn::FindInMap": self._find_in_map,
            "Fn::ImportValue": lambda name: self._imported(str(self.resolve(name))),
            "Fn::GetStackOutput": self._stack_output,
            "Fn::Base64": lambda text: base64.b64encode(str(self.resolve(text)).encode()).decode(),
            "Fn::GetAZs": lambda _: [f"{REGION}{zone}" for zone in "abc"],
            "Fn::ToJsonString": lambda node: json.dumps(self.resolve(node)),
            "Fn::Length": lambda node: len(self.resolve(node)),
        }

    def value(self, node: Any) -> Any:
        """What a resource is given, or an output says: as `resolve`, with public hosts as they are served here.

        Only the whole is rewritten, so that what an expression cuts out of a URL is AWS's.
        """
        return self._localise(self.resolve(node))

    def resolve(self, node: Any) -> Any:
        """The value of a part of a template.

        Raises:
            StackError: it refers to what is not there, or uses a function that is not known.
        """
        if isinstance(node, list):
            return [value for value in map(self.resolve, node) if value is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            name, argument = next(iter(node.items()))
            if name in self._functions:
                return self._functions[name](argument)
            if name.startswith("Fn::"):
                raise invalid(f"Template error: the embedded cloud does not know the function {name}")
        resolved = ((name, self.resolve(value)) for name, value in node.items())
        return {name: value for name, value in resolved if value is not NO_VALUE}

    def holds(self, name: str) -> bool:
        """Whether a condition of the template holds."""
        if name not in self._decided:
            if name not in self._conditions:
                raise invalid(f"Template error: unresolved condition dependency {name}")
            self._decided[name] = self._decide(self._conditions[name])
        return self._decided[name]

    def check_rules(self, rules: Mapping[str, Any]) -> None:
        """Raise `StackError` when an assertion of the template's rules does not hold."""
        for rule in rules.values():
            if "RuleCondition" in rule and not self._decide(rule["RuleCondition"]):
                continue
            for assertion in rule.get("Assertions", []):
                if not self._decide(assertion["Assert"]):
                    raise invalid(f"Template error: {assertion.get('AssertDescription', 'an assertion does not hold')}")

    def _decide(self, node: Any) -> bool:
        if not isinstance(node, dict) or len(node) != 1:
            return str(self.resolve(node)).lower() == "true"
        operator, value = next(iter(node.items()))
        if operator == "Condition":
            return self.holds(value)
        if operator == "Fn::Equals":
            left, right = (self.resolve(each) for each in value)
            return _plain(left) == _plain(right)
        if operator == "Fn::Contains":
            listed, value = (self.resolve(each) for each in value)
            return _plain(value) in {_plain(each) for each in listed}
        if operator == "Fn::Not":
            return not self._decide(value[0])
        if operator in {"Fn::And", "Fn::Or"}:
            return (all if operator == "Fn::And" else any)(self._decide(each) for each in value)
        return str(self.resolve(node)).lower() == "true"

    def _ref(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        return self._resource(name).physical_id

    def _resource(self, name: str) -> Resource:
        if name not in self._resources:
            raise invalid(f"Template format error: Unresolved resource dependencies [{name}]")
        return self._resources[name]

    def _get_att(self, argument: str | list[Any]) -> Any:
        name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
        attributes = self._resource(name).attributes
        attribute = self.resolve(attribute)
        if attribute not in attributes:
            kind = self._resource(name).kind
            raise invalid(
                f"Template error: resource {name} ({kind}) does not support attribute {attribute} in Fn::GetAtt"
            )
        return attributes[attribute]

    def _stack_output(self, argument: Mapping[str, Any]) -> str:
        """Another stack's output as it is now; nothing holds that stack to it."""
        named = {name: str(self.resolve(value)) for name, value in argument.items()}
        if unknown := named.keys() - {"StackName", "OutputName", "Region"} or named.get("Region", REGION) != REGION:
            raise invalid(
                f"Template error: Fn::GetStackOutput: the embedded cloud has one region and one account: {unknown}"
            )
        return self._output_of(named["StackName"], named["OutputName"])

    def _sub(self, argument: str | list[Any]) -> str:
        text, variables = (argument, {}) if isinstance(argument, str) else argument
        own = {name: self.resolve(value) for name, value in variables.items()}

        def value_of(name: str) -> str:
            if name in own:
                return _plain(own[name])
            return _plain(self._get_att(name) if "." in name and name not in self._values else self._ref(name))

        filled = VARIABLE.sub(lambda found: value_of(found.group(1).strip()), text)
        return filled.replace("${!", "${")

    def _join(self, argument: list[Any]) -> str:
        delimiter, parts = argument
        return str(delimiter).join(_plain(part) for part in self.resolve(parts))

    def _split(self, argument: list[Any]) -> list[str]:
        delimiter, text = argument
        return str(self.resolve(text)).split(str(delimiter))

    def _select(self, argument: list[Any]) -> Any:
        index, values = int(self.resolve(argument[0])), self.resolve(argument[1])
        if not 0 <= index < len(values):
            raise invalid(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
        return values[index]

    def _if(self, argument: list[Any]) -> Any:
        condition, then, otherwise = argument
        return self.resolve(then if self.holds(condition) else otherwise)

    def _find_in_map(self, argument: list[Any]) -> Any:
        found: Any = self._mappings
        for each in argument[:3]:
            key = _plain(self.resolve(each))
            if key not in found:
                raise invalid(f"Template error: Unable to get mapping for {'::'.join(map(str, argument[:3]))}")
            found = found[key]
        return found


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

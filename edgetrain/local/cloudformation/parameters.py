"""A template's parameters: defaults, types, values that lie in Systems Manager."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from edgetrain.local.cloudformation.errors import invalid
from edgetrain.local.cloudformation.template import Template

FROM_SSM: Final = "AWS::SSM::Parameter::Value<"


def resolve_parameters(
    template: Template, given: Mapping[str, str], find_parameter: Callable[[str], str]
) -> dict[str, Any]:
    """The value of every parameter; `find_parameter` reads one of Systems Manager.

    Raises:
        StackError: one is missing, unknown, or not of its type.
    """
    declared = template.section("Parameters")
    if unknown := sorted(set(given) - set(declared)):
        raise invalid(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    missing = sorted(name for name, about in declared.items() if name not in given and "Default" not in about)
    if missing:
        raise invalid(f"Parameters: [{', '.join(missing)}] must have values")
    return {
        name: _typed(name, about, given.get(name, about.get("Default")), find_parameter)
        for name, about in declared.items()
    }


def _typed(name: str, about: Mapping[str, Any], value: Any, find_parameter: Callable[[str], str]) -> Any:
    kind = about.get("Type", "String")
    if kind.startswith(FROM_SSM):
        value = find_parameter(str(value))
        kind = kind.removeprefix(FROM_SSM).removesuffix(">")
    allowed = about.get("AllowedValues")
    if allowed is not None and str(value) not in {str(each) for each in allowed}:
        raise invalid(f"Parameter '{name}' must be one of AllowedValues")
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        return [each.strip() for each in str(value).split(",")] if not isinstance(value, list) else value
    if kind == "Number":
        return _number(name, value)
    return str(value)


def _number(name: str, value: Any) -> int | float:
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        raise invalid(f"Parameter '{name}' must be a number") from None

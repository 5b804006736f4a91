"""May API Gateway invoke a function? The function's own policy says so (`AWS::Lambda::Permission`)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from edgetrain.local.place import ACCOUNT, PARTITION, REGION
from edgetrain.local.s3.policy import matches

PRINCIPAL: Final = "apigateway.amazonaws.com"
ACTIONS: Final = frozenset({"lambda:InvokeFunction", "lambda:*", "*"})
LIKE: Final = frozenset({"ArnLike", "ArnEquals", "StringLike"})
EQUAL: Final = frozenset({"StringEquals", "ArnEquals"})


def source_arn(api_id: str, stage: str, method: str, path: str) -> str:
    """What asks: a route of a stage, its path as the route declares it."""
    return f"arn:{PARTITION}:execute-api:{REGION}:{ACCOUNT}:{api_id}/{stage}/{method}{path}"


def may_invoke(statements: Iterable[Mapping[str, Any]], source: str) -> bool:
    """Whether a function's policy lets API Gateway invoke it on behalf of `source`."""
    applying = [statement for statement in statements if _applies(statement, source)]
    return bool(applying) and all(statement.get("Effect", "Allow") == "Allow" for statement in applying)


def _applies(statement: Mapping[str, Any], source: str) -> bool:
    principal, actions = statement.get("Principal"), statement.get("Action", [])
    services = _listed(principal.get("Service", []) if isinstance(principal, Mapping) else principal)
    if not {PRINCIPAL, "*"} & set(services) or not ACTIONS & set(_listed(actions)):
        return False
    return all(
        _holds(operator, name.lower(), _listed(values), source)
        for operator, tests in statement.get("Condition", {}).items()
        for name, values in tests.items()
    )


def _holds(operator: str, name: str, values: list[str], source: str) -> bool:
    if name == "aws:sourceaccount" and operator in EQUAL | LIKE:
        return ACCOUNT in values
    if name != "aws:sourcearn":
        return False
    if operator in LIKE:
        return any(matches(value, source) for value in values)
    return operator in EQUAL and source in values


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])

"""Bucket policies: what they deny is denied to everybody, the account's owner included; AWS's services may what they allow.

Whole IAM (what a role may) is not here yet. What stands in a policy and could not be decided is refused when the policy is
put, so nothing of one is ever passed over.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from edgetrain.local.s3.errors import S3Error

#: What a request says about itself -> its value; a key that is absent has none.
Context = Mapping[str, str]

#: The loopback stands for TLS: nobody between can read it.
ALWAYS: Final = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
#: Keys whose values we know for every request.
KNOWN_KEYS: Final = {
    key.lower(): key
    for key in (*ALWAYS, "aws:SourceArn", "s3:if-none-match", "s3:if-match", "s3:ObjectCreationOperation")
}


def _is_null(wanted: str, value: str | None) -> bool:
    return (wanted.lower() == "true") == (value is None)


def _is_bool(wanted: str, value: str | None) -> bool:
    return value is not None and value.lower() == wanted.lower()


def _numeric(compare: Callable[[float, float], bool]) -> Callable[[str, str | None], bool]:
    return lambda wanted, value: value is not None and compare(float(value), float(wanted))


#: Operators -> whether a request's value meets one wanted value.
OPERATORS: Final[dict[str, Callable[[str, str | None], bool]]] = {
    "Null": _is_null,
    "Bool": _is_bool,
    "StringEquals": lambda wanted, value: value == wanted,
    "StringNotEquals": lambda wanted, value: value != wanted,
    "NumericEquals": _numeric(lambda value, wanted: value == wanted),
    "NumericLessThan": _numeric(lambda value, wanted: value < wanted),
    "NumericLessThanEquals": _numeric(lambda value, wanted: value <= wanted),
    "NumericGreaterThan": _numeric(lambda value, wanted: value > wanted),
    "NumericGreaterThanEquals": _numeric(lambda value, wanted: value >= wanted),
}
#: Of these, every wanted value must hold, not one.
NEGATED: Final = frozenset({"StringNotEquals"})


@dataclass(frozen=True)
class Condition:
    """One operator on one key."""

    operator: str
    key: str
    wanted: tuple[str, ...]

    def holds(self, context: Context) -> bool:
        met = (OPERATORS[self.operator](each, context.get(self.key)) for each in self.wanted)
        return all(met) if self.operator in NEGATED else any(met)


@dataclass(frozen=True)
class Statement:
    """A statement: actions and resources as patterns, and what must hold besides. `services`: whom it names, if it allows."""

    services: tuple[str, ...]
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...]

    def applies(self, action: str, resource: str, context: Context) -> bool:
        return (
            any(matches(pattern, action, any_case=True) for pattern in self.actions)
            and any(matches(pattern, resource) for pattern in self.resources)
            and all(condition.holds(context) for condition in self.conditions)
        )


@dataclass(frozen=True)
class BucketPolicy:
    """A policy as it was put, what of it denies, and what it allows to AWS's services."""

    document: str
    denials: tuple[Statement, ...]
    service_grants: tuple[Statement, ...]

    @classmethod
    def parse(cls, document: str) -> "BucketPolicy":
        """Read a policy.

        Raises:
            S3Error: MalformedPolicy, it is no policy, or it denies by something that the embedded cloud cannot decide.
        """
        try:
            statements = json.loads(document)["Statement"]
            listed = statements if isinstance(statements, list) else [statements]
            denials = tuple(_denial(each) for each in listed if each["Effect"] == "Deny")
            grants = (each for each in listed if each["Effect"] == "Allow" and _services(each))
            return cls(document, denials, tuple(_statement(each, _services(each)) for each in grants))
        except (KeyError, TypeError, ValueError) as error:
            raise _malformed(f"this policy contains invalid Json ({error})") from error

    def denies(self, action: str, resource: str, context: Context) -> bool:
        full = {**ALWAYS, **context}
        return any(denial.applies(action, resource, full) for denial in self.denials)

    def allows_service(self, service: str, action: str, resource: str, context: Context) -> bool:
        """Whether a statement allows it to a service of AWS, as `cloudfront.amazonaws.com`, and none denies it."""
        full = {**ALWAYS, **context}
        granted = (each for each in self.service_grants if service in each.services)
        return any(each.applies(action, resource, full) for each in granted) and not self.denies(
            action, resource, context
        )


def denied(action: str, resource: str, caller: str) -> S3Error:
    """What AWS says of an explicit denial."""
    return S3Error(
        403,
        "AccessDenied",
        f'User: {caller} is not authorized to perform: {action} on resource: "{resource}" '
        "with an explicit deny in a resource-based policy",
    )


def _malformed(message: str) -> S3Error:
    return S3Error(400, "MalformedPolicy", message)


def _denial(statement: Mapping[str, Any]) -> Statement:
    if statement["Principal"] not in ("*", {"AWS": "*"}, {"AWS": ["*"]}):
        raise _malformed('the embedded cloud cannot deny to a single Principal yet: expected "*"')
    return _statement(statement, ())


def _services(statement: Mapping[str, Any]) -> tuple[str, ...]:
    """The services of AWS that a statement names."""
    principal = statement.get("Principal")
    return tuple(_texts(principal["Service"])) if isinstance(principal, Mapping) and "Service" in principal else ()


def _statement(statement: Mapping[str, Any], services: tuple[str, ...]) -> Statement:
    unknown = set(statement) - {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
    if unknown:
        raise _malformed(f"the embedded cloud cannot decide by {', '.join(sorted(unknown))}")
    return Statement(
        services=services,
        actions=tuple(_texts(statement["Action"])),
        resources=tuple(_texts(statement["Resource"])),
        conditions=tuple(_conditions(statement.get("Condition", {}))),
    )


def _conditions(block: Mapping[str, Mapping[str, Any]]) -> Iterator[Condition]:
    for operator, keys in block.items():
        if operator not in OPERATORS:
            raise _malformed(
                f"the embedded cloud does not know the condition operator {operator}: expected one of {', '.join(OPERATORS)}"
            )
        for key, wanted in keys.items():
            known = KNOWN_KEYS.get(key.lower())
            if known is None:
                raise _malformed(
                    f"the embedded cloud does not know the condition key {key}: expected one of {', '.join(KNOWN_KEYS.values())}"
                )
            yield Condition(operator, known, tuple(_texts(wanted)))


def _texts(value: Any) -> Iterator[str]:
    for each in value if isinstance(value, list) else [value]:
        yield str(each).lower() if isinstance(each, bool) else str(each)


def matches(pattern: str, text: str, *, any_case: bool = False) -> bool:
    """IAM's wildcards: `*` any characters, `?` one."""
    return _compiled(pattern, any_case).fullmatch(text) is not None


@cache
def _compiled(pattern: str, any_case: bool) -> "re.Pattern[str]":
    parts = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern)
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if any_case else 0))

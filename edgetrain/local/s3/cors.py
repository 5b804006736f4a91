"""Requests of browsers' pages from other origins: what a bucket's CORS rules let them read."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from edgetrain.local.s3 import objects
from edgetrain.local.s3.addressing import Address
from edgetrain.local.s3.errors import S3Error
from edgetrain.local.s3.policy import matches
from edgetrain.local.wsgi import Reply, Request

VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"


@dataclass(frozen=True)
class Rule:
    """One of a bucket's rules; in origins and headers one `*` may stand for anything. `seconds`: how long a preflight counts."""

    methods: tuple[str, ...]
    origins: tuple[str, ...]
    headers: tuple[str, ...]
    exposed: tuple[str, ...]
    seconds: str | None

    def takes(self, origin: str, method: str, headers: Iterable[str]) -> bool:
        return (
            method in self.methods
            and any(matches(each, origin) for each in self.origins)
            and all(any(matches(allowed, each, any_case=True) for allowed in self.headers) for each in headers)
        )

    def answer(self, origin: str, headers: Iterable[str]) -> dict[str, str]:
        """The headers by which a browser lets the page of `origin` read the answer."""
        everybody = "*" in self.origins
        told = {
            "Access-Control-Allow-Origin": "*" if everybody else origin,
            "Access-Control-Allow-Methods": ", ".join(self.methods),
            "Vary": VARY,
        }
        if not everybody:
            told["Access-Control-Allow-Credentials"] = "true"
        if asked := ", ".join(headers):
            told["Access-Control-Allow-Headers"] = asked
        if self.exposed:
            told["Access-Control-Expose-Headers"] = ", ".join(self.exposed)
        if self.seconds is not None:
            told["Access-Control-Max-Age"] = self.seconds
        return told


def preflight(request: Request, address: Address) -> Reply:
    """Answer a browser that asks whether a page may send a request.

    Raises:
        S3Error: it may not, or it did not say what.
    """
    origin, method = request.header("origin"), request.header("access-control-request-method")
    if not origin or not method:
        raise S3Error(400, "BadRequest", "Insufficient information. Origin request header needed.")
    rules = _rules(address)
    if not rules:
        raise S3Error(403, "AccessForbidden", "CORSResponse: CORS is not enabled for this bucket.")
    headers = _asked_headers(request)
    rule = next((each for each in rules if each.takes(origin, method, headers)), None)
    if rule is None:
        raise S3Error(
            403,
            "AccessForbidden",
            "CORSResponse: This CORS request is not allowed. This is usually because the evaluation of Origin, request method "
            "/ Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.",
        )
    return Reply(200, {**rule.answer(origin, headers), "Content-Length": "0"})


def with_cors(request: Request, address: Address, reply: Reply) -> Reply:
    """The same answer, readable for a page from another origin when a rule says so."""
    origin = request.header("origin")
    if not origin:
        return reply
    headers = {n: v for n, v in reply.headers.items() if not n.lower().startswith("access-control-")}
    rule = next((each for each in _rules(address) if each.takes(origin, request.method, ())), None)
    return Reply(reply.status, headers if rule is None else {**headers, **rule.answer(origin, ())}, reply.body)


def _asked_headers(request: Request) -> list[str]:
    asked = request.header("access-control-request-headers")
    return [each.strip().lower() for each in asked.split(",") if each.strip()]


def _rules(address: Address) -> list[Rule]:
    bucket: Any = objects.backend().buckets.get(address.bucket)
    return [
        Rule(
            tuple(rule.allowed_methods),
            tuple(rule.allowed_origins),
            tuple(rule.allowed_headers or ()),
            tuple(rule.exposed_headers or ()),
            rule.max_age_seconds,
        )
        for rule in (bucket.cors if bucket is not None else ())
    ]

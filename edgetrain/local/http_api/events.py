"""A request as a function gets it: the event of payload format 2.0."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from edgetrain.local.http_api.tokens import Authorised
from edgetrain.local.place import ACCOUNT, REGION

#: Bodies of these types arrive as text; all others, and those of no type, as base64 (as measured on AWS).
TEXT: Final = frozenset({"application/json", "application/xml", "application/javascript"})
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: Headers that are the connection's and not the request's.
OF_THE_CONNECTION: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "cookie"})


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request to a stage, without its body: `path` has the stage, `headers` are in lower case."""

    api_id: str
    stage: str
    request_id: str
    at: datetime
    method: str
    path: str
    query: str
    protocol: str
    source_ip: str
    headers: Mapping[str, str]

    @property
    def domain(self) -> str:
        """The host that AWS serves the API at."""
        return f"{self.api_id}.execute-api.{REGION}.amazonaws.com"

    @property
    def time(self) -> str:
        """As in the common log format: `12/Mar/2020:19:03:58 +0000`."""
        return f"{self.at:%d}/{MONTHS[self.at.month - 1]}/{self.at:%Y:%H:%M:%S} +0000"

    @property
    def epoch_milliseconds(self) -> int:
        return int(self.at.timestamp() * 1000)


def make_request_id() -> str:
    """As API Gateway makes them: `JKJaXmPLvHcESHA=`."""
    return base64.urlsafe_b64encode(secrets.token_bytes(11)).decode().replace("-", "A").replace("_", "B")


def utc_now() -> datetime:
    return datetime.now(UTC)


def make_event(
    call: Call,
    body: bytes,
    *,
    route_key: str,
    parameters: Mapping[str, str],
    variables: Mapping[str, str],
    authorised: Authorised | None,
) -> dict[str, Any]:
    """The event. What a request does not have (parameters, cookies, a body) has no key in it."""
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": call.path,
        "rawQueryString": call.query,
    }
    if cookies := [cookie for each in call.headers.get("cookie", "").split(";") if (cookie := each.strip())]:
        event["cookies"] = cookies
    event["headers"] = _headers(call, body)
    if query := _query(call.query):
        event["queryStringParameters"] = query
    event["requestContext"] = _context(call, route_key, authorised)
    if parameters:
        event["pathParameters"] = dict(parameters)
    if variables:
        event["stageVariables"] = dict(variables)
    is_text = arrives_as_text(call.headers.get("content-type", ""))
    if body:
        event["body"] = body.decode("utf-8", "replace") if is_text else base64.b64encode(body).decode()
    event["isBase64Encoded"] = bool(body) and not is_text
    return event


def arrives_as_text(content_type: str) -> bool:
    """Whether a body of this type is text in the event."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind.startswith("text/") or kind in TEXT


def _headers(call: Call, body: bytes) -> dict[str, str]:
    headers = {name: value for name, value in call.headers.items() if name not in OF_THE_CONNECTION}
    forwarded = headers.get("x-forwarded-for", "")
    return dict(
        sorted(
            {
                "x-amzn-trace-id": f"Root=1-{int(call.at.timestamp()):08x}-{secrets.token_hex(12)}",
                **headers,
                "content-length": str(len(body)),
                "host": call.domain,
                "x-forwarded-for": f"{forwarded}, {call.source_ip}" if forwarded else call.source_ip,
                "x-forwarded-port": "443",
                "x-forwarded-proto": "https",
            }.items()
        )
    )


def _query(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _context(call: Call, route_key: str, authorised: Authorised | None) -> dict[str, Any]:
    context: dict[str, Any] = {"accountId": ACCOUNT, "apiId": call.api_id}
    if authorised is not None:
        scopes = list(authorised.scopes) if authorised.scopes else None
        context["authorizer"] = {"jwt": {"claims": authorised.texts(), "scopes": scopes}}
    return {
        **context,
        "domainName": call.domain,
        "domainPrefix": call.api_id,
        "http": {
            "method": call.method,
            "path": call.path,
            "protocol": call.protocol,
            "sourceIp": call.source_ip,
            "userAgent": call.headers.get("user-agent", ""),
        },
        "requestId": call.request_id,
        "routeKey": route_key,
        "stage": call.stage,
        "time": call.time,
        "timeEpoch": call.epoch_milliseconds,
    }

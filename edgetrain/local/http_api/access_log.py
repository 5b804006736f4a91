"""A stage's access log: one line a request, in the stage's own format."""

import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from edgetrain.local.functions.logs import LogWriter
from edgetrain.local.http_api.events import Call
from edgetrain.local.place import ACCOUNT

#: `$context.requestId`; the names are those of API Gateway.
VARIABLE: Final = re.compile(r"\$context\.([A-Za-z][A-Za-z0-9_.:-]*)")
ABSENT: Final = "-"
#: Comes with its own quotation marks.
QUOTED: Final = "error.messageString"
#: Variables that go by two names.
ALIASES: Final = {
    "integration.error": "integrationErrorMessage",
    "integration.integrationStatus": "integrationStatus",
    "integration.latency": "integrationLatency",
}

PutEvents = Callable[[str, str, Sequence[tuple[int, str]]], None]


class AccessLog:
    """Writes access logs in the background, each gateway's life into a stream of its own."""

    def __init__(self, put_log_events: PutEvents, clock: Callable[[], int] = time.time_ns) -> None:
        """`put_log_events` takes a log group, a stream and events (milliseconds since the epoch, text).

        `clock` gives nanoseconds since the epoch.
        """
        self._writer = LogWriter(put_log_events)
        self._stream = uuid.uuid4().hex
        self._clock = clock
        self._latest = 0
        self._lock = threading.Lock()

    def write(self, group: str, text: str) -> None:
        """Append a line, of now."""
        # CloudWatch Logs refuses events that are not in the order of their times, and requests end in any order.
        with self._lock:
            self._latest = max(self._latest, self._clock() // 1_000_000)
            self._writer.write(group, self._stream, [(self._latest, text)])

    def flush(self) -> None:
        """Wait until what was written is in CloudWatch Logs."""
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


def line(form: str, values: Mapping[str, Any]) -> str:
    """A line in a stage's format: variables that a request does not have are `-`.

    In a format that is JSON, a value cannot break out of the text that it stands in.
    """
    is_json = form.lstrip().startswith("{")

    def value_of(found: re.Match[str]) -> str:
        value = values.get(found[1])
        if found[1] == QUOTED and value is not None:
            return json.dumps(value)
        if value is None and found[1].endswith("."):  # the end of a sentence
            return f"{text_of(values.get(found[1][:-1]))}."
        return text_of(value)

    def text_of(value: Any) -> str:
        text = ABSENT if value is None or value == "" else str(value)
        return json.dumps(text, ensure_ascii=False)[1:-1] if is_json else re.sub(r"[\r\n]", " ", text)

    return VARIABLE.sub(value_of, form)


def call_values(call: Call) -> dict[str, Any]:
    """What a log can say of a request before it is answered."""
    return {
        "accountId": ACCOUNT,
        "apiId": call.api_id,
        "domainName": call.domain,
        "domainPrefix": call.api_id,
        "extendedRequestId": call.request_id,
        "httpMethod": call.method,
        "identity.sourceIp": call.source_ip,
        "identity.userAgent": call.headers.get("user-agent"),
        "path": call.path,
        "protocol": call.protocol,
        "requestId": call.request_id,
        "requestTime": call.time,
        "requestTimeEpoch": int(call.at.timestamp()),
        "stage": call.stage,
    }


def known_values(found: Mapping[str, Any], claims: Mapping[str, str]) -> dict[str, Any]:
    """What has become known on the way to an answer, under all its names, and the claims of the caller's token."""
    aliases = {alias: found.get(name) for alias, name in ALIASES.items()}
    return {**{f"authorizer.claims.{name}": value for name, value in claims.items()}, **found, **aliases}

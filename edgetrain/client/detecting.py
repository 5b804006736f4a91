"""Asking the API what is in a picture."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from pydantic import TypeAdapter, ValidationError

from edgetrain import limits
from edgetrain.client.model_documents import DetectedDocument, DetectionsDocument
from edgetrain.detection.pictures import Picture
from edgetrain.errors import ApiRefused, ApiUnavailable

CONNECT_SECONDS: Final = 5
#: A little more than API Gateway itself waits.
READ_SECONDS: Final = limits.HTTP_API_TIMEOUT_SECONDS + 5
SHOWN_CHARACTERS: Final = 200
ROWS: Final = TypeAdapter(list[tuple[int, float, float, float, float, float]])


@dataclass(frozen=True)
class Reply:
    """An HTTP answer. Names of headers are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


#: Method, URL, headers and body to the answer; raises `ApiUnavailable` where there is none.
Send = Callable[[str, str, Mapping[str, str], bytes | None], Reply]


@dataclass(frozen=True)
class DetectionApi:
    """The deployed API at `url`, called with a bearer token."""

    url: str
    token: str
    send: Send

    def detect(
        self,
        body: bytes,
        picture: Picture,
        *,
        task: str,
        min_score: float | None = None,
        max_detections: int | None = None,
    ) -> DetectionsDocument:
        """What is in a picture: `body` is the file, `picture` what was read of it.

        Raises:
            ApiRefused: the request, or its token, was refused.
            ApiUnavailable: the API does not answer, or cannot now.
        """
        asked = {"task": task, "min_score": min_score, "max_detections": max_detections}
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        reply = self._call("POST", f"/detections?{query}", body, picture.media_type)
        try:
            rows = ROWS.validate_python(json.loads(reply.body)[0]["prediction"])
        except (ValueError, LookupError, TypeError) as error:
            raise self._something_else(reply) from error
        labels = self._labels(task) if rows else ()
        version = reply.headers.get("x-model-version", "")
        return DetectionsDocument(
            task=task,
            model_version=int(version) if version.isdecimal() else None,
            picture_id=reply.headers.get("x-picture-id"),
            width=picture.width,
            height=picture.height,
            detections=tuple(_detected(row, labels) for row in rows),
            out=None,
        )

    def _labels(self, task: str) -> tuple[str, ...]:
        reply = self._call("GET", f"/labels/{quote(task, safe='')}")
        try:
            return TypeAdapter(tuple[str, ...]).validate_python(json.loads(reply.body)["labels"])
        except (ValueError, LookupError, TypeError) as error:
            raise self._something_else(reply) from error

    def _call(self, method: str, path: str, body: bytes | None = None, media_type: str | None = None) -> Reply:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        if media_type is not None:
            headers["Content-Type"] = media_type
        reply = self.send(method, self.url.rstrip("/") + path, headers, body)
        if reply.status != 200:
            raise self._problem(reply)
        return reply

    def _problem(self, reply: Reply) -> ApiRefused | ApiUnavailable:
        reason = _reason(reply.body)
        if reply.status == 401:
            return ApiRefused(
                "the API does not accept the token (401): it has expired, or is not one of this deployment; "
                "`edgetrain token NAME` prints a new one"
            )
        if reply.status == 403:
            return ApiRefused(
                "the token does not allow this (403): it needs the scope edgetrain/detect, which `edgetrain users add NAME "
                "--scopes detect` gives"
            )
        if reply.status == 429 or reply.status >= 500:
            after = reply.headers.get("retry-after")
            when = f"in {after} s" if after else "later"
            return ApiUnavailable(f"the API cannot answer now ({reply.status}: {reason}): try again {when}")
        return ApiRefused(f"the API refused the request ({reply.status}): {reason}")

    def _something_else(self, reply: Reply) -> ApiRefused:
        shown = reply.body[:SHOWN_CHARACTERS].decode("utf-8", errors="replace")
        return ApiRefused(f"{self.url} answers as no Edgetrain API does: {shown!r}")


def _reason(body: bytes) -> str:
    """The sentence of an error of ours, or of API Gateway's own."""
    try:
        found: Any = json.loads(body)
    except ValueError:
        found = None
    if isinstance(found, dict):
        inner = found.get("error")
        message = inner.get("message") if isinstance(inner, dict) else found.get("message")
        if isinstance(message, str) and message:
            return message
    return "no reason given"


def _detected(row: tuple[int, float, float, float, float, float], labels: tuple[str, ...]) -> DetectedDocument:
    index, score, xmin, ymin, xmax, ymax = row
    label = labels[index] if 0 <= index < len(labels) else f"class {index}"
    try:
        return DetectedDocument(label_index=index, label=label, score=score, xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax)
    except ValidationError as error:
        raise ApiRefused(f"the API told a detection that is none: {row}") from error


def http_send() -> Send:
    """Over the network. Redirections are not followed: a token is for the host that it was meant for."""
    import urllib3

    pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS), retries=False)

    def send(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        try:
            answer = pool.request(method, url, headers=dict(headers), body=body, redirect=False)
        except urllib3.exceptions.ReadTimeoutError as error:
            raise ApiUnavailable(f"{url} did not answer within {READ_SECONDS} s: try again later") from error
        except urllib3.exceptions.HTTPError as error:
            raise ApiUnavailable(f"nothing answers at {url}: is the cloud up (`edgetrain status`)?") from error
        return Reply(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.data)

    return send

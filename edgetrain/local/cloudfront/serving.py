"""The cloud's second listener: what a viewer of a distribution is answered."""

import logging
from collections.abc import Iterable, Mapping
from html import escape
from typing import Final, Protocol
from urllib.parse import unquote

from edgetrain.local.cloudfront.configuration import Behaviour, Distribution
from edgetrain.local.cloudfront.distributions import Distributions, arn_of
from edgetrain.local.cloudfront.viewers import Answer, tailored
from edgetrain.local.wsgi import (
    Environ,
    Reply,
    Request,
    StartResponse,
    header_text,
    request_id,
    status_line,
)

logger = logging.getLogger(__name__)

SERVICE: Final = "cloudfront.amazonaws.com"
#: Headers of S3's answers that CloudFront keeps to itself.
DROPPED: Final = frozenset({"x-amz-id-2", "x-amz-request-id", "x-amzn-requestid", "connection", "transfer-encoding"})
NOT_CONFIGURED: Final = (
    "This distribution is not configured to allow the HTTP request method that was used for this request."
)
NOBODY: Final = "No distribution of this cloud has this host name."
NOTHING: Final = "No distribution is deployed in this cloud yet: deploy one with `edgetrain up`."
FAILED: Final = "The embedded cloud failed: its log (cloud.log) says why."


class Objects(Protocol):
    """S3, as an AWS service reaches it that has no more than what a bucket's policy grants."""

    def read_for_service(self, bucket: str, key: str, *, service: str, source_arn: str) -> Reply:
        """A GET of the whole object, or S3's error."""
        ...


class Apis(Protocol):
    """HTTP APIs by their ids."""

    def answer_host(self, api_id: str, request: Request, path: str | None = None) -> Reply:
        """As the API's own host answers; `path` is still encoded and begins with the stage."""
        ...


class WebApplication:
    """A WSGI application: every request is a viewer's."""

    def __init__(self, distributions: Distributions, objects: Objects, apis: Apis) -> None:
        self._distributions = distributions
        self._objects = objects
        self._apis = apis

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        try:
            answer, headers = self._answer(request)
        except Exception:
            logger.exception("%s %s failed", request.method, request.path)
            answer, headers = _page(500, FAILED), {}
        request.skip_body()
        shown = {**answer.headers, **headers, "x-amz-cf-id": request_id(), "x-amz-cf-pop": "LOCAL"}
        if answer.status not in {204, 304}:
            shown.setdefault("content-length", str(len(answer.body)))
        lines = [*shown.items(), *(("set-cookie", cookie) for cookie in answer.cookies)]
        start_response(status_line(answer.status), [(name, header_text(value)) for name, value in lines])
        return [answer.body] if answer.body and request.method != "HEAD" else []

    def _answer(self, request: Request) -> tuple[Answer, Mapping[str, str]]:
        """The answer, and what CloudFront adds about itself."""
        host = request.header("host")
        distribution = self._distributions.find(host)
        if distribution is None:
            is_empty = self._distributions.is_empty
            return (_page(404, NOTHING) if is_empty else _page(403, NOBODY)), {}
        path = request.encoded_path
        behaviour = distribution.behaviour_of(path)
        about = {"via": f"1.1 {distribution.domain} (CloudFront)"}
        if request.method not in behaviour.methods:
            return _page(403, NOT_CONFIGURED), {**about, "x-cache": "Error from cloudfront"}
        answer, kept = self._from_cache_or_origin(request, distribution, behaviour, path)
        is_whole = request.method in {"GET", "HEAD"} and behaviour.origin.bucket is not None
        if is_whole:
            answer = tailored(request, answer, may_compress=behaviour.compresses and behaviour.cache.compresses)
        policy = self._distributions.policy(behaviour.headers_policy)
        return Answer(answer.status, policy.apply(answer.headers), answer.body, answer.cookies), {**about, **kept}

    def _from_cache_or_origin(
        self, request: Request, distribution: Distribution, behaviour: Behaviour, path: str
    ) -> tuple[Answer, Mapping[str, str]]:
        cache = self._distributions.cache
        is_kept = request.method in {"GET", "HEAD"}
        found = cache.find(distribution.id, path) if is_kept else None
        if found is not None:
            about = {"age": str(cache.age(found)), "x-cache": _outcome(found.status, "Hit")}
            return Answer(found.status, found.headers, found.body), about
        era = cache.era
        if behaviour.origin.api is not None:
            answer = self._from_api(request, behaviour, behaviour.origin.api, path)
        else:
            answer = self._from_bucket(distribution, behaviour, str(behaviour.origin.bucket), path)
        if is_kept and not (behaviour.origin.api and request.method == "HEAD"):
            seconds = _seconds(distribution, behaviour, answer)
            cache.keep(
                distribution.id,
                path,
                status=answer.status,
                headers=answer.headers,
                body=answer.body,
                seconds=seconds,
                era=era,
            )
        return answer, {"x-cache": _outcome(answer.status, "Miss")}

    def _from_bucket(self, distribution: Distribution, behaviour: Behaviour, bucket: str, path: str) -> Answer:
        wanted = f"/{distribution.root}" if path == "/" and distribution.root else path
        key = unquote(behaviour.origin.path + wanted).removeprefix("/")
        reply = self._objects.read_for_service(bucket, key, service=SERVICE, source_arn=arn_of(distribution.id))
        return _answer_of(reply)

    def _from_api(self, request: Request, behaviour: Behaviour, api: str, path: str) -> Answer:
        """As the viewer asked it, but for `Host`."""
        forwarded = [each for each in (request.header("x-forwarded-for"), request.environ.get("REMOTE_ADDR")) if each]
        environ = {
            **request.environ,
            "HTTP_HOST": behaviour.origin.host,
            "HTTP_X_FORWARDED_FOR": ", ".join(forwarded),
        }
        return _answer_of(self._apis.answer_host(api, Request(environ), behaviour.origin.path + path))


def _answer_of(reply: Reply) -> Answer:
    headers = {name.lower(): value for name, value in reply.headers.items()}
    return Answer(
        reply.status, {n: v for n, v in headers.items() if n not in DROPPED}, b"".join(reply.body), reply.cookies
    )


def _seconds(distribution: Distribution, behaviour: Behaviour, answer: Answer) -> float:
    """How long an answer is kept."""
    if answer.status >= 400:
        return distribution.error_seconds.get(answer.status, 0.0)
    if answer.status != 200:
        return 0.0
    return behaviour.cache.seconds_for(answer.headers.get("cache-control", ""))


def _outcome(status: int, word: str) -> str:
    return f"{'Error' if status >= 400 else word} from cloudfront"


def _page(status: int, sentence: str) -> Answer:
    """A page of CloudFront's own."""
    body = (
        '<!DOCTYPE html>\n<html lang="en"><head><title>The request could not be satisfied</title></head>'
        f"<body><h1>{status}</h1><p>The request could not be satisfied. {escape(sentence)}</p></body></html>\n"
    ).encode()
    return Answer(status, {"content-type": "text/html; charset=utf-8", "content-length": str(len(body))}, body)

"""Clients of the embedded cloud inside of its own process: boto3 over the front itself, without a socket."""

import io
import threading
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config

from edgetrain.local.place import REGION
from edgetrain.local.wsgi import Application, Environ, call

#: Nobody listens there: requests are answered before they are sent.
ENDPOINT = "http://localhost"
#: Who the cloud itself is, in its own records.
KEY = "edgetrain-cloud"


class Loopback:
    """boto3 clients whose requests an application answers in this thread."""

    def __init__(self, application: Application) -> None:
        from boto3.session import Session

        self._application = application
        self._session: Any = Session(aws_access_key_id=KEY, aws_secret_access_key=KEY, region_name=REGION)
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def client(self, service: str) -> Any:
        """A client of `service`; each is made once."""
        with self._lock:
            return self._clients.get(service) or self._make(service)

    def _make(self, service: str) -> Any:
        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        client = self._session.client(service, endpoint_url=ENDPOINT, config=config)
        client.meta.events.register("before-send", self._answer)
        self._clients[service] = client
        return client

    def _answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        reply = call(self._application, environ_of(request))
        body = b"".join(reply.body)
        headers: Any = dict(reply.headers)
        return AWSResponse(request.url, reply.status, headers, _Raw(body))


class _Raw(io.BytesIO):
    """What botocore reads a response's body from."""

    def stream(self, amount: int = 1 << 16, **_: Any) -> Any:
        while piece := self.read(amount):
            yield piece


def environ_of(request: AWSPreparedRequest) -> Environ:
    """A request of botocore's as a WSGI environment."""
    parts = urlsplit(request.url)
    body = request.body or b""
    if hasattr(body, "read"):
        body = body.read()
    if isinstance(body, str):
        body = body.encode()
    environ: Environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(parts.path or "/", "latin-1"),
        "REQUEST_URI": parts.path or "/",
        "QUERY_STRING": parts.query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "CONTENT_LENGTH": str(len(body)),
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        if key == "CONTENT_TYPE":
            environ[key] = text
        elif key not in {"CONTENT_LENGTH", "TRANSFER_ENCODING", "EXPECT"}:
            environ[f"HTTP_{key}"] = text
    environ.setdefault("HTTP_HOST", parts.netloc)
    return environ

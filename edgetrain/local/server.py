"""The HTTP server of the embedded cloud: cheroot on the loopback, HTTP/1.1, one thread for each request under way."""

import errno
import logging
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from cheroot import wsgi
from cheroot.server import HeaderReader, HTTPConnection, HTTPRequest
from cheroot.server import comma_separated_headers as lists  # type: ignore[attr-defined] # its stub leaves it out
from cheroot.wsgi import Gateway_10

from edgetrain.errors import PortInUse
from edgetrain.local.place import LOOPBACK
from edgetrain.local.wsgi import SPELLINGS, Application, Environ

logger = logging.getLogger(__name__)

#: More than clients open: beyond it, connections are closed, and clients try again.
THREADS: Final = 128
#: Of the web site: browsers open six connections each.
WEB_THREADS: Final = 32
LAST_PORT: Final = 65_535
#: Idle connections that are kept.
IDLE_CONNECTIONS: Final = 1000
IDLE_SECONDS: Final = 60
#: How long requests under way may take once the server is told to stop.
STOP_SECONDS: Final = 2
BACKLOG: Final = 512
METADATA: Final = b"x-amz-meta-"
#: Headers of which the last one counts when they are repeated, and not a list of all.
SINGLE: Final = frozenset({b"Content-Length", b"Content-Type", b"Host", b"Transfer-Encoding"})


class _Headers(dict[bytes, bytes]):
    """Headers in which a repeated one keeps all its values; cheroot sees to those that it knows as lists by itself."""

    def __setitem__(self, name: bytes, value: bytes) -> None:
        if name in self and name not in SINGLE and name not in lists:
            separator = b"; " if name == b"Cookie" else b","
            value = separator.join((self[name], value))
        super().__setitem__(name, value)


class _HeaderReader(HeaderReader):
    """cheroot's, which forgets all but the last of a repeated header."""

    def __call__(self, rfile: Any, hdict: dict[bytes, bytes] | None = None) -> dict[bytes, bytes]:
        read: dict[bytes, bytes] = super().__call__(rfile, _Headers())
        if hdict is None:
            return read
        hdict.update(read)
        return hdict


class _Request(HTTPRequest):
    """A request with all its headers."""

    header_reader = _HeaderReader()


class _Connection(HTTPConnection):
    """A connection of such requests."""

    RequestHandlerClass = _Request


class _Gateway(Gateway_10):
    """WSGI's environment, with the spelling of metadata headers that have underscores."""

    def get_environ(self) -> Environ:  # type: ignore[override] # its stub says None
        environ: Environ = super().get_environ()  # type: ignore[no-untyped-call]
        names = (name for name in self.req.inheaders if b"_" in name and name.lower().startswith(METADATA))
        environ[SPELLINGS] = {
            "HTTP_" + n.decode("latin-1").upper().replace("-", "_"): n.decode("latin-1") for n in names
        }
        return environ


class _Server(wsgi.Server):
    """cheroot, with its complaints in our log."""

    ConnectionClass = _Connection

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        logger.log(level, msg, exc_info=traceback)


class CloudServer:
    """Serves an application on a port of the loopback: the port is taken at once, answers begin with `start`."""

    def __init__(self, port: int, *, threads: int = THREADS) -> None:
        """Take the port (0: any that is free).

        Raises:
            PortInUse: somebody else has it.
        """
        self._server: Any = _Server(
            (LOOPBACK, port),
            None,
            numthreads=threads,
            server_name="edgetrain",
            request_queue_size=BACKLOG,
            timeout=IDLE_SECONDS,
            shutdown_timeout=STOP_SECONDS,
        )
        self._server.gateway = _Gateway
        self._server.keep_alive_conn_limit = IDLE_CONNECTIONS
        try:
            self._server.prepare()
        except OSError as error:
            if error.errno != errno.EADDRINUSE and "in use" not in str(error):
                raise
            raise PortInUse(
                f"port {port} on {LOOPBACK} is in use: stop who listens there, or choose another with --port"
            ) from error
        self._thread = threading.Thread(target=self._server.serve, name="server", daemon=True)

    @property
    def port(self) -> int:
        """The port that was taken."""
        return int(self._server.bind_addr[1])

    @property
    def endpoint(self) -> str:
        """The URL for clients."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self, application: Application) -> None:
        self._server.wsgi_app = application
        self._thread.start()

    def stop(self) -> None:
        """Answer what is under way, for a moment, and close the port."""
        self._server.stop()
        if self._thread.ident is not None:
            self._thread.join()


def web_server(beside: int, *, free: bool) -> CloudServer:
    """The listener of the web site: on the port after `beside`, or on any other one where that is taken or `free` is meant."""
    if not free and beside < LAST_PORT:
        with suppress(PortInUse):
            return CloudServer(beside + 1, threads=WEB_THREADS)
    return CloudServer(0, threads=WEB_THREADS)


def stop_servers(servers: Sequence[CloudServer]) -> None:
    """Stop all at once: each looks only now and then whether it shall."""
    stopping = [threading.Thread(target=server.stop, name="stop") for server in servers]
    for thread in stopping:
        thread.start()
    for thread in stopping:
        thread.join()

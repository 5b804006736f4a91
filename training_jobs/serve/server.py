"""The HTTP server, until SIGTERM."""

import logging
import signal
import threading
from collections.abc import Callable
from typing import Any, Final

from cheroot import wsgi

from edgetrain import limits
from edgetrain.errors import PortInUse

#: Beside the requests under way, room for SageMaker's pings.
SPARE_THREADS: Final = 4
#: What is under way when the container is told to stop may take so long. (SageMaker kills after 30 seconds.)
STOP_SECONDS: Final = 25
BACKLOG: Final = 128


def serve_until_told(
    application: Any, *, host: str, port: int, on_ready: Callable[[], None], stop: threading.Event | None = None
) -> None:
    """Serve; on SIGTERM or SIGINT answer what is under way and return. Call it in the main thread (or hand over `stop`).

    Raises:
        PortInUse: somebody else listens there.
    """
    told = stop or threading.Event()
    server: Any = wsgi.Server(
        (host, port),
        application,
        numthreads=limits.SERVING_REQUESTS + SPARE_THREADS,
        server_name="edgetrain",
        request_queue_size=BACKLOG,
        timeout=limits.SAGEMAKER_MODEL_SECONDS,
        shutdown_timeout=STOP_SECONDS,
    )
    server.error_log = _complain
    server.max_request_body_size = limits.SAGEMAKER_REALTIME_PAYLOAD_BYTES
    if stop is None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: told.set())
    try:
        server.prepare()
    except OSError as error:
        raise PortInUse(f"port {port} of {host} cannot be taken: {error}") from error
    thread = threading.Thread(target=server.serve, name="server", daemon=True)
    thread.start()
    on_ready()
    told.wait()
    server.stop()
    thread.join()


def _complain(msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
    logging.getLogger("server").log(level, msg, exc_info=traceback)

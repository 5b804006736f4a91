"""Endpoints by their names: brought up, changed without a gap, taken down."""

import logging
import shutil
import tempfile
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from edgetrain.local.ecr import Images
from edgetrain.local.functions.logs import Event, LogWriter
from edgetrain.local.sagemaker import records
from edgetrain.local.sagemaker.container import Answer, Container, Program
from edgetrain.local.sagemaker.fleet import Fleet
from edgetrain.local.sagemaker.plan import CannotServe, Services, Variant, make_program

logger = logging.getLogger(__name__)

#: When the cloud goes, containers have this long.
CLOSE_SECONDS: Final = 2.0


class LogsToo(Services, Protocol):
    """`Services`, and where containers' output goes."""

    def put_log_events(self, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None: ...


class StartsProgram(Protocol):
    """Starts a container: `Container` itself."""

    def __call__(self, program: Program, write_log: Callable[[Sequence[Event]], None]) -> Container: ...


@dataclass(frozen=True)
class Standing:
    """What answers for an endpoint."""

    variant: Variant
    fleet: Fleet


class EndpointNotFound(Exception):
    """No endpoint of this name is in service."""


class Endpoints:
    """All endpoints. Their status lies in moto's records; the processes behind them are here."""

    def __init__(
        self,
        services: LogsToo,
        images: Images,
        read_object: Callable[[str, str], bytes],
        *,
        scratch: Path,
        endpoint_url: str,
        start: StartsProgram = Container,
    ) -> None:
        self._start_container = start
        self._services = services
        self._images = images
        self._read_object = read_object
        self._scratch = scratch
        self._endpoint_url = endpoint_url
        self._lock = threading.Lock()
        self._standing: dict[str, Standing] = {}
        self._fleets: set[Fleet] = set()
        self._threads: set[threading.Thread] = set()
        self._closed = False
        self._logs = LogWriter(services.put_log_events)

    def bring(self, name: str, config_name: str, config: Mapping[str, Any], variant: Variant) -> None:
        """Give the endpoint (its record says Creating or Updating) containers of the configuration's variant, in a thread.

        What it had goes on answering until the new ones are in service, and stays when they do not come up.
        """
        self._in_thread(lambda: self._bring(name, config_name, config, variant))

    def remove(self, name: str) -> None:
        """Stop what answers for the endpoint, once what is under way is answered."""
        with self._lock:
            standing = self._standing.pop(name, None)
        if standing is not None:
            self._in_thread(standing.fleet.drain)

    def variant(self, name: str) -> Variant:
        """What is in service.

        Raises:
            EndpointNotFound: nothing is.
        """
        with self._lock:
            if name not in self._standing:
                raise EndpointNotFound(name)
            return self._standing[name].variant

    def ask(self, name: str, headers: dict[str, str], body: bytes) -> Answer:
        """Ask a container.

        Raises:
            EndpointNotFound, Throttled, TimedOut, Broken: there is no answer.
        """
        with ExitStack() as place:
            with self._lock:
                if name not in self._standing:
                    raise EndpointNotFound(name)
                fleet = self._standing[name].fleet
                # Under the lock: who swaps fleets afterwards waits for this request.
                place.enter_context(fleet.reserved())
            return fleet.ask(headers, body)

    def pids(self, name: str) -> list[int]:
        """Processes of the containers in service."""
        with self._lock:
            return self._standing[name].fleet.pids if name in self._standing else []

    def close(self) -> None:
        """Stop everything; afterwards no process of an endpoint is left."""
        with self._lock:
            self._closed = True
            self._standing.clear()
            fleets, threads = list(self._fleets), list(self._threads)
        for fleet in fleets:
            fleet.stop(CLOSE_SECONDS)
        for thread in threads:
            thread.join()
        for fleet in list(self._fleets):  # started while we closed
            fleet.stop(CLOSE_SECONDS)
        self._logs.close()

    def _bring(self, name: str, config_name: str, config: Mapping[str, Any], variant: Variant) -> None:
        record = records.find_endpoint(name)
        before = record.endpoint_status
        try:
            fleet = self._start(name, variant)
        except CannotServe as error:
            self._fail(record, before, str(error))
            return
        reason = fleet.await_in_service()
        if reason is not None:
            about = f"The container for production variant {variant.name} did not pass the ping health check"
            self._fail(record, before, f"{about}: {reason}")
            fleet.stop(CLOSE_SECONDS)
            return
        with self._lock:
            old = self._standing.get(name)
            self._standing[name] = Standing(variant, fleet)
            records.use_config(record, config_name, dict(config))
            records.enter(record, "InService")
        if old is not None:
            old.fleet.drain()

    def _fail(self, record: Any, before: str, reason: str) -> None:
        """A first start ends as Failed; a change leaves the endpoint in service as it was, with the reason beside it."""
        logger.warning("endpoint %s: %s", record.endpoint_name, reason)
        records.enter(record, "InService" if before == "Updating" else "Failed", reason)

    def _start(self, name: str, variant: Variant) -> Fleet:
        """Containers of a variant, starting.

        Raises:
            CannotServe: there is nothing that could be started.
        """
        self._scratch.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=self._scratch, prefix=f"{name[:32]}-"))
        try:
            program = make_program(
                variant,
                scratch,
                images=self._images,
                services=self._services,
                read_object=self._read_object,
                endpoint_url=self._endpoint_url,
            )
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise

        def start() -> Container:
            stream = f"{variant.name}/{uuid.uuid4().hex}"
            return self._start_container(program, lambda events: self._write_log(name, stream, events))

        with self._lock:
            if self._closed:
                shutil.rmtree(scratch, ignore_errors=True)
                raise CannotServe("the cloud is being stopped")
            fleet = Fleet(
                start,
                size=variant.size,
                most=variant.most,
                after=lambda: shutil.rmtree(scratch, ignore_errors=True),
            )
            self._fleets = {each for each in self._fleets if not each.is_stopped} | {fleet}
        return fleet

    def _write_log(self, name: str, stream: str, events: Sequence[Event]) -> None:
        self._logs.write(log_group(name), stream, events)

    def _in_thread(self, do: Callable[[], None]) -> None:
        def run() -> None:
            try:
                do()
            except Exception:
                logger.exception("an endpoint's change failed")

        thread = threading.Thread(target=run, name="endpoint", daemon=True)
        with self._lock:
            self._threads = {each for each in self._threads if each.is_alive()} | {thread}
            thread.start()


def log_group(endpoint: str) -> str:
    """Where SageMaker writes what an endpoint's containers print."""
    return f"/aws/sagemaker/Endpoints/{endpoint}"

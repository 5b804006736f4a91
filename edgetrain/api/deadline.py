"""Giving up in time: API Gateway waits 30 seconds and then answers for us."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, TimeoutError
from typing import ParamSpec, TypeVar

from edgetrain.errors import ServiceBusy

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Deadline:
    """Runs one call at a time, each for so many seconds at most.

    A call that is given up goes on until its own time-outs end it, and its result is dropped; hence more than one thread.
    """

    THREADS = 4

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(self.THREADS, thread_name_prefix="request")

    def call(
        self, function: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs
    ) -> Result:
        """The function's result.

        Raises:
            ServiceBusy: it took too long.
        """
        running = self._threads.submit(function, *arguments, **named)
        try:
            return running.result(self._seconds)
        except TimeoutError as error:
            if running.done():  # it raised that itself
                raise
            raise ServiceBusy(f"no answer within {self._seconds:g} seconds", code="too_slow", retry_after=10) from error

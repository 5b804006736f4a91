"""Calls into the cloud, which block: a bounded number of worker threads runs them beside the loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any


class Calls:
    """At most `limit` calls at a time. A call that nobody waits for any more runs on and keeps its place."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._threads = ThreadPoolExecutor(limit, thread_name_prefix="stepfunctions-call")
        self._places = asyncio.Semaphore(limit)

    async def start(self, call: Callable[[], Any]) -> "asyncio.Future[Any]":
        """Wait for a free place and run `call` in a thread; it is under way when this returns."""
        await self._places.acquire()
        future = asyncio.get_running_loop().run_in_executor(self._threads, call)
        future.add_done_callback(self._done)
        return future

    def _done(self, future: "asyncio.Future[Any]") -> None:
        self._places.release()
        if not future.cancelled():
            future.exception()  # so that a call that nobody waits for is not reported as forgotten

    def close(self) -> None:
        """Wait for the calls under way, and end the threads."""
        self._threads.shutdown(wait=True)


async def until(future: "asyncio.Future[Any] | None", seconds: float | None) -> None:
    """Wait until `future` is done or `seconds` have passed, whichever comes first; it runs on either way."""
    if future is None:
        await asyncio.sleep(seconds or 0)
    else:
        await asyncio.wait((future,), timeout=seconds)

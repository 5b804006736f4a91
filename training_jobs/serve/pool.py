"""Interpreters, one for each processor, and what waits for them."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Protocol

import numpy as np
import numpy.typing as npt

from edgetrain.detection.detections import Detection
from edgetrain.detection.pictures import read_picture
from edgetrain.errors import TransientError

Found = tuple[Detection, ...]


class Detects(Protocol):
    """`edgetrain.runtime.detector.Detector`, as far as it is used here."""

    def detect(
        self, rgb: npt.NDArray[np.uint8], *, min_score: float | None = None, max_detections: int | None = None
    ) -> Found: ...


class Busy(TransientError):
    """A request had to wait, or would have had to wait, longer than it may."""


class DetectorPool:
    """Runs detections, as many at once as there are detectors. For any number of threads."""

    def __init__(self, make: Callable[[], Detects], *, size: int, waiting: int, seconds: float) -> None:
        """Load `size` detectors. At most `waiting` requests are under way, each for at most `seconds`."""
        self.seconds = seconds
        self._free: SimpleQueue[Detects] = SimpleQueue()
        for _ in range(size):
            self._free.put(make())
        self._places = threading.BoundedSemaphore(waiting)
        self._workers = ThreadPoolExecutor(size, thread_name_prefix="detector")

    def detect(
        self, pictures: Sequence[bytes], *, min_score: float | None, max_detections: int | None
    ) -> tuple[Found, ...]:
        """What is in each picture (the bytes of a JPEG or PNG file), in their order.

        Raises:
            PictureInvalid: one of them is none.
            Busy: it takes longer than `seconds`, or too many wait already. What has begun ends unheard.
        """
        if not self._places.acquire(blocking=False):
            raise Busy("too many requests are under way")
        deadline = time.monotonic() + self.seconds
        under_way: list[Future[Found]] = []
        try:
            under_way.extend(self._workers.submit(self._one, body, min_score, max_detections) for body in pictures)
            return tuple(future.result(deadline - time.monotonic()) for future in under_way)
        except TimeoutError as error:
            raise Busy(f"no answer within {self.seconds:g} seconds") from error
        finally:
            for future in under_way:
                future.cancel()
            self._places.release()

    def _one(self, body: bytes, min_score: float | None, max_detections: int | None) -> Found:
        picture = read_picture(body)
        detector = self._free.get()
        try:
            return detector.detect(picture.rgb, min_score=min_score, max_detections=max_detections)
        finally:
            self._free.put(detector)

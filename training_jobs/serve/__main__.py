"""Serve a task's detector: `python -m training_jobs.serve`, or `docker run IMAGE serve`.

It reads `training_jobs.serve.settings`, takes the version that was promoted (`training_jobs.serve.versions`), and answers until
SIGTERM. A model that cannot be had is exit code 1 and a line that says why.
"""

import json
import logging
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from edgetrain import limits
from edgetrain.errors import EdgetrainError, UsageError
from edgetrain.runtime.detector import Detector
from edgetrain.stores.base import ObjectStore
from training_jobs.serve.app import ServingApplication
from training_jobs.serve.pool import DetectorPool
from training_jobs.serve.server import serve_until_told
from training_jobs.serve.settings import Settings, read_settings
from training_jobs.serve.versions import find_model


def log(event: str, *, level: str = "INFO", **facts: Any) -> None:
    """One line of JSON on standard output."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    sys.stdout.write(json.dumps({"time": now, "level": level, "event": event, **facts}) + "\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Exit code 0 after SIGTERM, 2 for a wrong setting, 1 when there is no model to serve."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format="%(levelname)s %(name)s: %(message)s")
    try:
        with tempfile.TemporaryDirectory(prefix="edgetrain-model-") as scratch:
            _run(read_settings(arguments), Path(scratch))
    except UsageError as error:
        log("refused", level="ERROR", error=str(error))
        return 2
    except Exception as error:
        name = "" if isinstance(error, EdgetrainError) else f"{type(error).__name__}: "
        log("failed", level="ERROR", error=f"{name}{error}")
        return 1
    log("stopped")
    return 0


def _run(settings: Settings, scratch: Path) -> None:
    began = time.monotonic()
    model = find_model(settings.task, _store(settings.models_bucket), settings.model_dir, scratch)
    pool = DetectorPool(
        lambda: _loaded(model.folder),
        size=settings.workers,
        waiting=limits.SERVING_REQUESTS,
        seconds=settings.seconds,
    )
    application = ServingApplication(pool, task=settings.task, version=model.version, log=log)

    def ready() -> None:
        loading = round(time.monotonic() - began, 3)
        log("ready", task=settings.task, version=model.version, workers=settings.workers, load_seconds=loading)

    serve_until_told(application, host=settings.host, port=settings.port, on_ready=ready)


def _loaded(folder: Path) -> Detector:
    """A detector that has run once: the first time costs more, and a model that cannot run must not begin to serve."""
    detector = Detector(folder)
    detector.detect(np.zeros((detector.spec.input.height, detector.spec.input.width, 3), np.uint8))
    return detector


def _store(bucket: str | None) -> ObjectStore | None:
    if bucket is None:
        return None
    import boto3
    from botocore.config import Config

    from edgetrain.stores.s3 import S3ObjectStore

    config = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 4})
    return S3ObjectStore(boto3.client("s3", config=config), bucket)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A real browser, driven: this machine's Chromium."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edgetrain.errors import ExtraMissing

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: The programs that are looked for on the PATH, in this order.
PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")


def find_browser() -> str | None:
    """The path of a browser on this machine, or None."""
    return next((path for path in map(shutil.which, PROGRAMS) if path is not None), None)


def playwright_or_raise() -> None:
    """Playwright drives the browser.

    Raises:
        ExtraMissing: it is not installed.
    """
    if find_spec("playwright") is None:
        raise ExtraMissing("playwright drives the browser and is not installed: pip install 'edgetrain[see]'")


@contextmanager
def browser(program: str, *, camera: bytes | None = None) -> "Iterator[Browser]":
    """A headless browser that goes when the context ends.

    Args:
        program: what `find_browser` found.
        camera: a JPEG file with even sides that its camera sees, for ever; None: it has no camera.

    Raises:
        ExtraMissing: playwright, which drives it, is not installed.
    """
    playwright_or_raise()
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=program, args=_camera(Path(scratch), camera))
        try:
            yield running
        finally:
            running.close()


def _camera(folder: Path, picture: bytes | None) -> list[str]:
    """Arguments of a browser whose camera sees `picture`."""
    if picture is None:
        return []
    film = folder / "camera.mjpeg"  # JPEG files one after the other; the browser plays it again and again
    film.write_bytes(picture * 2)
    return ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"]

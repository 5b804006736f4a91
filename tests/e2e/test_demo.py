"""`edgetrain demo-see` as a user runs it: all of it, until Ctrl-C, and nothing left behind."""

import signal
import subprocess

import psutil
from PIL import Image

from edgetrain.cli.photographs import PHOTOGRAPHS
from edgetrain.local import process
from tests.integration.cli.conftest import PATIENCE_SECONDS, Shell, family, left_over, wait_for

PAGES = ("page-camera", "page-this-device", "page-phone")


def test_the_demonstration(tmp_path, program):
    out = tmp_path / "see"
    demo: subprocess.Popen[str] = Shell(tmp_path / "none").start("demo-see", "--out", str(out), "--stay")
    said = "".join(wait_for(demo, "Ctrl-C takes the cloud down"))
    started = [*family(process.status(out / "cloud").pid), *psutil.Process(demo.pid).children(recursive=True)]
    assert len(started) > 2
    demo.send_signal(signal.SIGINT)
    rest, _ = demo.communicate(timeout=PATIENCE_SECONDS)
    assert (demo.returncode, "The cloud is taken down." in rest) == (0, True), rest
    assert left_over(started) == []
    for name, label in PHOTOGRAPHS.items():
        assert f"{name}: {label.lower()} 0." in said
    assert "from the camera, on a desktop: Found: person" in said
    assert "Service and device agree on 1 thing" in said
    for name in (*PAGES, *(f"{name}-boxes" for name in PHOTOGRAPHS)):
        (path,) = out.glob(f"{name}.*")
        with Image.open(path) as picture:
            assert min(picture.size) >= 300
    assert {path.suffix for path in out.iterdir()} == {".jpg", ".png"}

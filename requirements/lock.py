"""Makes all lock files again: `make lock`, or `python -m requirements.lock` (needs `uv` and Node.js).

Lock files hold versions and hashes and no addresses: where packages come from is the machine's own setting.
`layer-wheels.json` records which wheels the locked layers are on AWS, so that a test can read their tags.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from stacks.packaging.layers import PROJECT, WHEEL_LAYERS, lock_file
from stacks.packaging.wheels import install_command
from stacks.targets import ARCHITECTURES, aws_target

HERE: Final = PROJECT / "requirements"
DEV_LOCK: Final = HERE / "dev.lock"
#: What the image's targets install (training_jobs/Dockerfile).
IMAGE_LOCKS: Final = ("serve", "train")
COMPILE: Final = (
    *("uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"),
    *("--no-emit-index-url", "--no-emit-find-links", "--no-annotate", "--no-header"),
)


def main() -> int:
    """Exit code 2 when a tool is missing."""
    if shutil.which("uv") is None:
        sys.stderr.write("edgetrain: `uv` was not found: install it to make lock files\n")
        return 2
    run([*COMPILE, "pyproject.toml", "--extra", "dev", "--output-file", str(DEV_LOCK)])
    locks = {lock_file(layer): [] if whole else ["--no-deps"] for layer, whole in WHEEL_LAYERS.items()}
    locks |= {HERE / f"{target}.lock": [] for target in IMAGE_LOCKS}
    for lock, more in locks.items():
        # The versions of the environment that the tests run in.
        command = [*COMPILE, "--constraint", str(DEV_LOCK), str(lock.with_suffix(".in")), *more]
        run([*command, "--output-file", str(lock)])
    wheels = {architecture: aws_wheels(architecture) for architecture in ARCHITECTURES}
    (HERE / "layer-wheels.json").write_text(json.dumps(wheels, indent=2) + "\n")
    run([sys.executable, "-m", "stacks.node", "npm", "install", "--package-lock-only"])
    return 0


def aws_wheels(architecture: Any) -> dict[str, str]:
    """The wheels (file name -> SHA-256) that pip takes for Lambda on `architecture`."""
    found = {}
    for layer in WHEEL_LAYERS:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.json"
            command = install_command(lock_file(layer), aws_target(architecture), Path(folder) / "site")
            run([*command, "--dry-run", "--ignore-installed", "--report", str(report)])
            for entry in json.loads(report.read_text())["install"]:
                source = entry["download_info"]
                found[source["url"].rsplit("/", 1)[-1]] = source["archive_info"]["hashes"]["sha256"]
    return dict(sorted(found.items()))


def run(command: list[str], **settings: Any) -> None:
    """Run in the project's folder; a failure ends us with its exit code."""
    done = subprocess.run(command, cwd=PROJECT, check=False, **settings)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    sys.exit(main())

"""Lambda's managed runtime on this machine: a Python environment with what Lambda brings, and nothing else.

That is the standard library, the runtime client (`awslambdaric`) and boto3, each with what it needs. A virtual
environment of links: its interpreter is the one we run on, its packages are those that are installed beside us.
"""

import hashlib
import platform
import shutil
import sys
import threading
import venv
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

from edgetrain.errors import ExtraMissing
from edgetrain.local.functions.content import appearing_whole

#: boto3 and the runtime client, and everything that they import (a test compares this with what they say they need).
PACKAGES: Final = (
    *("awslambdaric", "simplejson", "snapshot-restore-py"),
    *("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"),
)
#: Runs first in each function process; copied into the environment, for it must not import `edgetrain`.
BOOTSTRAP: Final = Path(__file__).with_name("bootstrap.py")

_creating = threading.Lock()


@dataclass(frozen=True)
class Runtime:
    """The environment's folder."""

    root: Path

    @property
    def python(self) -> Path:
        """The interpreter."""
        return self.root / "bin" / "python"

    @property
    def packages(self) -> Path:
        """Where the runtime's own packages are."""
        return self.root / "lib" / name_of_this_python() / "site-packages"

    @property
    def bootstrap(self) -> Path:
        """The program that a function process runs."""
        return self.root / BOOTSTRAP.name


def name_of_this_python() -> str:
    """Lambda's word for the Python that we run on: `python3.11`."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def make_runtime(folder: Path) -> Runtime:
    """The runtime inside of `folder`, made when it is not there, or not of today's packages.

    Raises:
        ExtraMissing: one of the packages is not installed.
    """
    files = _package_files()
    what = [sys.prefix, sys.base_prefix, platform.python_version(), BOOTSTRAP.read_text()]
    key = hashlib.sha256(repr((what, sorted(map(str, files)))).encode()).hexdigest()[:16]
    root = folder / f"{name_of_this_python()}-{key}"
    with _creating:
        if not root.exists():
            folder.mkdir(parents=True, exist_ok=True)
            with appearing_whole(root) as new:
                _fill(new, files)
    return Runtime(root)


def _fill(root: Path, files: set[Path]) -> None:
    venv.EnvBuilder(symlinks=True, with_pip=False).create(root)
    for path in files:
        (Runtime(root).packages / path.name).symlink_to(path)
    shutil.copyfile(BOOTSTRAP, root / BOOTSTRAP.name)


def _package_files() -> set[Path]:
    """The files and folders at the top of site-packages that belong to `PACKAGES`."""
    found = set()
    for package in PACKAGES:
        try:
            distribution = metadata.distribution(package)
        except metadata.PackageNotFoundError as error:
            raise ExtraMissing(
                f"Lambda functions need the package {package}, which is not installed: pip install 'edgetrain[local]'"
            ) from error
        tops = {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}
        found |= {Path(str(distribution.locate_file(top))).absolute() for top in tops}
    return found

"""The checkout of the project: what is deployed and what SageMaker runs lie beside the installed package."""

import sys
from pathlib import Path

from edgetrain.errors import UsageError


def project_dir() -> Path:
    """The checkout: the nearest folder above here that is one, else the one that this package lies in, else here."""
    here = Path.cwd()
    for folder in (here, *here.parents, Path(__file__).parents[2]):
        if is_checkout(folder):
            return folder
    return here


def is_checkout(folder: Path) -> bool:
    """Whether the CDK application lies there."""
    return (folder / "cdk.json").is_file() and (folder / "stacks").is_dir()


def make_importable() -> None:
    """Let Python find the checkout's top-level packages (`training_jobs`), which an installation does not carry.

    Raises:
        UsageError: there is no checkout.
    """
    folder = project_dir()
    if not is_checkout(folder):
        raise UsageError(f"this needs a checkout of the project: {folder} and the folders above it are none")
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

"""What the image's targets install is what their programs import."""

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from stacks.packaging.serving import CONTEXT
from tests.unit.stacks.test_locks import locked

ROOT = Path(__file__).parents[3]
OURS = {"edgetrain", "training_jobs"}
DISTRIBUTIONS = packages_distributions()
#: What the trainer's modules are; the rest of `training_jobs` starts it, or serves.
TRAINING = (
    *("edgetrain/*.py", "edgetrain/federated/**/*.py", "edgetrain/tasks/**/*.py", "edgetrain/runtime/**/*.py"),
    *("edgetrain/detection/**/*.py", "training_jobs/*.py"),
)


def imported(patterns: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """(module, file) of every import that is not the standard library's, ours among them."""
    for path in sorted({path for pattern in patterns for path in ROOT.glob(pattern) if path.suffix == ".py"}):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for name in names:
                if name.split(".")[0] not in sys.stdlib_module_names:
                    yield name, str(path.relative_to(ROOT))


@pytest.mark.parametrize(("target", "patterns"), [("serve", CONTEXT), ("train", TRAINING)])
def test_every_package_that_is_imported_is_installed(target: str, patterns: tuple[str, ...]) -> None:
    installed = set(locked(ROOT / "requirements" / f"{target}.lock"))
    if "tensorflow-cpu" in installed:
        installed |= {"tensorflow", "keras"}
    missing = {
        (name, file)
        for name, file in imported(patterns)
        if (top := name.split(".")[0]) not in OURS
        and not name.startswith("mypy_boto3")
        and not installed & {canonicalize_name(each) for each in DISTRIBUTIONS.get(top, [top])}
    }
    assert missing == set()


def test_the_image_has_every_module_of_ours_that_its_program_imports() -> None:
    held = {path.relative_to(ROOT) for pattern in CONTEXT for path in ROOT.glob(pattern)}
    missing = set()
    for name, file in imported(CONTEXT):
        if name.split(".")[0] in OURS:
            path = Path(*name.split("."))
            if path.with_suffix(".py") not in held and path / "__init__.py" not in held:
                missing.add((name, file))
    assert missing == set()

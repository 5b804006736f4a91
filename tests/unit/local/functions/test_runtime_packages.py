"""The runtime's packages are those that boto3 and the runtime client need, and the bootstrap imports none of ours."""

import ast
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from edgetrain.local.functions.runtime import BOOTSTRAP, PACKAGES


def needed(*packages: str) -> set[str]:
    found = {canonicalize_name(package) for package in packages}
    for package in packages:
        for text in metadata.requires(package) or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                found |= needed(requirement.name)
    return found


def test_the_list_is_complete_and_no_longer_than_that() -> None:
    assert set(PACKAGES) == needed("awslambdaric", "boto3")


def test_the_bootstrap_imports_the_standard_library_and_the_runtime_client() -> None:
    names = set()
    for node in ast.walk(ast.parse(BOOTSTRAP.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    assert names == {"fcntl", "os", "select", "signal", "site", "sys", "awslambdaric"}

"""A test's kind is its folder: tests/unit, tests/infrastructure, tests/integration or tests/e2e."""

import os
from pathlib import Path

import pytest
from hypothesis import settings
from pytest_socket import disable_socket, enable_socket

from edgetrain.local.moto_app import SETTINGS
from tests.session_cloud import api, cloud

__all__ = ["api", "cloud"]  # fixtures: the folders that deploy share one cloud

# moto reads them once, when the first test of this process imports it.
os.environ.update(SETTINGS)

KINDS = ("unit", "infrastructure", "integration", "e2e")
HERE = Path(__file__).parent

# A property is judged by what it says, not by how long an example took on a busy machine.
settings.register_profile("edgetrain", deadline=None)
settings.load_profile("edgetrain")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-snapshots", action="store_true", help="write the snapshots of the templates again (make snapshots)"
    )


def kind_of(path: Path) -> str:
    return path.relative_to(HERE).parts[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        kind = kind_of(item.path)
        if kind not in KINDS:
            raise pytest.UsageError(f"{item.path}: a test lives in one of tests/{{{','.join(KINDS)}}}/")
        item.add_marker(kind)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Unit tests open no socket (the AF_UNIX pair of an event loop or a fork server is none)."""
    if kind_of(item.path) == "unit":
        disable_socket(allow_unix_socket=True)
    else:
        enable_socket()


def pytest_runtest_teardown() -> None:
    enable_socket()

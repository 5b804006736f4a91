"""The digits' default program, built once."""

import pytest

from edgetrain.tasks.building import BuiltProgram, build_program
from edgetrain.tasks.registry import get_task


@pytest.fixture(scope="session")
def digits_program() -> BuiltProgram:
    return build_program(get_task("digits"))

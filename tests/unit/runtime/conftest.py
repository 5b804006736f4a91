"""Small programs to run, exported once (tests/unit/tasks/networks.py)."""

import numpy as np
import pytest

from edgetrain.runtime.program import TrainingProgram
from tests.unit.tasks.networks import Exported, exported


@pytest.fixture(scope="session")
def network() -> Exported:
    return exported("two-pooled-convolutions")


@pytest.fixture(scope="session")
def program(network) -> TrainingProgram:
    """One for all tests: what one of them leaves in it must not matter to the next."""
    return TrainingProgram(network.program, network.spec)


@pytest.fixture
def examples(network):
    """Makes n examples: x, y."""

    def make(count: int, seed: int = 0):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((count, *network.spec.x.shape)).astype(np.float32)
        return x, {"y": rng.integers(0, len(network.spec.labels), count).astype(np.int32)}

    return make

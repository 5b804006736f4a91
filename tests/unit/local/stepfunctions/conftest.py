from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.fakes.stepfunctions import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "journal.sqlite")
    yield bench
    bench.engine.close()

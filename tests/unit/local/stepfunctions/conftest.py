from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.fakes.stepfunctions import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "journal.sqlite")
    yield bench
    bench.engine.close()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[bytes, Bench], Bench]]:
    """Opens a kept journal, over the cloud of another bench."""
    benches: list[Bench] = []

    def opened(content: bytes, before: Bench) -> Bench:
        path = tmp_path / f"again{len(benches)}.sqlite"
        path.write_bytes(content)
        benches.append(Bench(path, before=before, since=before.clock.now()))
        return benches[-1]

    yield opened
    for bench in benches:
        bench.engine.close()

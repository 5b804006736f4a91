"""Which process is taken, which one ends, and when."""

import pytest

from edgetrain.local.functions.pool import AGE_SECONDS, IDLE_ALTOGETHER, IDLE_SECONDS, Pool, PoolClosed
from tests.unit.fakes.functions import Clock, FakeProcess, configuration


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pool(clock: Clock) -> Pool[FakeProcess]:
    return Pool(idle_per_function=2, clock=clock)


def serve(pool: Pool[FakeProcess], *processes: FakeProcess) -> None:
    """Each of them was started for an invocation and has answered."""
    for process in processes:
        assert pool.take(process.configuration) is None
        pool.add(process)
    for process in processes:
        pool.give_back(process)


def test_the_most_recently_used_is_taken(pool: Pool[FakeProcess], clock: Clock) -> None:
    first, second, other = FakeProcess(clock), FakeProcess(clock), FakeProcess(clock, "g")
    serve(pool, first, second, other)

    assert pool.take(configuration()) is second
    assert pool.take(configuration()) is first
    assert pool.take(configuration()) is None
    assert set(pool.busy()) == {first, second}


def test_another_revision_ends_the_idle_at_once_and_the_busy_when_they_are_done(
    pool: Pool[FakeProcess], clock: Clock
) -> None:
    idle, busy = FakeProcess(clock), FakeProcess(clock)
    serve(pool, idle, busy)
    assert pool.take(configuration()) is busy

    assert pool.take(configuration(revision="2")) is None

    assert (idle.closed, busy.closed) == (1, 0)
    pool.give_back(busy)
    assert (busy.closed, busy.killed) == (1, 0)


def test_too_many_idle_of_one_function(pool: Pool[FakeProcess], clock: Clock) -> None:
    processes = [FakeProcess(clock) for _ in range(3)]
    serve(pool, *processes)

    assert [process.closed for process in processes] == [1, 0, 0]


def test_too_many_idle_altogether(pool: Pool[FakeProcess], clock: Clock) -> None:
    processes = [FakeProcess(clock, f"f{number}") for number in range(IDLE_ALTOGETHER + 1)]
    serve(pool, *processes)

    assert [process.closed for process in processes] == [1] + [0] * IDLE_ALTOGETHER


def test_idle_for_too_long(pool: Pool[FakeProcess], clock: Clock) -> None:
    early, late = FakeProcess(clock), FakeProcess(clock, "g")
    serve(pool, early)
    clock.now += 1
    serve(pool, late)

    clock.now += IDLE_SECONDS - 1
    pool.reap()
    assert (early.closed, late.closed) == (1, 0)
    clock.now += 1
    pool.reap()
    assert late.closed == 1


def test_too_old(pool: Pool[FakeProcess], clock: Clock) -> None:
    process = FakeProcess(clock)
    serve(pool, process)
    clock.now += AGE_SECONDS

    assert pool.take(configuration()) is None
    assert process.closed == 1


def test_one_that_has_exited_is_not_taken(pool: Pool[FakeProcess], clock: Clock) -> None:
    process = FakeProcess(clock)
    serve(pool, process)
    process.has_exited = True

    assert pool.take(configuration()) is None
    assert process.closed == 1


def test_discard(pool: Pool[FakeProcess], clock: Clock) -> None:
    process = FakeProcess(clock)
    pool.take(configuration())
    pool.add(process)

    pool.discard(process)

    assert process.closed == 1
    assert pool.busy() == []
    assert pool.take(configuration()) is None


def test_close(pool: Pool[FakeProcess], clock: Clock) -> None:
    idle, busy, late = FakeProcess(clock), FakeProcess(clock, "g"), FakeProcess(clock, "h")
    serve(pool, idle)
    pool.add(busy)

    pool.close()

    assert (idle.closed, busy.closed, busy.killed) == (1, 0, 1)
    with pytest.raises(PoolClosed):
        pool.add(late)
    assert late.closed == 1
    pool.give_back(busy)
    assert busy.closed == 1

"""Token buckets."""

import pytest

from edgetrain.local.http_api.definition import Throttle
from edgetrain.local.http_api.throttling import Throttles
from tests.unit.local.http_api.conftest import make_stage


@pytest.fixture
def clock():
    return [0.0]


@pytest.fixture
def throttles(clock):
    return Throttles(lambda: clock[0])


def taken(throttles, limits, times, *, route="GET /x", stage="api"):
    return [throttles.allows("id", stage, route, limits) for _ in range(times)]


def test_a_burst_and_what_comes_back(throttles, clock):
    limits = Throttle(rate=2, burst=3)
    assert taken(throttles, limits, 4) == [True, True, True, False]
    clock[0] += 0.5
    assert taken(throttles, limits, 2) == [True, False]
    clock[0] += 100
    assert taken(throttles, limits, 4) == [True, True, True, False]


def test_each_route_and_stage_has_its_own(throttles):
    limits = Throttle(rate=1, burst=1)
    assert taken(throttles, limits, 2) == [True, False]
    assert taken(throttles, limits, 2, route="GET /y") == [True, False]
    assert taken(throttles, limits, 2, stage="other") == [True, False]


def test_new_limits_count_at_once(throttles):
    assert taken(throttles, Throttle(rate=1, burst=1), 2) == [True, False]
    assert taken(throttles, Throttle(rate=1, burst=2), 3) == [True, True, False]


def test_nothing_at_all(throttles):
    assert taken(throttles, Throttle(rate=0, burst=0), 2) == [False, False]


def test_no_limits(throttles):
    assert all(taken(throttles, Throttle(), 1000))


def test_a_rate_alone_is_a_burst_of_a_second(throttles):
    assert taken(throttles, Throttle(rate=2), 3) == [True, True, False]


def test_what_a_route_does_not_set_is_the_stages():
    stage = make_stage(default_throttle=Throttle(10, 20), throttles={"GET /x": Throttle(burst=1)})
    assert stage.throttle_of("GET /x") == Throttle(10, 1)
    assert stage.throttle_of("GET /y") == Throttle(10, 20)

"""Looking at a run again and again."""

import pytest

from edgetrain.client.following import PATIENCE_SECONDS, RunProgress, RunWatcher, follow_run
from edgetrain.client.runs import StartedRun
from edgetrain.errors import RunNotFound, TransientError
from tests.unit.fakes.federation import PlayedRun, memory_federation


@pytest.fixture
def federation():
    return memory_federation()


def watcher(federation, arn, run_id="run"):
    return RunWatcher(federation, StartedRun(run_id, arn), clock=lambda: 1010.0)


def test_before_there_is_a_run(federation):
    look = watcher(federation, federation.executions.start("run", "{}")).look()
    assert (look.status, look.rounds, look.done, look.live) == ("RUNNING", None, (), None)


def test_a_round_from_its_cohort_to_its_evaluation(federation):
    run = PlayedRun.begin(federation, federation.executions.start("run", "{}"), {"task": "digits"})
    seen = watcher(federation, run.arn)
    assert seen.look().live is None
    run.cohort(1)
    run.receipt(1, "client-000")
    run.receipt(1, "client-001")
    run.refuse(1, "client-002")
    run.refuse(1, "client-001")  # what has a receipt is trained, whatever a later try said
    live = seen.look().live
    assert (live.round, live.clients, live.trained, live.refused, live.examples) == (1, 3, 2, 1, 20)
    assert live.seconds == 10.0
    run.evaluated(1, 0.5)
    look = seen.look()
    assert ([each.round for each in look.done], look.live) == ([1], None)
    run.cohort(2)
    assert seen.look().live.round == 2


def test_rounds_that_are_done_are_not_read_again(federation):
    run = PlayedRun.begin(federation, federation.executions.start("run", "{}"), {"task": "digits"})
    run.evaluated(1, 0.5)
    seen = watcher(federation, run.arn)
    seen.look()
    federation.runs.objects.clear()
    assert [each.round for each in seen.look().done] == [1]


def test_the_last_look_has_no_live_round(federation):
    run = PlayedRun.begin(federation, federation.executions.start("run", "{}"), {"task": "digits"})
    run.evaluated(1, 0.5)
    run.cohort(2)
    run.fail("QuorumNotReached", "x")
    look = watcher(federation, run.arn).look()
    assert (look.status, look.ended, look.live) == ("FAILED", True, None)


def test_an_execution_that_was_refused_has_no_part_in_the_run_of_that_id(federation):
    run = PlayedRun.begin(federation, federation.executions.start("run", "{}"), {"task": "digits"})
    run.evaluated(1, 0.5)
    other = federation.executions.start("other", "{}")
    look = watcher(federation, other).look()
    assert (look.rounds, look.done) == (None, ())


def test_an_execution_that_nobody_knows(federation):
    with pytest.raises(RunNotFound):
        watcher(federation, "arn:nobody").look()


def test_following_ends_with_the_run_and_pauses_between_looks(federation):
    run = PlayedRun.begin(federation, federation.executions.start("run", "{}"), {"task": "digits"})
    pauses = []

    def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) == 2:
            run.publish(0.5)

    looks = list(follow_run(watcher(federation, run.arn), interval=0.5, sleep=sleep))
    assert [look.status for look in looks] == ["RUNNING", "RUNNING", "SUCCEEDED"]
    assert pauses == [0.5, 0.5]


class Flickering:
    """A watcher that cannot reach the cloud at the given looks; each look takes 25 seconds."""

    def __init__(self, *, away):
        self.looks, self.away = 0, away

    def clock(self):
        return 25.0 * self.looks

    def look(self):
        self.looks += 1
        if self.looks in self.away:
            raise TransientError("away")
        return RunProgress("run", "SUCCEEDED" if self.looks > max(self.away) else "RUNNING", None, (), None)


def test_a_cloud_that_is_away_for_less_than_a_minute_is_waited_for():
    watch = Flickering(away={2, 3, 5, 6})  # 50 seconds, and again 50 seconds
    looks = list(follow_run(watch, interval=1, sleep=lambda _seconds: None, clock=watch.clock))
    assert [look.status for look in looks] == ["RUNNING", "RUNNING", "SUCCEEDED"]


def test_a_cloud_that_stays_away_is_given_up():
    watch = Flickering(away={2, 3, 4, 5, 6})
    with pytest.raises(TransientError):
        list(follow_run(watch, interval=1, sleep=lambda _seconds: None, clock=watch.clock))
    assert 25 * (watch.looks - 2) <= PATIENCE_SECONDS < 25 * (watch.looks - 1)

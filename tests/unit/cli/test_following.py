"""The view of a run: what a terminal shows, and what a pipe gets."""

import io

import pytest
from rich.console import Console

from edgetrain.cli import following
from edgetrain.client.following import LiveRound, RunProgress, RunWatcher
from edgetrain.client.runs import StartedRun, read_run
from tests.unit.fakes.federation import PlayedRun, memory_federation


@pytest.fixture
def run():
    federation = memory_federation()
    return PlayedRun.begin(federation, federation.executions.start("run", "{}"), {"task": "digits", "rounds": 3})


def look_at(run):
    return RunWatcher(run.federation, StartedRun(run.run_id, run.arn), clock=lambda: 1004.2).look()


def terminal(height=25):
    return Console(file=io.StringIO(), force_terminal=True, color_system=None, width=90, height=height)


def text_of(renderable):
    console = Console(file=io.StringIO(), width=90)
    console.print(renderable)
    return console.file.getvalue()


def test_the_table_has_finished_rounds_and_the_one_that_is_played(run):
    run.evaluated(1, 0.75, refused=1)
    run.cohort(2)
    run.receipt(2, "client-000")
    run.refuse(2, "client-001")
    look = look_at(run)
    rows = text_of(following.rounds_table(look.done, look.live)).splitlines()
    assert rows[1].split() == ["round", "trained", "refused", "examples", "loss", "accuracy", "seconds"]
    assert rows[3].split() == ["1", "2/3", "1", "20", "0.2500", "75.0", "%", "1.5"]
    assert rows[4].split() == ["2", "1/3", "1", "10", "4"]


def test_a_terminal_sees_every_look(run):
    looks = [look_at(run)]
    run.cohort(1)
    looks.append(look_at(run))
    run.evaluated(1, 0.9)
    run.publish(0.9)
    looks.append(look_at(run))
    where = terminal()
    assert following.show_live(iter(looks), where) is looks[-1]
    shown = where.file.getvalue()
    assert "0/3" in shown
    assert "90.0 %" in shown
    assert "1/3" in shown


def test_a_low_terminal_shows_the_newest_rounds_and_all_of_them_at_the_end(run):
    for number in range(1, 4):
        run.evaluated(number, number / 10)
    going = look_at(run)
    bar, _ = following._bar(terminal())
    assert "10.0 %" not in text_of(following.picture(going, bar, lines=2))
    assert "30.0 %" in text_of(following.picture(going, bar, lines=2))
    assert "30.0 %" in text_of(following.picture(going, bar, lines=-5))
    run.publish(0.3)
    where = terminal(height=5)
    following.show_live(iter([look_at(run)]), where)
    assert "10.0 %" in where.file.getvalue()


def test_a_pipe_gets_each_round_once(run):
    run.evaluated(1, 0.5)
    first = look_at(run)
    run.evaluated(2, 0.6)
    second = look_at(run)
    where = Console(file=io.StringIO(), width=160)
    following.show_lines(iter([first, first, second]), where)
    assert [line.split(":")[0] for line in where.file.getvalue().splitlines()] == ["round 1/3", "round 2/3"]


def test_a_round_without_accuracy_or_loss_leaves_them_out(run):
    run.evaluated(1, 0.5)
    (each,) = look_at(run).done
    bare = each.model_copy(update={"accuracy": None, "loss": None})
    assert following.line_of(bare, None) == "round 1: 3 trained, 0 refused, 30 examples, 1.5 s"
    assert following.cells_of(bare)[4:6] == ("", "")


def test_closing_words_name_a_target_that_was_reached(run):
    run.evaluated(1, 0.9)
    run.publish(0.9)
    words = following.closing_words(read_run(run.federation, run.run_id))
    assert words.startswith("run run: 1 round of 3 (the target is reached), model digits version 1")


def test_before_anything_is_known():
    look = RunProgress("run", "RUNNING", None, (), None)
    bar, task = following._bar(terminal())
    bar.update(task, completed=0, total=look.rounds)
    assert "round" in text_of(following.picture(look, bar, lines=10))
    assert not look.ended
    live = LiveRound(round=1, clients=0, trained=0, refused=0, examples=0, seconds=0.0)
    assert "0/0" in text_of(following.rounds_table((), live))

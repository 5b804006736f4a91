"""Standard output is for results; errors are one sentence; nothing is coloured that no terminal shows."""

import io
import json
import signal
import sys

import pytest
from rich.console import Console

from edgetrain import errors
from edgetrain.cli import application, checkout, console, failures, interrupts
from edgetrain.cli.steps import Steps


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InvalidRunInput("rounds is 0"), 2),
        (errors.CloudNotRunning("no cloud"), 2),
        (errors.QuorumNotReached("2 of 8"), 1),
        (errors.Interrupted("interrupted"), 1),
        (ValueError("odd"), 1),
    ],
)
def test_exit_codes(error, code):
    assert failures.exit_code(error) == code


def test_settings_of_aws_that_are_missing_are_the_users_mistake():
    from botocore.exceptions import NoCredentialsError, ProfileNotFound

    assert failures.exit_code(NoCredentialsError()) == 2
    assert failures.exit_code(ProfileNotFound(profile="nobody")) == 2
    assert failures.sentence_of(NoCredentialsError()) == "Unable to locate credentials"


def test_a_package_that_is_not_installed_is_named_with_its_extra():
    explained = failures.explained(ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow"))
    assert isinstance(explained, errors.ExtraMissing)
    assert "pip install 'edgetrain[tasks]'" in str(explained)
    ours = ModuleNotFoundError("No module named 'edgetrain.nowhere'", name="edgetrain.nowhere")
    assert failures.explained(ours) is ours


def test_an_unexpected_error_is_named_and_a_hint_given(capsys):
    assert application.report(RuntimeError("broken\n  pipe"), verbose=False, as_json=True) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["error"] == {"code": "RuntimeError", "message": "RuntimeError: broken pipe"}
    assert printed.err == "edgetrain: RuntimeError: broken pipe (--verbose shows where)\n"


def test_a_traceback_only_with_verbose(edgetrain_):
    assert "Traceback" not in edgetrain_("tasks", "show", "x").stderr
    assert "Traceback" in edgetrain_("--verbose", "tasks", "show", "x").stderr
    assert "Traceback" in edgetrain_("tasks", "show", "x", "--verbose").stderr
    assert edgetrain_("tasks", "show", "--", "--verbose").stderr.count("no task '--verbose'") == 1


def test_ctrl_c_that_no_command_has_a_word_for(edgetrain_, process, monkeypatch):
    def interrupted(_folder):
        raise KeyboardInterrupt

    monkeypatch.setattr(process, "status", interrupted)
    outcome = edgetrain_("status", "--json")
    assert (outcome.code, outcome.sentence) == (1, "interrupted")
    assert outcome.document["error"]["code"] == "Interrupted"


def test_a_table_in_a_pipe_is_plain_and_not_cut(capsys):
    console.table(("name", "value"), [("long", "x" * 120), ("none", None)], right=("value",))
    lines = capsys.readouterr().out.splitlines()
    assert "x" * 120 in lines[1]
    assert all(character.isascii() for line in lines for character in line)


def test_counting_is_one_line_without_a_terminal(capsys):
    with console.counting("Storing") as stored:
        stored(1, 2)
    assert capsys.readouterr().err == "Storing ...\n"


def test_counting_is_a_bar_on_a_terminal(monkeypatch):
    where = Console(file=io.StringIO(), force_terminal=True, width=80)
    monkeypatch.setattr(console, "stderr", lambda: where)
    with console.counting("Storing") as stored:
        stored(1, 2)
    assert "Storing" in where.file.getvalue()


def test_steps_are_numbered_and_timed(capsys):
    seconds = iter([0.0, 2.5, 2.5, 3.0])
    steps = Steps(2, clock=lambda: next(seconds))
    with steps.step("Begin") as say:
        say("detail")
    with steps.step("End", draws=True):
        pass
    assert capsys.readouterr().err.splitlines() == [
        "[1/2] Begin",
        "      detail",
        "      2.5 s",
        "[2/2] End",
        "      0.5 s",
    ]


def test_kill_is_what_ctrl_c_is_and_is_forgotten_afterwards():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), interrupts.signals_interrupt():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


def test_nothing_interrupts_the_cleaning_up():
    with interrupts.uninterrupted():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN


def test_the_checkout_is_found_from_a_folder_below_it(tmp_path, monkeypatch):
    (tmp_path / "stacks").mkdir()
    (tmp_path / "cdk.json").touch()
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert checkout.project_dir() == tmp_path
    checkout.make_importable()
    assert str(tmp_path) in sys.path


def test_without_a_checkout_it_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkout, "is_checkout", lambda _folder: False)
    assert checkout.project_dir() == tmp_path
    with pytest.raises(errors.UsageError, match="needs a checkout"):
        checkout.make_importable()

"""The table of contents, and what importing it costs."""

import subprocess
import sys

import pytest

from edgetrain.cli.app import CONTENTS

HEAVY = ("boto3", "botocore", "numpy", "pydantic", "tensorflow", "keras", "moto", "aws_cdk", "matplotlib", "sklearn")


def test_help_lists_every_command_below_its_heading_in_order(edgetrain_):
    shown = edgetrain_("--help")
    assert shown.code == 0
    expected = [mark for panel, names in CONTENTS.items() for mark in (f"─ {panel} ─", *(f"│ {n} " for n in names))]
    positions = [shown.stdout.index(mark) for mark in expected]
    assert positions == sorted(positions)
    assert "\x1b" not in shown.stdout


@pytest.mark.parametrize("words", [(), ("runs",), ("models",), ("tasks",), ("data",)])
def test_without_a_command_the_help_is_shown(edgetrain_, words):
    shown = edgetrain_(*words)
    assert (shown.code, shown.stderr) == (0, "")
    assert "Usage: edgetrain" in shown.stdout


def test_every_command_is_in_a_file_of_its_name():
    for commands in CONTENTS.values():
        for name, command in commands.items():
            module = getattr(command, "__module__", None)
            if callable(command) and hasattr(command, "__name__"):
                assert module == f"edgetrain.cli.commands.{name.replace('-', '_')}"


def test_the_version(edgetrain_):
    from edgetrain import __version__

    assert edgetrain_("--version").stdout == f"edgetrain {__version__}\n"


def test_importing_the_commands_imports_nothing_heavy():
    code = f"import sys, edgetrain.cli.app; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("fedrate",), "federate"),
        (("federate", "--round", "3"), "--rounds"),
        (("federate", "--rounds", "many"), "--rounds"),
        (("runs", "show"), "RUN"),
        (("up", "--port", "70000"), "65535"),
    ],
)
def test_a_slip_of_the_keyboard_is_the_users_mistake(edgetrain_, words, told):
    outcome = edgetrain_(*words)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert told in outcome.sentence


def test_a_slip_with_json_is_one_document(edgetrain_):
    outcome = edgetrain_("runs", "show", "--json")
    assert outcome.code == 2
    assert outcome.document["error"] == {"code": "UsageError", "message": outcome.sentence}

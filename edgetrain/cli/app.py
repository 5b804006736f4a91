"""`edgetrain`: all commands, in the order of the table of contents."""

from typing import Annotated, Any

import typer

from edgetrain import __version__
from edgetrain.cli import console
from edgetrain.cli.application import Application
from edgetrain.cli.commands import (
    data,
    demo,
    demo_see,
    detect,
    down,
    env,
    federate,
    hold_out,
    logs,
    models,
    outputs,
    runs,
    status,
    tasks,
    token,
    train,
    up,
    users,
    verify,
    web,
)
from edgetrain.cli.groups import CONTEXT, print_help_without_command

#: Panel -> its commands. `edgetrain NAME` is edgetrain/cli/commands/NAME.py.
CONTENTS: dict[str, dict[str, Any]] = {
    "Start here": {"demo": demo.demo, "demo-see": demo_see.demo_see},
    "The embedded cloud": {
        "up": up.up,
        "status": status.status,
        "env": env.env,
        "outputs": outputs.outputs,
        "logs": logs.logs,
        "down": down.down,
    },
    "Tasks and their data": {"tasks": tasks.group, "data": data.group},
    "Training": {"federate": federate.federate, "runs": runs.group, "verify": verify.verify, "train": train.train},
    "Published models": {"models": models.group},
    "Pictures": {"detect": detect.detect},
    "Who may use the API": {"users": users.group, "token": token.token},
    "The web app": {"web": web.group},
}

data.group.command("hold-out")(hold_out.hold_out)

app = typer.Typer(
    cls=Application,
    context_settings=CONTEXT,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def version(wanted: bool) -> None:
    """`--version`."""
    if wanted:
        console.result(f"edgetrain {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Print the version and leave.")
    ] = False,
    _verbose: Annotated[
        bool, typer.Option("--verbose", help="Show a traceback when something fails. May stand anywhere.")
    ] = False,
) -> None:
    """Train one model for things at the edge: federated by Step Functions and Lambda, here or on AWS.

    Every command talks to the embedded cloud (`edgetrain up`) unless it is told otherwise.
    """
    print_help_without_command(context)


for _panel, _commands in CONTENTS.items():
    for _name, _command in _commands.items():
        if isinstance(_command, typer.Typer):
            app.add_typer(_command, name=_name, rich_help_panel=_panel)
        else:
            app.command(_name, rich_help_panel=_panel, context_settings=CONTEXT)(_command)
Application.order = tuple(name for commands in CONTENTS.values() for name in commands)

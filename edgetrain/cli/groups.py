"""Groups of commands: without a command a group prints its table of contents."""

import typer

CONTEXT = {"help_option_names": ["-h", "--help"]}


def new_group(about: str) -> typer.Typer:
    """A group of commands with this help."""
    group = typer.Typer(help=about, context_settings=CONTEXT, add_completion=False)
    group.callback(invoke_without_command=True)(print_help_without_command)
    return group


def print_help_without_command(context: typer.Context) -> None:
    """The callback of a group."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())

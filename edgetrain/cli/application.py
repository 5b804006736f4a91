"""The outermost group: every error leaves here as one sentence and an exit code."""

import sys
import traceback
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from edgetrain.cli import console, failures

VERBOSE = "--verbose"
JSON = "--json"
INTERRUPTED = "interrupted"


class Application(TyperGroup):
    """Commands that end with exit code 0 (done), 2 (the user's mistake) or 1 (anything else)."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        *unused: Any,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line. `--verbose` may stand anywhere in it."""
        words = list(sys.argv[1:] if args is None else args)
        own = words[: words.index("--")] if "--" in words else words
        verbose, as_json = VERBOSE in own, JSON in own
        words = [word for word in own if word != VERBOSE] + words[len(own) :]
        try:
            returned = super().main(words, prog_name, *unused, standalone_mode=False, **extra)
        except Exception as error:
            code = report(error, verbose=verbose, as_json=as_json)
        else:
            code = returned if isinstance(returned, int) else failures.DONE
        if not standalone_mode:
            return code
        sys.exit(code)

    def invoke(self, ctx: typer.Context) -> Any:
        """Ctrl-C that no command has a word for."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            console.error(INTERRUPTED)
            raise typer.Exit(failures.FAILED) from None


def report(error: Exception, *, verbose: bool, as_json: bool) -> int:
    """Say what went wrong; the exit code."""
    if verbose:
        traceback.print_exception(error)
    error = failures.explained(error)
    sentence = failures.sentence_of(error)
    if as_json:
        console.emit({"error": {"code": failures.code_of(error), "message": sentence}})
    console.error(sentence if verbose or failures.expected(error) else f"{sentence} (--verbose shows where)")
    return failures.exit_code(error)


"""The outermost group: every error leaves here as one sentence and an exit code."""

import sys
import traceback
from collections.abc import Sequence
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup

from edgetrain.cli import console, failures
from edgetrain.errors import Interrupted

VERBOSE = "--verbose"
JSON = "--json"


class Application(TyperGroup):
    """Commands that end with exit code 0 (done), 2 (the user's mistake) or 1 (anything else)."""

    #: The commands in the order of the table of contents.
    order: ClassVar[tuple[str, ...]] = ()

    def list_commands(self, ctx: Any) -> list[str]:
        """See `order`."""
        names = super().list_commands(ctx)
        return sorted(names, key=lambda name: self.order.index(name) if name in self.order else len(self.order))

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line. `--verbose` may stand anywhere in it."""
        words = list(sys.argv[1:] if args is None else args)
        own = words[: words.index("--")] if "--" in words else words
        verbose, as_json = VERBOSE in own, JSON in own
        words = [word for word in own if word != VERBOSE] + words[len(own) :]
        try:
            returned = super().main(words, prog_name, complete_var, False, windows_expand_args, **extra)
        except Exception as error:
            code = report(error, verbose=verbose, as_json=as_json)
        else:
            code = returned if isinstance(returned, int) else failures.DONE
        if not standalone_mode:
            return code
        sys.exit(code)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; Ctrl-C is an error like any other."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise Interrupted("interrupted") from error


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


def give_up(error: Exception) -> typer.Exit:
    """To be raised by a command that has printed its JSON document already: the sentence, and the exit code of `error`."""
    console.error(failures.sentence_of(error))
    return typer.Exit(failures.exit_code(error))

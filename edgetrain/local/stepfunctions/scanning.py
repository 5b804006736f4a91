"""A cursor over a text, for the two small languages that definitions hold: paths and intrinsic functions."""

import re
from typing import Final

_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")


class SyntaxProblem(Exception):
    """A path or an intrinsic function cannot be read; the sentence says what was met."""


class Scanner:
    """Reads `text` from `position` on."""

    def __init__(self, text: str, position: int = 0) -> None:
        self.text, self.position = text, position

    @property
    def at_end(self) -> bool:
        return self.position >= len(self.text)

    def peek(self, token: str) -> bool:
        """Whether `token` comes next."""
        return self.text.startswith(token, self.position)

    def take(self, token: str) -> bool:
        """Step over `token` if it comes next."""
        if self.peek(token):
            self.position += len(token)
            return True
        return False

    def expect(self, token: str) -> None:
        """Step over `token`, which must come next."""
        if not self.take(token):
            raise self.problem(f"expected '{token}'")

    def spaces(self) -> None:
        """Step over white space."""
        while not self.at_end and self.text[self.position].isspace():
            self.position += 1

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Step over what `pattern` matches here."""
        found = pattern.match(self.text, self.position)
        if found:
            self.position = found.end()
        return found

    def number(self) -> int | float | None:
        """Step over a JSON number."""
        found = self.match(_NUMBER)
        if not found:
            return None
        return float(found[0]) if found[1] or found[2] else int(found[0])

    def problem(self, what: str) -> SyntaxProblem:
        """What to raise when something else was wanted here."""
        rest = self.text[self.position : self.position + 20]
        met = f"'{rest}'" if rest else "the end"
        return SyntaxProblem(f"{what} at character {self.position + 1} of '{self.text}', met {met}")

"""Task tokens: who waits for an answer from outside, and what is answered."""

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from edgetrain.local.stepfunctions.failures import ApiError
from edgetrain.local.stepfunctions.history import History
from edgetrain.local.stepfunctions.identities import new_id
from edgetrain.local.stepfunctions.journal import Journal
from edgetrain.local.stepfunctions.places import Place

#: Where a place's notes have the token of the task that waits there, and the answer.
TOKEN: Final = "token"  # noqa: S105 - a name
ANSWER: Final = "answer"


@dataclass
class Waiting:
    """A task that waits. `beat` is when it was last heard of (epoch seconds)."""

    place: Place
    history: History
    beat: float
    answered: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def open(self) -> bool:
        """Whether an answer would still count."""
        return not self.answered.done() and not self.history.closed

    @property
    def answer(self) -> dict[str, Any] | None:
        """`{"output": text}`, or `{"error": ..., "cause": ...}`, either of which may be None."""
        answer: dict[str, Any] | None = self.place.notes.get(ANSWER)
        return answer


class Tokens:
    """The tasks that wait, by their tokens. In the loop's thread."""

    def __init__(self, journal: Journal, clock: Callable[[], float]) -> None:
        self._journal, self._clock = journal, clock
        self._waiting: dict[str, Waiting] = {}

    def new(self, execution: int) -> str:
        """A token for a task of an execution (its key)."""
        return base64.b64encode(json.dumps([execution, new_id()]).encode()).decode()

    def wait(self, place: Place, history: History) -> Waiting:
        """Wait at `place`, whose notes have the token: the one that waits there already, or a new one."""
        token = place.notes[TOKEN]
        waiting = self._waiting.get(token)
        if waiting is None:
            waiting = self._waiting[token] = Waiting(place, history, self._clock())
            if waiting.answer is not None:
                waiting.answered.set_result(None)
        return waiting

    def close(self, token: str) -> None:
        """Nobody waits for this token any more."""
        self._waiting.pop(token, None)

    def succeed(self, token: str, output: str) -> None:
        """The task has this output (JSON text, checked). Raises as `beat`."""
        self._answer(token, {"output": output})

    def fail(self, token: str, error: str | None, cause: str | None) -> None:
        """The task has failed. Raises as `beat`."""
        self._answer(token, {"error": error, "cause": cause})

    def beat(self, token: str) -> None:
        """The task is still at work.

        Raises:
            ApiError: InvalidToken, it is none; TaskDoesNotExist, of nothing that is known; TaskTimedOut, nobody waits
                for it any more.
        """
        self._found(token).beat = self._clock()

    def _answer(self, token: str, answer: dict[str, Any]) -> None:
        waiting = self._found(token)
        waiting.place.notes = {**waiting.place.notes, ANSWER: answer}
        waiting.history.keep(waiting.place)
        self._journal.flush()  # what is acknowledged is safe
        waiting.answered.set_result(None)

    def _found(self, token: str) -> Waiting:
        waiting = self._waiting.get(token)
        if waiting is not None and waiting.open:
            return waiting
        if not self._journal.select("select 1 from executions where key = ?", _execution(token)):
            raise ApiError("TaskDoesNotExist", f"Task does not exist: '{token}'")
        raise ApiError("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")


def _execution(token: str) -> int:
    try:
        content = json.loads(base64.b64decode(token, validate=True))
    except ValueError:
        content = None
    if not isinstance(content, list) or len(content) != 2 or type(content[0]) is not int or content[0] > 2**62:
        raise ApiError("InvalidToken", "Invalid Token: 'Invalid token'")
    return content[0]

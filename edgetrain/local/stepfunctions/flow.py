"""Playing a flow: one state after the other, until one ends it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from edgetrain import limits
from edgetrain.local.stepfunctions import definition
from edgetrain.local.stepfunctions.definition import Flow, State
from edgetrain.local.stepfunctions.documents import Document, to_text
from edgetrain.local.stepfunctions.failures import (
    NO_CHOICE_MATCHED,
    RUNTIME,
    EvaluationFailed,
    PathNotFound,
    StateFailed,
)
from edgetrain.local.stepfunctions.history import Lane, output_details
from edgetrain.local.stepfunctions.intrinsics import Expression
from edgetrain.local.stepfunctions.paths import Path
from edgetrain.local.stepfunctions.run import Run
from edgetrain.local.stepfunctions.steps import Step
from edgetrain.local.stepfunctions.templates import not_found
from edgetrain.local.stepfunctions.timestamps import parse_timestamp, show_timestamp

#: A state's output and the state that follows, or None.
Outcome = tuple[Document, str | None]
#: Plays a state. Raises StateFailed when it fails and no catcher takes it.
Player = Callable[[Step[Any]], Awaitable[Outcome]]
_PLAYERS: Final[dict[type[State], Player]] = {}
Played = TypeVar("Played", bound=Player)


def plays(kind: type[State]) -> Callable[[Played], Played]:
    """Register a player for a kind of state."""

    def register(player: Played) -> Played:
        _PLAYERS[kind] = player
        return player

    return register


async def run_flow(run: Run, flow: Flow, lane: Lane, data: Document, context: dict[str, Any]) -> Document:
    """Play a flow from its first state, or from where its lane stands, with its own data then; the last state's output.

    Raises:
        StateFailed: a state failed.
        HistoryFull: there is no room for another event.
    """
    stands = lane.stands
    if stands.state is None:
        return stands.data
    following: str | None = stands.state or flow.start_at
    goes_on = stands.state != ""
    while following is not None:
        state = flow.states[following]
        if goes_on:
            data, entered = stands.data, lane.resume(state.kind)
        else:
            entered = lane.enter(state.kind, state.name, data)
        goes_on = False
        inside = {"EnteredTime": show_timestamp(lane.notes["entered_at"]), "Name": state.name}
        step: Step[State] = Step(
            run=run, state=state, lane=lane, raw=data, context={**context, "State": inside}, entered=entered
        )
        with step.explained():
            data, following = await _PLAYERS[type(state)](step)
        if not isinstance(state, definition.Fail):
            lane.leave({"name": state.name, **output_details(data)})
    lane.finish(data)
    return data


@plays(definition.Pass)
async def _pass(step: Step[definition.Pass]) -> Outcome:
    state = step.state
    await asyncio.sleep(0)
    if state.result is not None:
        return step.output(state.result[0]), state.next
    data = step.effective_input()
    return step.output(data if state.parameters is None else state.parameters.fill(data, step.context)), state.next


@plays(definition.Succeed)
async def _succeed(step: Step[definition.Succeed]) -> Outcome:
    return step.output(step.effective_input()), None


@plays(definition.Fail)
async def _fail(step: Step[definition.Fail]) -> Outcome:
    state = step.state
    raise StateFailed(_words(step, "ErrorPath", state.error), _words(step, "CausePath", state.cause))


def _words(step: Step[State], field: str, value: str | Expression | None) -> str | None:
    if value is None or isinstance(value, str):
        return value
    try:
        found = value.find(step.raw.value, step.context)
    except PathNotFound:
        path = value.text if isinstance(value, Path) else field
        raise EvaluationFailed(RUNTIME, not_found(path, field, step.raw.value)) from None
    if not isinstance(found, str):
        raise EvaluationFailed(RUNTIME, f"The {field} field must refer to a string, but it is {to_text(found)}.")
    return found


@plays(definition.Choice)
async def _choice(step: Step[definition.Choice]) -> Outcome:
    state = step.state
    await asyncio.sleep(0)
    data = step.effective_input()
    following = next((target for holds, target in state.rules if holds(data, step.context)), state.default)
    if following is None:
        raise EvaluationFailed(NO_CHOICE_MATCHED, "No choice rule matched, and the state has no Default.")
    return step.output(data), following


@plays(definition.Wait)
async def _wait(step: Step[definition.Wait]) -> Outcome:
    state = step.state
    data = step.effective_input()
    around, until = step.run.around, step.lane.notes.get("until")
    seconds = _seconds(step, data) if until is None else until - around.clock()
    if seconds > limits.STATE_SECONDS:
        raise EvaluationFailed(RUNTIME, "Wait state delay is too long.")
    if seconds > 0:
        if until is None:
            step.lane.note(until=around.clock() + seconds)
        await around.wait(None, seconds)
    return step.output(data), state.next


def _seconds(step: Step[definition.Wait], data: Any) -> float:
    state = step.state
    if isinstance(state.seconds, Path):
        found, path = step.found(state.seconds, data), state.seconds.text
        if type(found) is not int:
            raise EvaluationFailed(
                RUNTIME, f"The SecondsPath parameter cannot be parsed as a long value: {path} == {to_text(found)}"
            )
        if found < 0:
            raise EvaluationFailed(RUNTIME, f"The SecondsPath parameter references a negative value: {path} == {found}")
        return found
    if state.seconds is not None:
        return state.seconds
    timestamp = state.timestamp
    if isinstance(timestamp, Path):
        found = step.found(timestamp, data)
        parsed = parse_timestamp(found)
        if parsed is None:
            raise EvaluationFailed(
                RUNTIME,
                "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format "
                f"string: {timestamp.text} == {found if isinstance(found, str) else to_text(found)}",
            )
        timestamp = parsed
    return (timestamp or 0.0) - step.run.around.clock()

"""Parallel, and the inline Map: flows side by side within one history."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from edgetrain.limits import INLINE_MAP_CONCURRENCY
from edgetrain.local.stepfunctions import definition
from edgetrain.local.stepfunctions.definition import State
from edgetrain.local.stepfunctions.documents import Document, to_text
from edgetrain.local.stepfunctions.failures import RUNTIME, EvaluationFailed, StateFailed
from edgetrain.local.stepfunctions.flow import Outcome, plays, run_flow
from edgetrain.local.stepfunctions.paths import Path
from edgetrain.local.stepfunctions.steps import Step
from edgetrain.local.stepfunctions.tries import with_tries


async def side_by_side(count: int, most: int, play: Callable[[int], Awaitable[Any]]) -> list[Any]:
    """`play(0)` .. `play(count - 1)`, at most `most` at a time; their results in order.

    When one raises, the others are cancelled and what it raised is raised here.
    """
    results: list[Any] = [None] * count
    ahead: Iterator[int] = iter(range(count))

    async def work() -> None:
        for index in ahead:
            results[index] = await play(index)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(most, count)):
                group.create_task(work())
    except BaseExceptionGroup as raised:
        raise raised.exceptions[0] from None
    return results


@plays(definition.Parallel)
async def _parallel(step: Step[definition.Parallel]) -> Outcome:
    return await with_tries(step, lambda: _branches(step), failed_event="ParallelStateFailed")


async def _branches(step: Step[definition.Parallel]) -> Document:
    state = step.state
    given = _given(step)
    lanes = [step.lane.branch(str(index)) for index in range(len(state.branches))]

    async def play(index: int) -> Any:
        lane = lanes[index]
        try:
            output = await run_flow(step.run, state.branches[index], lane, given, _without_state(step.context))
        except StateFailed:
            lane.abort(frozenset({"Task"}))
            step.lane.last = lane.last
            raise
        except asyncio.CancelledError:
            lane.abort()
            raise
        return output.value

    results = await side_by_side(len(lanes), len(lanes), play)
    step.lane.last = max(lane.last for lane in lanes)
    output = step.output(results)
    step.lane.beside("ParallelStateSucceeded")
    return output


def _given(step: Step[definition.Parallel]) -> Document:
    """What the branches are started with: the same for those that start after an interruption."""
    notes, data, parameters = step.lane.notes, step.effective_input(), step.state.parameters
    if notes.get("started"):
        return Document(data if parameters is None else notes["given"])
    given = step.checked(Document(data if parameters is None else parameters.fill(data, step.context)))
    step.lane.add("ParallelStateStarted")
    step.lane.note(started=True)
    if parameters is not None:
        step.lane.note(given=given.value)
    return given


@plays(definition.Map)
async def _map(step: Step[definition.Map]) -> Outcome:
    return await with_tries(step, lambda: _iterations(step), failed_event="MapStateFailed")


async def _iterations(step: Step[definition.Map]) -> Document:
    state = step.state
    data = step.effective_input()
    items = given_items(step, data)
    most = concurrency(step, data) or INLINE_MAP_CONCURRENCY
    if not step.lane.notes.get("started"):
        step.lane.add("MapStateStarted", {"length": len(items)})
        step.lane.note(started=True)
    lanes = [step.lane.branch(str(index)) for index in range(len(items))]

    async def play(index: int) -> Any:
        lane = lanes[index]
        told = {"name": state.name, "index": index}
        context = item_context(step, index, items[index])
        if lane.stands.state is None:
            return lane.stands.data.value
        given = lane.stands.data
        if not lane.stands.state:
            given = step.checked(Document(selected(state, data, items[index], context)))
            lane.add("MapIterationStarted", told)
        try:
            output = await run_flow(step.run, state.processor, lane, given, _without_state(context))
        except StateFailed:
            lane.beside("MapIterationFailed", told)
            step.lane.last = lane.last
            raise
        except asyncio.CancelledError:
            lane.abort()
            lane.beside("MapIterationAborted", told)
            raise
        lane.add("MapIterationSucceeded", told)
        return output.value

    results = await side_by_side(len(items), min(most, INLINE_MAP_CONCURRENCY), play)
    step.lane.last = max([step.lane.last, *(lane.last for lane in lanes)])
    output = step.output(results)
    step.lane.beside("MapStateSucceeded")
    return output


def _without_state(context: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in context.items() if name != "State"}


# --- what both kinds of map share


def given_items(step: Step[definition.Map], data: Any) -> list[Any]:
    """The array that ItemsPath points to.

    Raises:
        EvaluationFailed: it is none.
    """
    state = step.state
    items = step.found(state.items_path, data)
    if not isinstance(items, list):
        raise EvaluationFailed(RUNTIME, f'Reference path "{state.items_path.text}" must point to array.')
    return items


def concurrency(step: Step[definition.Map], data: Any) -> int:
    """How many items at a time; 0 is as many as there may be.

    Raises:
        EvaluationFailed: the path points to no whole number.
    """
    state = step.state
    most = step.whole("MaxConcurrencyPath", state.max_concurrency, data) or 0
    if most < 0:
        path = state.max_concurrency.text if isinstance(state.max_concurrency, Path) else most
        raise EvaluationFailed(
            RUNTIME, f"The MaxConcurrencyPath field refers to a negative value: {path} == {to_text(most)}"
        )
    return most


def item_context(step: Step[State], index: int, item: Any) -> dict[str, Any]:
    """The context object with an item in it."""
    return {**step.context, "Map": {"Item": {"Index": index, "Value": item}}}


def selected(state: definition.Map, data: Any, item: Any, context: dict[str, Any]) -> Any:
    """What an item is started with: itself, or what ItemSelector makes of it."""
    return item if state.item_selector is None else state.item_selector.fill(data, context)

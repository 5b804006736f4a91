"""Trying again, and catching: what Retry and Catch make of a state that failed."""

from collections.abc import Awaitable, Callable

from edgetrain.local.stepfunctions.definition import Retrier, Working
from edgetrain.local.stepfunctions.documents import Document
from edgetrain.local.stepfunctions.failures import (
    ALL,
    DATA_LIMIT_EXCEEDED,
    HEARTBEAT_TIMEOUT,
    RUNTIME,
    TASK_FAILED,
    TIMEOUT,
    StateFailed,
)
from edgetrain.local.stepfunctions.steps import Step


def matches(names: tuple[str, ...], error: str | None) -> bool:
    """Whether a retrier's or catcher's names take an error.

    `States.Runtime` is taken by nothing. The wildcards leave out `States.DataLimitExceeded`, which ends an execution,
    and `States.TaskFailed` also `States.Timeout`, by which a heartbeat that did not come is meant too.
    """
    if error == RUNTIME:
        return False
    if error in names:
        return True
    if error == HEARTBEAT_TIMEOUT and TIMEOUT in names:
        return True
    if error == DATA_LIMIT_EXCEEDED:
        return False
    return ALL in names or (TASK_FAILED in names and error != TIMEOUT)


async def with_tries(
    step: Step[Working], attempt: Callable[[], Awaitable[Document]], *, failed_event: str | None = None
) -> tuple[Document, str | None]:
    """The output of an attempt and the state that follows: `Next`, or a catcher's when every try failed.

    `failed_event` is told when no try is left.

    Raises:
        StateFailed: every try failed, and no catcher takes the error.
    """
    state, lane, around = step.state, step.lane, step.run.around
    used = list(lane.notes.get("used", [0] * len(state.retriers)))
    left = lane.notes.get("retry_at", 0) - around.clock()
    if left > 0:
        await around.wait(None, left)
    while True:
        step.context = with_retry_count(step, sum(used))
        try:
            with step.explained():
                return await attempt(), state.next
        except StateFailed as failure:
            delay = _delay(step, state.retriers, used, failure.error)
            if delay is None:
                if failed_event is not None and failure.error != RUNTIME:
                    step.lane.add(failed_event)
                return _caught(step, failure)
        lane.again(used=list(used), retry_at=around.clock() + delay)
        await around.wait(None, delay)


def with_retry_count(step: Step[Working], count: int) -> dict[str, object]:
    """The context object with how often the state was tried again."""
    return {**step.context, "State": {**step.context["State"], "RetryCount": count}}


def _delay(step: Step[Working], retriers: tuple[Retrier, ...], used: list[int], error: str | None) -> float | None:
    """Seconds until the next try, or None. The first retrier that names the error counts, and keeps its own count."""
    for index, retrier in enumerate(retriers):
        if matches(retrier.errors, error):
            if used[index] >= retrier.attempts:
                return None
            longest = float("inf") if retrier.longest is None else retrier.longest
            delay = _grown(retrier, used[index], longest)
            used[index] += 1
            return step.run.around.random.uniform(0, delay) if retrier.jitter else delay
    return None


def _grown(retrier: Retrier, times: int, longest: float) -> float:
    try:
        return min(retrier.interval * retrier.rate**times, longest)
    except OverflowError:
        return longest


def _caught(step: Step[Working], failure: StateFailed) -> tuple[Document, str | None]:
    state = step.state
    for catcher in state.catchers:
        if matches(catcher.errors, failure.error):
            cause = "" if failure.cause is None and failure.error is not None else failure.cause
            output = {"Error": failure.error, "Cause": cause}
            if catcher.result_path is None:
                return step.raw, catcher.next
            return step.checked(Document(catcher.result_path.put(step.raw.value, output))), catcher.next
    raise failure

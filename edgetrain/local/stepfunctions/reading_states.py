"""Reading a definition: JSON text in, a checked `Machine` out."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from edgetrain import limits
from edgetrain.local.stepfunctions import definition
from edgetrain.local.stepfunctions.choices import compile_rule
from edgetrain.local.stepfunctions.definition import Flow, Machine, State
from edgetrain.local.stepfunctions.documents import from_text
from edgetrain.local.stepfunctions.failures import InvalidDefinition
from edgetrain.local.stepfunctions.reading import WHOLE, Fields, Problems
from edgetrain.local.stepfunctions.reading_graph import check_graph
from edgetrain.local.stepfunctions.reading_maps import read_map
from edgetrain.local.stepfunctions.reading_tasks import read_task
from edgetrain.local.stepfunctions.reading_tries import read_catchers, read_retriers
from edgetrain.local.stepfunctions.timestamps import parse_timestamp


@lru_cache(maxsize=256)
def read_definition(text: str) -> Machine:
    """Check a definition and compile it; the same text is read once.

    Raises:
        InvalidDefinition: it is wrong, or asks for what is not implemented. The text names the state.
    """
    problems = Problems()
    if len(text.encode()) > limits.STATE_MACHINE_DEFINITION_BYTES:
        raise InvalidDefinition(
            f"Invalid State Machine Definition: 'MAXIMUM_SIZE: longer than {limits.STATE_MACHINE_DEFINITION_BYTES} bytes at /'"
        )
    try:
        value = from_text(text)
    except ValueError as error:
        raise InvalidDefinition(f"Invalid State Machine Definition: 'INVALID_JSON_DESCRIPTION: {error} at /'") from None
    machine = _machine(Fields(value, "", problems))
    problems.raise_any()
    return machine


def _machine(fields: Fields) -> Machine:
    if fields.raw("Version", "1.0") != "1.0":
        fields.wrong("Version", 'Expected "1.0"')
    timeout = fields.whole("TimeoutSeconds", least=1)
    return Machine(flow=read_flow(fields, set()), timeout=timeout)


def read_flow(fields: Fields, taken: set[str]) -> Flow:
    """The states of a machine, a branch or a processor. `taken` are the names that the machine has already."""
    _check_language(fields)
    fields.required("States", "StartAt")
    start_at = fields.text("StartAt") or ""
    inner = fields.inner("States", commented=False)
    states = {name: _state(name, inner, taken) for name in inner.names()}
    fields.done()
    flow = Flow(start_at=start_at, states={name: state for name, state in states.items() if state is not None})
    if states and len(flow.states) == len(states):
        check_graph(flow, fields)
    elif "States" in fields and not states:
        fields.wrong("States", "Expected at least one state")
    return flow


def _check_language(fields: Fields) -> None:
    if fields.raw("QueryLanguage", "JSONPath") != "JSONPath":
        fields.wrong("QueryLanguage", "Only the query language JSONPath is supported", "NOT_SUPPORTED")


def _state(name: str, states: Fields, taken: set[str]) -> State | None:
    place = f"{states.place}/{name}"
    if len(name) > limits.STATE_NAME_CHARACTERS:
        states.problems.add(
            "SCHEMA_VALIDATION_FAILED", f"A state's name has at most {limits.STATE_NAME_CHARACTERS} characters", place
        )
    if name in taken:
        states.problems.add("DUPLICATE_STATE_NAME", f"Duplicate state name: {name}", place)
    taken.add(name)
    fields = Fields(states.raw(name), place, states.problems)
    kind = fields.raw("Type")
    read = _READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        fields.wrong("Type", f"Expected one of [{', '.join(_READERS)}]")
        return None
    _check_language(fields)
    state = read(name, fields, taken)
    fields.done()
    return state


def _common(name: str, fields: Fields, *, ends: bool = False) -> dict[str, Any]:
    """What all states have. `ends`: the kind of state has no `Next`."""
    following = None
    if not ends:
        following = fields.text("Next")
        end = fields.raw("End", False)
        if not isinstance(end, bool):
            fields.wrong("End", "Expected true or false")
        elif (following is not None) == end:
            fields.wrong("", "Expected either 'Next' or 'End': true")
    return {
        "name": name,
        "kind": fields.raw("Type"),
        "next": following,
        "input_path": fields.path("InputPath"),
        "output_path": fields.path("OutputPath"),
    }


def working(name: str, fields: Fields, *, selects: bool = True, fails: bool = True) -> dict[str, Any]:
    """What a state with a result has: `selects` a ResultSelector, `fails` Retry and Catch."""
    return {
        **_common(name, fields),
        "result_path": fields.reference_path("ResultPath"),
        "selector": fields.template("ResultSelector") if selects else None,
        "retriers": read_retriers(fields) if fails else (),
        "catchers": read_catchers(fields) if fails else (),
    }


def _pass(name: str, fields: Fields, taken: set[str]) -> State:  # noqa: ARG001 - a reader's signature
    result = (fields.raw("Result"),) if "Result" in fields else None
    return definition.Pass(
        **working(name, fields, selects=False, fails=False), parameters=fields.template("Parameters"), result=result
    )


def _succeed(name: str, fields: Fields, taken: set[str]) -> State:  # noqa: ARG001 - a reader's signature
    return definition.Succeed(**_common(name, fields, ends=True))


def _fail(name: str, fields: Fields, taken: set[str]) -> State:  # noqa: ARG001 - a reader's signature
    fields.at_most_one("Error", "ErrorPath")
    fields.at_most_one("Cause", "CausePath")
    return definition.Fail(
        name=name,
        kind=fields.raw("Type"),
        input_path=WHOLE,
        output_path=WHOLE,
        error=fields.text("Error") if "Error" in fields else fields.expression("ErrorPath"),
        cause=fields.text("Cause") if "Cause" in fields else fields.expression("CausePath"),
    )


def _wait(name: str, fields: Fields, taken: set[str]) -> State:  # noqa: ARG001 - a reader's signature
    ways = ("Seconds", "SecondsPath", "Timestamp", "TimestampPath")
    fields.at_most_one(*ways)
    if not any(way in fields for way in ways):
        fields.wrong("", f"One of these fields is required: [{', '.join(ways)}]")
    timestamp = None
    if "Timestamp" in fields:
        timestamp = parse_timestamp(fields.raw("Timestamp"))
        if timestamp is None:
            fields.wrong("Timestamp", "String does not match RFC3339 timestamp")
    seconds = fields.whole("Seconds")
    return definition.Wait(
        **_common(name, fields),
        seconds=seconds if seconds is not None else fields.given_path("SecondsPath"),
        timestamp=timestamp if timestamp is not None else fields.given_path("TimestampPath"),
    )


def _choice(name: str, fields: Fields, taken: set[str]) -> State:  # noqa: ARG001 - a reader's signature
    rules = []
    for each in fields.elements("Choices"):
        each.required("Next")
        following = each.text("Next") or ""
        rules.append((compile_rule(each), following))
        each.done()
    if not rules:
        fields.wrong("Choices", "Expected a non-empty array")
    return definition.Choice(**_common(name, fields, ends=True), rules=tuple(rules), default=fields.text("Default"))


def _task(name: str, fields: Fields, taken: set[str]) -> State:  # noqa: ARG001 - a reader's signature
    return read_task(fields, working(name, fields))


def _parallel(name: str, fields: Fields, taken: set[str]) -> State:
    branches = tuple(read_flow(each, taken) for each in fields.elements("Branches"))
    if not branches:
        fields.wrong("Branches", "Expected a non-empty array")
    return definition.Parallel(**working(name, fields), parameters=fields.template("Parameters"), branches=branches)


def _map(name: str, fields: Fields, taken: set[str]) -> State:
    return read_map(fields, working(name, fields), lambda processor: read_flow(processor, taken))


_READERS: Final[dict[str, Callable[[str, Fields, set[str]], State]]] = {
    "Task": _task,
    "Pass": _pass,
    "Choice": _choice,
    "Wait": _wait,
    "Succeed": _succeed,
    "Fail": _fail,
    "Parallel": _parallel,
    "Map": _map,
}

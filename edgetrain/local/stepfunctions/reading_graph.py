"""Whether a flow's states lead to one another, and to an end."""

from collections.abc import Iterator

from edgetrain.local.stepfunctions.definition import Choice, Fail, Flow, State, Succeed, Working
from edgetrain.local.stepfunctions.reading import Fields


def check_graph(flow: Flow, fields: Fields) -> None:
    """Note targets that are not there, states that nothing leads to, and a flow without an end."""
    problems, place = fields.problems, f"{fields.place}/States"
    if flow.start_at not in flow.states:
        if "StartAt" in fields:
            fields.wrong("StartAt", f"Missing 'StartAt' target: {flow.start_at}", "MISSING_TRANSITION_TARGET")
        return
    missing = False
    for state in flow.states.values():
        for field, target in _targets(state):
            if target not in flow.states:
                missing = True
                problems.add(
                    "MISSING_TRANSITION_TARGET", f"Missing '{field}' target: {target}", f"{place}/{state.name}/{field}"
                )
    if missing:
        return
    reached = _reached(flow)
    for name in sorted(flow.states.keys() - reached):
        problems.add("MISSING_TRANSITION_TARGET", f'State "{name}" is not reachable.', f"{place}/{name}")
    if not any(_ends(flow.states[name]) for name in reached):
        problems.add("MISSING_TERMINAL_STATE", "No state ends the flow", place)


def _targets(state: State) -> Iterator[tuple[str, str]]:
    if state.next is not None:
        yield "Next", state.next
    if isinstance(state, Choice):
        yield from (("Next", target) for _, target in state.rules)
        if state.default is not None:
            yield "Default", state.default
    if isinstance(state, Working):
        yield from (("Next", catcher.next) for catcher in state.catchers)


def _reached(flow: Flow) -> set[str]:
    reached: set[str] = set()
    ahead = [flow.start_at]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead.extend(target for _, target in _targets(flow.states[name]))
    return reached


def _ends(state: State) -> bool:
    return isinstance(state, Succeed | Fail) or (not isinstance(state, Choice) and state.next is None)

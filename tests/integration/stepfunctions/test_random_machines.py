"""Random small state machines, played by our interpreter and by moto's: the same end, output and error.

They are made of what both can do. Only one flow at a time can fail, so that the first failure is the same on both
sides; and errors of the interpreter's own are left out where moto's names for them, or its catching of them, are not AWS's.
"""

import json
from itertools import count
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.integration.stepfunctions.interpreter import Moto
from tests.unit.fakes.stepfunctions import Bench, Outcome

# No path to many values: where there are none, AWS has an empty array and moto an error.
PATHS = st.sampled_from(["$", "$.a", "$.b", "$.b.c", "$.items", "$.items[0]", "$.text", "$.nothing"])
RESULT_PATHS = st.sampled_from([None, "$", "$.r", "$.b.new", "$.b.c"])
COMPUTED = st.one_of(
    PATHS,
    st.sampled_from(
        [
            "States.Array($.a, 'x', 2)",
            "States.ArrayLength($.items)",
            "States.MathAdd($.a, 3)",
            "States.Format('<{}>', $.text)",
            "States.StringSplit($.text, ',')",
            "States.JsonToString($.b)",
            "States.ArrayContains($.items, $.a)",
            "$$.State.Name",
        ]
    ),
)
TEMPLATES = st.dictionaries(st.sampled_from(["a.$", "b.$", "text.$", "items.$"]), COMPUTED, min_size=1, max_size=3)
CONSTANTS = st.sampled_from([None, 1, "x", True, {"a": 5}, [1, {"n": 2}], {"a": 2, "items": [{"n": 9}], "text": "p,q"}])
RULES = st.sampled_from(
    [
        {"Variable": "$.a", "IsPresent": True},
        {"Variable": "$.a", "NumericGreaterThan": 1},
        {"Variable": "$.text", "StringEquals": "u,v"},
        {"Not": {"Variable": "$.b", "IsPresent": True}},
        {"And": [{"Variable": "$.a", "IsPresent": True}, {"Variable": "$.a", "IsNumeric": True}]},
    ]
)
DATA = st.fixed_dictionaries(
    {"a": st.integers(0, 3), "items": st.lists(st.fixed_dictionaries({"n": st.integers(0, 9)}), max_size=3)},
    optional={"b": st.sampled_from([{"c": 1}, {"c": [1, 2]}]), "text": st.sampled_from(["u,v", ""])},
)


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


PASSES = st.builds(
    lambda more: {"Type": "Pass", **more},
    st.one_of(
        optional(Result=CONSTANTS, ResultPath=RESULT_PATHS),
        optional(Parameters=TEMPLATES, ResultPath=RESULT_PATHS),
        optional(InputPath=PATHS, OutputPath=PATHS),
    ),
)
WORKING = st.one_of(
    PASSES,
    PASSES,
    st.just({"Type": "Wait", "Seconds": 0}),
    st.just({"Type": "Succeed"}),
    st.builds(lambda rule: {"Type": "Choice", "rule": rule}, RULES),
)
LEAVES = st.one_of(WORKING, WORKING, st.just({"Type": "Fail", "Error": "Mine", "Cause": "of it"}))


def nested(states: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Parallel and Map around short flows; `flows` are named later."""
    flow = st.lists(states, min_size=1, max_size=3)
    catches = st.sampled_from([None, "States.ALL", "Mine"])
    parallel = st.builds(
        lambda flows, catch, more: {"Type": "Parallel", "flows": flows, "catch": catch, **more},
        st.one_of(
            st.lists(flow, min_size=1, max_size=1),
            st.lists(st.lists(WORKING, min_size=1, max_size=3), min_size=2, max_size=3),
        ),
        catches,
        optional(ResultPath=RESULT_PATHS, ResultSelector=st.just({"all.$": "$"})),
    )
    every = st.builds(
        lambda one, catch, more: {"Type": "Map", "flows": [one], "catch": catch, "ItemsPath": "$.items", **more},
        flow,
        catches,
        optional(
            ResultPath=RESULT_PATHS,
            ItemSelector=st.just({"a.$": "$$.Map.Item.Index", "items.$": "$.items", "b.$": "$$.Map.Item.Value"}),
        ),
    )
    return st.one_of(parallel, every)


FLOWS = st.one_of(
    st.lists(LEAVES, min_size=1, max_size=5),
    st.lists(st.recursive(LEAVES, nested, max_leaves=5), min_size=2, max_size=4),
)


def named(flow: list[dict[str, Any]], numbers: "count[int]") -> dict[str, Any]:
    """The definition of a flow: each state leads to the next one; Choice skips one where its rule holds."""
    names = [f"S{next(numbers)}" for _ in flow]
    last = f"S{next(numbers)}"
    states: dict[str, Any] = {last: {"Type": "Pass", "End": True}}
    for index, (name, drawn) in enumerate(zip(names, flow, strict=True)):
        following = [*names, last, last][index + 1]
        states[name] = linked(dict(drawn), following, [*names, last, last][index + 2], numbers)
    return reachable({"StartAt": names[0], "States": states})


def linked(state: dict[str, Any], following: str, skipped: str, numbers: "count[int]") -> dict[str, Any]:
    rule, flows, catch = state.pop("rule", None), state.pop("flows", None), state.pop("catch", None)
    if rule is not None:
        state |= {"Choices": [{**rule, "Next": skipped}], "Default": following}
    elif state["Type"] not in ("Succeed", "Fail"):
        state["Next"] = following
    if catch is not None:
        state["Catch"] = [{"ErrorEquals": [catch], "Next": following, "ResultPath": "$.caught"}]
    if state["Type"] == "Parallel":
        state["Branches"] = [named(flow, numbers) for flow in flows]
    if state["Type"] == "Map":
        state |= {"ItemProcessor": named(flows[0], numbers), "MaxConcurrency": 1}
    return state


def reachable(flow: dict[str, Any]) -> dict[str, Any]:
    """The flow without the states that nothing leads to: both refuse those."""
    states, ahead, found = flow["States"], [flow["StartAt"]], set[str]()
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            state = states[name]
            leads = [state.get("Next"), state.get("Default"), *(each["Next"] for each in state.get("Choices", ()))]
            ahead += [each for each in (*leads, *(each["Next"] for each in state.get("Catch", ()))) if each]
    return {**flow, "States": {name: state for name, state in states.items() if name in found}}


def comparable(flow: list[dict[str, Any]], ours: Outcome) -> bool:
    """Whether moto is known to do as AWS does: not with errors of its own, but in a Pass."""
    if "States.ResultPathMatchFailure" in json.dumps(ours.events):
        return False
    return ours.error != "States.Runtime" or all(state["Type"] == "Pass" for state in flow)


@given(flow=FLOWS, data=DATA)
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_the_same_end(moto: Moto, bench: Bench, flow: list[dict[str, Any]], data: dict[str, Any]) -> None:
    definition = named(flow, count())
    ours = bench.run(definition, data)
    assume(comparable(flow, ours))
    assert (ours.status, ours.output, ours.error) == moto.play(definition, data)[:3]

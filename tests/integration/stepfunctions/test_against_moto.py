"""Our interpreter and moto's, on what both can do: the same outcome and the same events.

Where they differ and AWS is known to agree with ours, the case is not here but in tests/unit/local/stepfunctions.
"""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.stepfunctions.interpreter import Moto, both
from tests.unit.fakes.stepfunctions import Bench, chain, one_state

INNER = {"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}}


def branch(name: str, **state: Any) -> dict[str, Any]:
    ends = {} if state["Type"] == "Fail" else {"End": True}
    return {"StartAt": name, "States": {name: {**state, **ends}}}


def computed(**fields: Any) -> dict[str, Any]:
    return one_state(Type="Pass", Parameters=fields)


DATA = {
    "a": 1,
    "b": {"c": [1, 2, 3], "d e": "x"},
    "items": [{"n": 1, "t": "x"}, {"n": 2, "t": "y"}, {"n": 3}],
    "text": "a,b;c",
    "json": '{"k": [1, null]}',
    "null": None,
}

CASES: dict[str, dict[str, Any]] = {
    "pass": one_state(Type="Pass"),
    "result": one_state(Type="Pass", Result={"x": [1, {"y.$": "$.a"}]}),
    "result path": one_state(Type="Pass", Result=5, ResultPath="$.b.new"),
    "result path null": one_state(Type="Pass", Result=5, ResultPath=None),
    "input path": one_state(Type="Pass", InputPath="$.b"),
    "input path null": one_state(Type="Pass", InputPath=None),
    "output path": one_state(Type="Pass", OutputPath="$.b.c[1]"),
    "output path null": one_state(Type="Pass", OutputPath=None),
    "output path missing": one_state(Type="Pass", OutputPath="$.nothing"),
    "input path of context": one_state(Type="Pass", InputPath="$$.Execution.Input"),
    "parameters": computed(**{"x.$": "$.a", "y": {"z.$": "$.b['d e']"}, "w": [1, "$.a"], "s.$": "$$.State.Name"}),
    "parameters missing": computed(**{"x.$": "$.nothing"}),
    "wildcard": computed(**{"x.$": "$.items[*].n"}),
    "filter": computed(**{"x.$": "$.items[?(@.n > 1)].n", "y.$": "$.items[?(@.t == 'x')]"}),
    "slice": computed(**{"x.$": "$.b.c[1:]", "y.$": "$.b.c[:2]"}),
    "array": computed(**{"x.$": "States.Array($.a, 'b', 3)", "y.$": "States.Array()"}),
    "array partition": computed(**{"x.$": "States.ArrayPartition($.b.c, 2)"}),
    "array contains": computed(**{"x.$": "States.ArrayContains($.b.c, 2)", "y.$": "States.ArrayContains($.b.c, 9)"}),
    "array range": computed(**{"x.$": "States.ArrayRange(1, 9, 2)"}),
    "array get item": computed(**{"x.$": "States.ArrayGetItem($.b.c, 2)"}),
    "array length": computed(**{"x.$": "States.ArrayLength($.items)"}),
    "array unique": computed(**{"x.$": "States.ArrayUnique(States.Array(1, 2, 2, 'a', 'a'))"}),
    "base64": computed(**{"x.$": "States.Base64Encode('data')", "y.$": "States.Base64Decode('ZGF0YQ==')"}),
    "hash": computed(**{"x.$": "States.Hash('data', 'SHA-256')", "y.$": "States.Hash('data', 'MD5')"}),
    "json merge": computed(**{"x.$": "States.JsonMerge($.b, $.items[0], false)"}),
    "string to json": computed(**{"x.$": "States.StringToJson($.json)"}),
    "json to string": computed(**{"x.$": "States.JsonToString($.b)"}),
    "math add": computed(**{"x.$": "States.MathAdd($.a, -5)"}),
    "string split": computed(**{"x.$": "States.StringSplit($.text, ',;')"}),
    "format": computed(**{"x.$": "States.Format('{} and {}', $.text, $.a)"}),
    "nested functions": computed(**{"x.$": "States.Format('{}', States.ArrayLength(States.StringSplit($.text, ',')))"}),
    "chain": chain(
        A={"Type": "Pass", "Result": 1, "ResultPath": "$.r"},
        B={"Type": "Pass", "InputPath": "$.r"},
        C={"Type": "Succeed"},
    ),
    "succeed": one_state(Type="Succeed", InputPath="$.b", OutputPath="$.c"),
    "fail": one_state(Type="Fail", Error="E", Cause="c"),
    "fail by path": one_state(Type="Fail", ErrorPath="$.text", CausePath="States.Format('{}', $.a)"),
    "wait": one_state(Type="Wait", Seconds=0),
    "wait for the past": one_state(Type="Wait", Timestamp="2001-01-01T00:00:00Z"),
    "parallel": one_state(Type="Parallel", Branches=[branch("A", Type="Pass", Result=1)], ResultPath="$.r"),
    "parallel parameters": one_state(
        Type="Parallel", Branches=[branch("A", Type="Pass")], Parameters={"x.$": "$.a"}, ResultSelector={"y.$": "$[0]"}
    ),
    "parallel fails": one_state(Type="Parallel", Branches=[branch("A", Type="Fail", Error="E", Cause="c")]),
    "parallel caught": {
        "StartAt": "P",
        "States": {
            "P": {
                "Type": "Parallel",
                "Branches": [branch("A", Type="Fail", Error="E", Cause="c")],
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "End", "ResultPath": "$.why"}],
                "End": True,
            },
            "End": {"Type": "Pass", "End": True},
        },
    },
    "map": one_state(Type="Map", ItemsPath="$.items", ItemProcessor=INNER, MaxConcurrency=1),
    "map selector": one_state(
        Type="Map",
        ItemsPath="$.items",
        MaxConcurrency=1,
        ItemSelector={"i.$": "$$.Map.Item.Index", "n.$": "$$.Map.Item.Value.n", "a.$": "$.a"},
        ItemProcessor=INNER,
    ),
    "map of the old kind": one_state(
        Type="Map", ItemsPath="$.b.c", MaxConcurrency=1, Parameters={"v.$": "$$.Map.Item.Value"}, Iterator=INNER
    ),
    "map results": one_state(
        Type="Map", ItemsPath="$.b.c", MaxConcurrency=1, ItemProcessor=INNER, ResultSelector={"all.$": "$"}, ResultPath="$.r"
    ),
    "map fails": one_state(
        Type="Map", ItemsPath="$.b.c", MaxConcurrency=1, ItemProcessor=branch("A", Type="Fail", Error="E", Cause="c")
    ),
    "map run": one_state(
        Type="Map",
        Label="L",
        ItemsPath="$.b.c",
        ItemProcessor={**INNER, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_same_outcome_and_the_same_events(moto: Moto, bench: Bench, case: str) -> None:
    theirs, ours = both(moto, bench, CASES[case], DATA)
    assert ours == theirs


VALUES = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b", "2020-01-01T00:00:00Z"])
OPERATORS = st.one_of(
    st.tuples(
        st.sampled_from(["StringEquals", "StringLessThan", "StringGreaterThanEquals"]), st.sampled_from(["a", "b"])
    ),
    st.tuples(st.sampled_from(["StringMatches"]), st.sampled_from(["*", "a*", "b"])),
    st.tuples(st.sampled_from(["NumericEquals", "NumericLessThan", "NumericGreaterThanEquals"]), st.integers(-3, 3)),
    st.tuples(
        st.sampled_from(["BooleanEquals", "IsPresent", "IsNull", "IsNumeric", "IsString", "IsBoolean"]), st.booleans()
    ),
)


@given(operator=OPERATORS, negated=st.booleans(), value=VALUES)
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_same_choice(moto: Moto, bench: Bench, operator: tuple[str, Any], negated: bool, value: Any) -> None:
    rule: dict[str, Any] = {"Variable": "$.x", operator[0]: operator[1]}
    definition = {
        "StartAt": "Pick",
        "States": {
            "Pick": {
                "Type": "Choice",
                "Choices": [{**({"Not": rule} if negated else rule), "Next": "Yes"}],
                "Default": "No",
            },
            "Yes": {"Type": "Pass", "Result": True, "End": True},
            "No": {"Type": "Pass", "Result": False, "End": True},
        },
    }
    theirs, ours = both(moto, bench, definition, {"x": value})
    assert ours == theirs

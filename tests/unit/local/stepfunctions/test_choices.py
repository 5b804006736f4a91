"""The rules of a Choice state, operator by operator."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgetrain.local.stepfunctions.choices import compile_rule
from edgetrain.local.stepfunctions.failures import EvaluationFailed, InvalidDefinition
from edgetrain.local.stepfunctions.reading import Fields, Problems

EARLY, LATE = "2016-03-14T01:59:00Z", "2016-03-14T02:59:01+01:00"


def holds(rule: dict[str, Any], data: Any, context: Any = None) -> bool:
    problems = Problems()
    fields = Fields(rule, "/States/Only/Choices[0]", problems)
    condition = compile_rule(fields)
    fields.done()
    problems.raise_any()
    return condition(data, context)


@pytest.mark.parametrize(
    ("operator", "wanted", "true_of", "false_of"),
    [
        ("StringEquals", "b", ["b"], ["a", 1, None]),
        ("StringLessThan", "b", ["a", "B", ""], ["b", "c", 1]),
        ("StringLessThan", "\uffee", ["\U0001f600"], ["\uffff"]),  # by UTF-16 units, as Java orders texts
        ("StringLessThanEquals", "b", ["a", "b"], ["c"]),
        ("StringGreaterThan", "b", ["c", "ba"], ["b", "a", None]),
        ("StringGreaterThanEquals", "b", ["b", "c"], ["a"]),
        ("StringMatches", "log-*.txt", ["log-.txt", "log-a-b.txt", "log-\n.txt"], ["log-a.tx", "xlog-.txt", 1]),
        ("StringMatches", "a\\*b", ["a*b"], ["axb", "a\\*b"]),
        ("StringMatches", "a\\\\*", ["a\\", "a\\b"], ["ab"]),
        ("NumericEquals", 1, [1, 1.0], [2, True, "1", None]),
        ("NumericLessThan", 1.5, [1, -3.2], [1.5, 2, False]),
        ("NumericLessThanEquals", 1.5, [1.5], [1.6]),
        ("NumericGreaterThan", 1.5, [2], [1.5, "2"]),
        ("NumericGreaterThanEquals", 1.5, [1.5, 2], [1]),
        ("BooleanEquals", True, [True], [False, 1, "true", None]),
        ("BooleanEquals", False, [False], [True, 0, None]),
        ("TimestampEquals", EARLY, ["2016-03-14T01:59:00.000Z", "2016-03-14T02:59:00+01:00"], [LATE, "2016", 1]),
        ("TimestampLessThan", LATE, [EARLY], [LATE]),
        ("TimestampLessThanEquals", LATE, [EARLY, LATE], ["2016-03-14T01:59:02Z"]),
        ("TimestampGreaterThan", EARLY, [LATE], [EARLY, "no"]),
        ("TimestampGreaterThanEquals", EARLY, [EARLY, LATE], ["2016-03-14T01:58:59Z"]),
        ("IsNull", True, [None], [0, "", []]),
        ("IsNull", False, [0, ""], [None]),
        ("IsNumeric", True, [0, 1.5], [True, "1", None]),
        ("IsString", True, [""], [1, None]),
        ("IsBoolean", True, [True, False], [0, "true"]),
        ("IsTimestamp", True, [EARLY, LATE], ["2012-10-09T19:00:55", "2012-10-09", "2012-13-09T19:00:55Z", 1]),
        ("IsPresent", True, [None, 0, ""], []),
    ],
)
def test_an_operator(operator: str, wanted: Any, true_of: list[Any], false_of: list[Any]) -> None:
    rule = {"Variable": "$.x", operator: wanted}
    for each in true_of:
        assert holds(rule, {"x": each}), each
    for each in false_of:
        assert not holds(rule, {"x": each}), each


@pytest.mark.parametrize(
    ("operator", "left", "right"),
    [
        ("StringEqualsPath", "a", "a"),
        ("StringLessThanPath", "a", "b"),
        ("NumericGreaterThanPath", 2, 1),
        ("NumericLessThanEqualsPath", 2, 2),
        ("BooleanEqualsPath", False, False),
        ("TimestampLessThanPath", EARLY, LATE),
    ],
)
def test_an_operator_with_a_path(operator: str, left: Any, right: Any) -> None:
    rule = {"Variable": "$.x", operator: "$.y"}
    assert holds(rule, {"x": left, "y": right})
    assert not holds(rule, {"x": left, "y": []})
    with pytest.raises(EvaluationFailed):
        holds(rule, {"x": left})


def test_absence() -> None:
    assert not holds({"Variable": "$.x", "IsPresent": True}, {})
    assert holds({"Variable": "$.x", "IsPresent": False}, {})
    with pytest.raises(EvaluationFailed) as failure:
        holds({"Variable": "$.x", "StringEquals": "a"}, {})
    assert failure.value.error == "States.Runtime"


def test_the_context_object_can_be_asked() -> None:
    assert holds({"Variable": "$$.Execution.Name", "StringEquals": "a"}, {}, {"Execution": {"Name": "a"}})


IS_ONE = {"Variable": "$", "NumericEquals": 1}
IS_STRING = {"Variable": "$", "IsString": True}


def test_rules_are_joined() -> None:
    assert holds({"And": [IS_ONE, {"Not": IS_STRING}]}, 1)
    assert not holds({"And": [IS_ONE, IS_STRING]}, 1)
    assert holds({"Or": [IS_ONE, IS_STRING]}, "x")
    assert not holds({"Or": [IS_ONE, IS_STRING]}, 2)
    assert holds({"Not": {"Or": [IS_ONE, {"And": [IS_STRING, IS_ONE]}]}}, 2)


def test_a_join_asks_no_more_than_it_must() -> None:
    present = {"Variable": "$.x", "IsPresent": True}
    equal = {"Variable": "$.x", "StringEquals": "a"}
    assert not holds({"And": [present, equal]}, {})
    assert holds({"Or": [{"Not": present}, equal]}, {})


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ({"Variable": "$.x"}, "Choices[0]"),
        ({"Variable": "$.x", "StringEquals": "a", "IsNull": True}, "Choices[0]"),
        ({"StringEquals": "a"}, "Choices[0]"),
        ({"Variable": "x", "StringEquals": "a"}, "Variable"),
        ({"Variable": "$.x", "StringEquals": 1}, "StringEquals"),
        ({"Variable": "$.x", "NumericEquals": True}, "NumericEquals"),
        ({"Variable": "$.x", "BooleanEquals": "true"}, "BooleanEquals"),
        ({"Variable": "$.x", "TimestampEquals": "today"}, "TimestampEquals"),
        ({"Variable": "$.x", "IsNull": 1}, "IsNull"),
        ({"Variable": "$.x", "NumericEqualsPath": "1"}, "NumericEqualsPath"),
        ({"Variable": "$.x", "StringContains": "a"}, "StringContains"),
        ({"Variable": "$.x", "BooleanLessThan": True}, "BooleanLessThan"),
        ({"And": []}, "And"),
        ({"Or": {}}, "Or"),
        ({"Not": {"Variable": "$.x", "IsNull": True, "Next": "A"}}, "Not/Next"),
        ({"Variable": "$.x", "IsNull": True, "Assign": {}}, "Assign"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_place(rule: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidDefinition, match="/States/Only/Choices") as refusal:
        holds(rule, {})
    assert place in str(refusal.value)


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False), st.integers(-9, 9))
def test_numbers_are_ordered_in_exactly_one_way(number: float, wanted: int) -> None:
    orders = ("NumericLessThan", "NumericEquals", "NumericGreaterThan")
    assert sum(holds({"Variable": "$", order: wanted}, number) for order in orders) == 1

"""Intrinsic functions and payload templates; the values are those that AWS gives."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgetrain.local.stepfunctions.failures import EvaluationFailed
from edgetrain.local.stepfunctions.intrinsics import compile_expression
from edgetrain.local.stepfunctions.scanning import SyntaxProblem
from edgetrain.local.stepfunctions.templates import compile_template

CONTEXT = {"Execution": {"Name": "mine"}}


def value(text: str, data: Any = None) -> Any:
    return compile_expression(text).find(data, CONTEXT)


@pytest.mark.parametrize(
    ("text", "data", "found"),
    [
        ("States.Array()", None, []),
        ("States.Array($.a, 'b', 3, null, true)", {"a": 1}, [1, "b", 3, None, True]),
        ("States.ArrayPartition($, 2)", [0, 1, 2], [[0, 1], [2]]),
        ("States.ArrayPartition($, 5)", [], []),
        ("States.ArrayContains($, 2)", [1, 2], True),
        ("States.ArrayContains($, $[0])", [{"1": 2, "2": []}], True),
        ("States.ArrayContains($, true)", [1], False),
        ("States.ArrayRange(1, 9, 2)", None, [1, 3, 5, 7, 9]),
        ("States.ArrayRange(0, 10, 3)", None, [0, 3, 6, 9]),
        ("States.ArrayRange(3, 1, -1)", None, [3, 2, 1]),
        ("States.ArrayGetItem($, 5)", [1, 2, 3, 4, 5, 6], 6),
        ("States.ArrayLength($)", [1, 2], 2),
        ("States.ArrayUnique($)", [1, 1, True, 1.5, "1", [1], [1], None], [1, True, 1.5, "1", [1], None]),
        ("States.Base64Encode('Data to encode')", None, "RGF0YSB0byBlbmNvZGU="),
        ("States.Base64Decode('RGF0YSB0byBlbmNvZGU=')", None, "Data to encode"),
        ("States.Hash('input data', 'MD5')", None, "812f45842bc6d66ee14572ce20db8e86"),
        ("States.Hash('input data', 'SHA-1')", None, "aaff4a450a104cd177d28d18d74485e8cae074b7"),
        (
            "States.Hash($, 'SHA-256')",
            "input data",
            "b4a697a057313163aee33cd8d40c66e9f0f177e00cac2de32475ffff6169c3e3",
        ),
        ("States.JsonMerge($.a, $.b, false)", {"a": {"x": {"y": 1}, "z": 1}, "b": {"x": 2}}, {"x": 2, "z": 1}),
        ("States.StringToJson($)", '{"a": [1, null]}', {"a": [1, None]}),
        ("States.StringToJson($)", " ", None),
        ("States.JsonToString($)", {"a": [1, "é"], "b": None}, '{"a":[1,"é"],"b":null}'),
        ("States.MathAdd(1.49, 1.5)", None, 3),
        ("States.MathAdd(1.5, 1.51)", None, 4),
        ("States.MathAdd(-1.5, 0)", None, -1),
        ("States.MathAdd(-1.51, 0)", None, -2),
        ("States.MathAdd(111, -1)", None, 110),
        ("States.StringSplit('This.is+a,test=string', '.+,=')", None, ["This", "is", "a", "test", "string"]),
        ("States.StringSplit(',, ,', ',')", None, [" "]),
        ("States.Format('Hello {}, {}.', $$.Execution.Name, 1.1)", None, "Hello mine, 1.1."),
        ("States.Format('\\{{}\\} \\' \\\\', $)", True, "{true} ' \\"),
        ("States.Format($.t, 'x')", {"t": "<{}>"}, "<x>"),
        ("States.Format('{}', $)", {"Arg1": 1, "Arg2": [None]}, "{Arg1=1, Arg2=[null]}"),
        ("States.ArrayGetItem(States.StringSplit($['a,b)'], ','), 1)", {"a,b)": "x,y"}, "y"),
        ("States.ArrayLength($.a[?(@.n == ')')])", {"a": [{"n": ")"}, {"n": "("}]}, 1),
    ],
)
def test_a_function_gives(text: str, data: Any, found: Any) -> None:
    result = value(text, data)
    assert result == found
    assert type(result) is type(found)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("States.ArrayPartition($, 0)", [1]),
        ("States.ArrayGetItem($, 1)", [1]),
        ("States.ArrayLength($)", {}),
        ("States.ArrayRange(0, 1000, 1)", None),
        ("States.ArrayRange(0, 1, 0)", None),
        ("States.Base64Decode('*')", None),
        ("States.Base64Encode($)", "x" * 10_001),
        ("States.Hash('x', 'CRC')", None),
        ("States.JsonMerge($, $, true)", {}),
        ("States.JsonMerge($, 1, false)", {}),
        ("States.MathAdd(2147483647, 1)", None),
        ("States.MathAdd('1', 1)", None),
        ("States.MathRandom(2, 2)", None),
        ("States.StringToJson('\\{')", None),
        ("States.StringSplit(1, ',')", None),
        ("States.Format('{} {}', 1)", None),
        ("States.Format($, 1)", 5),
    ],
)
def test_a_function_that_cannot_take_its_arguments_fails_by_its_name(text: str, data: Any) -> None:
    with pytest.raises(EvaluationFailed) as failure:
        value(text, data)
    assert failure.value.error == "States.IntrinsicFailure"


@pytest.mark.parametrize(
    "text",
    [
        "States.Nothing()",
        "States.MathAdd(1)",
        "States.UUID(1)",
        "States.Format()",
        "States.Format('\\n')",
        "States.Format('open",
        "States.Array(1",
        "States.Array(1,)",
        "States.Array(1) x",
        "Array(1)",
        "plain",
        "",
    ],
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(SyntaxProblem):
        compile_expression(text)


def test_random_numbers() -> None:
    assert {value("States.MathRandom(1, 3)") for _ in range(100)} == {1, 2}, "the end is not included"
    assert value("States.MathRandom(0, 1000000, 5)") == value("States.MathRandom(0, 1000000, 5)")
    assert len({value("States.UUID()") for _ in range(100)}) == 100


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)))
def test_text_and_json_are_each_others_inverse(data: Any) -> None:
    assert value("States.StringToJson(States.JsonToString($))", data) == data


@given(st.text(max_size=50))
def test_base64_comes_back(text: str) -> None:
    assert value("States.Base64Decode(States.Base64Encode($))", text) == text


@given(st.lists(st.integers(), max_size=20), st.integers(1, 7))
def test_partitions_are_the_array(array: list[int], size: int) -> None:
    parts = value(f"States.ArrayPartition($, {size})", array)
    assert [each for part in parts for each in part] == array
    assert all(len(part) == size for part in parts[:-1])


def test_a_template_fills_its_computed_fields_only() -> None:
    template = compile_template(
        {
            "a.$": "$.x",
            "plain": "$.x",
            "list": [{"b.$": "$$.Execution.Name"}, "$.x", 1],
            "none": None,
            "deep": {"c": {}},
        }
    )
    assert template.fill({"x": [1]}, CONTEXT) == {
        "a": [1],
        "plain": "$.x",
        "list": [{"b": "mine"}, "$.x", 1],
        "none": None,
        "deep": {"c": {}},
    }


def test_a_template_names_the_field_whose_path_points_nowhere() -> None:
    with pytest.raises(EvaluationFailed) as failure:
        compile_template({"deep": {"a.$": "$.x"}}).fill({"y": 1}, CONTEXT)
    assert failure.value.error == "States.Runtime"
    assert failure.value.cause == (
        "The JSONPath '$.x' specified for the field 'a.$' could not be found in the input '{\"y\":1}'"
    )


@pytest.mark.parametrize("template", [{"a.$": 1}, {"a.$": "x"}, {"a": 1, "a.$": "$"}, {"a": [{"b.$": "$["}]}])
def test_a_wrong_template_is_refused(template: Any) -> None:
    with pytest.raises(SyntaxProblem):
        compile_template(template)

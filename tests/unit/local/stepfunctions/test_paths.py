"""JSONPath: Reference Paths and the operators of Step Functions."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgetrain.local.stepfunctions.failures import EvaluationFailed, PathNotFound
from edgetrain.local.stepfunctions.paths import compile_path
from edgetrain.local.stepfunctions.scanning import SyntaxProblem

DATA = {
    "foo": 123,
    "bar": ["a", "b", "c"],
    "car": {"cdr": True, "def ghi": 1},
    "people": [{"name": "Ada", "age": 36}, {"name": "Bob", "age": 9}, {"name": "Cyd"}],
    "deep": {"name": "in", "more": [{"name": "out"}]},
    "null": None,
    "it's": 5,
    "a-b": 6,
    "ärger": 7,
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", DATA),
        ("$.foo", 123),
        ("$.bar", ["a", "b", "c"]),
        ("$.car.cdr", True),
        ("$['car']['cdr']", True),
        ('$["car"].cdr', True),
        ("$.car.['def ghi']", 1),
        ("$['it\\'s']", 5),
        ("$.a-b", 6),
        ("$.ärger", 7),
        ("$.bar[0]", "a"),
        ("$.bar[-1]", "c"),
        ("$.null", None),
        ("$.bar[*]", ["a", "b", "c"]),
        ("$.bar[0,2]", ["a", "c"]),
        ("$.bar[1:]", ["b", "c"]),
        ("$.bar[:2]", ["a", "b"]),
        ("$.bar[-2:]", ["b", "c"]),
        ("$.bar[5:]", []),
        ("$.car.*", [True, 1]),
        ("$.people[*].age", [36, 9]),
        ("$..name", ["Ada", "Bob", "Cyd", "in", "out"]),
        ("$.deep..[0]", [{"name": "out"}]),
        ("$.people[?(@.age)].name", ["Ada", "Bob"]),
        ("$.people[?(!(@.age))].name", ["Cyd"]),
        ("$.people[?(@.age > 9)].name", ["Ada"]),
        ("$.people[?(@.age >= 9)].name", ["Ada", "Bob"]),
        ("$.people[?(@.age != 9)].name", ["Ada", "Cyd"]),
        ("$.people[?(@.name == 'Bob' || @.age == 36)].name", ["Ada", "Bob"]),
        ("$.people[?(@.name == 'Bob' && @.age == 36)].name", []),
        ("$.people[?(@.name =~ /.*D.*/i)].name", ["Ada", "Cyd"]),
        ("$.people[?(@.name in ['Ada', 'Cyd'])].name", ["Ada", "Cyd"]),
        ("$.people[?(@.name nin ['Ada'])].name", ["Bob", "Cyd"]),
        ("$.people[?(@.age < $.foo)].name", ["Ada", "Bob"]),
        ("$.bar[?(@ == 'b')]", ["b"]),
        ("$.nothing[*]", []),
        ("$.foo[*]", []),
        ("$.nothing[1:].x", []),
        ("$$.Execution.Name", "mine"),
    ],
)
def test_a_path_finds(path: str, found: Any) -> None:
    assert compile_path(path).find(DATA, {"Execution": {"Name": "mine"}}) == found


@pytest.mark.parametrize("path", ["$.nothing", "$.foo.bar", "$.foo[0]", "$.bar[3]", "$.bar[-4]", "$.bar.a", "$$.x"])
def test_a_definite_path_that_points_nowhere_fails(path: str) -> None:
    with pytest.raises(PathNotFound):
        compile_path(path).find(DATA, {})


@pytest.mark.parametrize(
    "path",
    [
        "",
        "foo",
        "$foo",
        "$.",
        "$..",
        "$.foo.",
        "$[",
        "$[]",
        "$.foo bar",
        "$['a','b']",
        "$.bar[::2]",
        "$.bar.length()",
        "$.bar[(@.length-1)]",
        "$.bar[?(@.x subsetof [1])]",
        "$.bar[?(@.x =~ /(/)]",
        "$.bar[?(1)]",
        "$.bar[?(@.x)",
    ],
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(SyntaxProblem):
        compile_path(path)


@pytest.mark.parametrize(
    ("path", "document", "result"),
    [
        ("$", {"a": 1}, "new"),
        ("$.b", {"a": 1}, {"a": 1, "b": "new"}),
        ("$.a", {"a": 1}, {"a": "new"}),
        ("$.a.b.c", {}, {"a": {"b": {"c": "new"}}}),
        ("$.a[1]", {"a": [1, 2, 3]}, {"a": [1, "new", 3]}),
        ("$['x y'].z", {"x y": {"w": 1}}, {"x y": {"w": 1, "z": "new"}}),
    ],
)
def test_a_result_is_put_at_a_reference_path(path: str, document: Any, result: Any) -> None:
    before = repr(document)
    assert compile_path(path).put(document, "new") == result
    assert repr(document) == before, "data is shared between states"


@pytest.mark.parametrize(
    ("path", "document"), [("$.a", []), ("$.a", 7), ("$.a.b", {"a": 1}), ("$.a[2]", {"a": [1, 2]})]
)
def test_a_result_that_does_not_fit_fails_by_its_name(path: str, document: Any) -> None:
    with pytest.raises(EvaluationFailed) as failure:
        compile_path(path).put(document, "new")
    assert failure.value.error == "States.ResultPathMatchFailure"


@pytest.mark.parametrize(
    ("path", "definite", "reference"),
    [("$.a['b'][0]", True, True), ("$.a[-1]", True, False), ("$.a[*]", False, False), ("$..a", False, False)],
)
def test_kinds_of_paths(path: str, definite: bool, reference: bool) -> None:
    compiled = compile_path(path)
    assert (compiled.definite, compiled.is_reference) == (definite, reference)


KEYS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


@given(st.lists(KEYS, min_size=1, max_size=5), st.integers())
def test_what_is_put_by_quoted_names_is_found_again(names: list[str], value: int) -> None:
    quoted = ["['" + name.replace("\\", "\\\\").replace("'", "\\'") + "']" for name in names]
    path = compile_path("$" + "".join(quoted))
    assert path.find(path.put({}, value), {}) == value

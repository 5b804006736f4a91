"""The templates as files, reviewed like code: `make snapshots` writes them again.

Masked is what changes with the content of an asset: its hash. The state machine's definition, which is one string in
the template, stands in the snapshot as what it says.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.infrastructure.reading import STACKS, Assembly

SNAPSHOTS = Path(__file__).parent / "snapshots"
ASSET = re.compile(r"\b[0-9a-f]{64}(?=\.zip$|\.gz$)|(?<=:)[0-9a-f]{64}$")


def masked(value: Any) -> Any:
    match value:
        case dict():
            return {name: masked(each) for name, each in value.items()}
        case list():
            return [masked(each) for each in value]
        case str():
            return ASSET.sub("<asset>", value)
        case _:
            return value


def snapshot(assembly: Assembly, stack: str) -> str:
    template = masked(assembly.template(stack))
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::StepFunctions::StateMachine":
            resource["Properties"]["DefinitionString"] = assembly.definition()
    return json.dumps(template, indent=2) + "\n"


@pytest.mark.parametrize("stack", STACKS)
def test_a_template_is_as_reviewed(aws: Assembly, stack: str, request: pytest.FixtureRequest) -> None:
    file = SNAPSHOTS / f"{stack}.json"
    found = snapshot(aws, stack)
    if request.config.getoption("--rewrite-snapshots"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(found)
    assert found == file.read_text(), (
        "the template changed: if that was meant, `make snapshots` and review the difference"
    )


def test_there_is_no_snapshot_of_a_stack_that_is_gone() -> None:
    assert {file.name for file in SNAPSHOTS.iterdir()} == {f"{stack}.json" for stack in STACKS}


def test_hashes_of_assets_are_masked_and_nothing_else_is() -> None:
    hashed = "a1" * 32
    assert masked({"S3Key": f"{hashed}.zip", "n": [1, hashed]}) == {"S3Key": "<asset>.zip", "n": [1, hashed]}
    assert masked([f"s3://b/{hashed}.gz", f"repository:{hashed}"]) == [
        "s3://b/<asset>.gz",
        "repository:<asset>",
    ]

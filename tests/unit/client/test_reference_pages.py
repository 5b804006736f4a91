"""docs/reference/ says what the code does."""

import inspect
import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from edgetrain import errors
from edgetrain.cli import failures
from edgetrain.client import runs, schemas
from edgetrain.contracts import ClientOverrides, RunInput, Schedule, StrategySettings, Target
from tests.unit.fakes.federation import memory_federation, play

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
NUMBER = r"[\d,]+(?:\.\d+)?"


def table_rows(page: str) -> dict[str, list[str]]:
    """First cell, without its back quotes -> the other cells, of all tables of a page."""
    rows = {}
    for line in (REFERENCE / page).read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            rows[cells[0].strip("` |")] = cells[1:]
    return rows


# --- schemas


@pytest.mark.parametrize("name", schemas.schemas())
def test_schema_files_are_current(name):
    expected = schemas.text_of(schemas.schemas()[name])
    assert (REFERENCE / name).read_text() == expected, "run: python -m edgetrain.client.schemas docs/reference"


def test_there_is_no_other_schema_file_and_the_page_lists_all():
    files = {path.name for path in REFERENCE.glob("*.schema.json")}
    assert files == set(schemas.schemas())
    assert files == set(re.findall(r"\[([\w.]+\.schema\.json)\]", (REFERENCE / "README.md").read_text()))


def test_the_writer_writes_them(tmp_path):
    schemas.main(tmp_path / "new")
    assert {path.name for path in (tmp_path / "new").iterdir()} == set(schemas.schemas())


def test_a_run_that_is_printed_validates():
    federation = memory_federation()
    run = play(federation, federation.executions.start("run", "{}"), {"task": "digits"})
    printed = json.loads(runs.read_run(federation, run.run_id).model_dump_json())
    validator = Draft202012Validator(json.loads((REFERENCE / "run.schema.json").read_text()))
    validator.validate(printed)
    del printed["rounds"][0]["updates"][0]["sha256"]
    assert [error.message for error in validator.iter_errors(printed)] == ["'sha256' is a required property"]


def test_a_run_has_the_fields_that_are_promised():
    run = json.loads((REFERENCE / "run.schema.json").read_text())
    assert {"run_id", "execution_arn", "status", "model", "rounds"} <= set(run["required"])
    each = run["$defs"]["RoundDocument"]["required"]
    promised = (
        "round metrics accuracy loss examples global_key next_global_key next_global_sha256 updates refused seconds"
    )
    assert set(promised.split()) <= set(each)
    assert {"client", "key", "num_examples", "sha256"} <= set(run["$defs"]["UpdateDocument"]["required"])
    assert {"task", "version"} <= set(run["$defs"]["ModelDocument"]["required"])


# --- errors.md


def error_classes() -> dict[str, type[errors.EdgetrainError]]:
    return {
        name: kind
        for name, kind in vars(errors).items()
        if inspect.isclass(kind) and issubclass(kind, errors.EdgetrainError)
    }


def test_every_error_is_listed_once():
    families = {"EdgetrainError", "TransientError", "PermanentError", "UpdateRefused"}
    assert set(table_rows("errors.md")) == set(error_classes()) - families
    text = (REFERENCE / "errors.md").read_text()
    assert all(f"`{name}`" in text for name in families)


def test_every_error_has_a_cause_a_cure_and_its_exit_code():
    for name, cells in table_rows("errors.md").items():
        kind = error_classes()[name]
        words = {"code": "x"} if "code" in getattr(kind.__init__, "__annotations__", {}) else {}
        exits = [] if issubclass(kind, errors.UpdateRefused) else [str(failures.exit_code(kind("x", **words)))]
        assert cells[: len(exits)] == exits, name
        assert all(len(cell) > 10 for cell in cells[len(exits) :]), name
        assert len(cells) == len(exits) + 2, name


# --- run-input.md


def leaves(model: type[BaseModel], prefix: str = "") -> dict[str, object]:
    inner = {"strategy": StrategySettings, "client": ClientOverrides, "target": Target, "schedule": Schedule}
    found = {}
    for name, field in model.model_fields.items():
        if name in inner:
            found |= leaves(inner[name], f"{prefix}{name}.")
        else:
            found[prefix + name] = field
    return found


def test_every_field_of_the_input_is_listed():
    assert set(table_rows("run-input.md")) == set(leaves(RunInput))


def test_defaults_of_the_input_are_those_of_the_contract():
    for name, (_type, default, _bounds, _meaning) in table_rows("run-input.md").items():
        field = leaves(RunInput)[name]
        if field.is_required():
            assert default.startswith(("needed", "no schedule")), name
        elif field.default is None:
            assert not re.fullmatch(NUMBER, default), name  # in words
        else:
            assert default.strip("`").replace(",", "") == str(field.default).removesuffix(
                ".0" if "," in default else ""
            ), name


def test_bounds_of_the_input_are_those_of_the_contract():
    for name, (_type, _default, bounds, _meaning) in table_rows("run-input.md").items():
        limits_ = {}
        for constraint in leaves(RunInput)[name].metadata:
            for kind in ("ge", "gt", "le", "lt"):
                if hasattr(constraint, kind):
                    limits_[kind] = getattr(constraint, kind)
        if name == "seed":
            assert (limits_, bounds) == ({"ge": 0, "lt": 2**63}, "0 to 2^63 - 1")
            continue
        for value in limits_.values():
            written = f"{value:,.0f}"
            assert (
                written in bounds or (value == 0 and "above 0" in bounds) or (value == 0 and "power of two" in bounds)
            ), name


def test_the_example_of_the_input_is_one():
    text = (REFERENCE / "run-input.md").read_text()
    example = json.loads(re.search(r"```json\n(.*?)```", text, re.DOTALL)[1])
    assert RunInput.model_validate(example).client.learning_rate == 0.1

"""Golden events: what the state machine sends to each function, as files. (tests/infrastructure/test_events.py: it really does.)"""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from edgetrain import contracts
from edgetrain.contracts import Contract
from edgetrain.rounds.fail_run import fail_run
from edgetrain.rounds.start_run import parse_input
from tests.unit.fakes.stores import memory_stores

ROOT = Path(__file__).parents[2]
EVENTS = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "tests" / "events").glob("*.json"))}


def request_of(state: str) -> type[Contract]:
    """The contract that the handler of `state` serves: the first argument of `serve`."""
    tree = ast.parse((ROOT / "lambdas" / state / "handler.py").read_text())
    (call,) = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "serve")
    found: type[Contract] = getattr(contracts, ast.unparse(call.args[0]))
    return found


def test_every_function_has_its_event() -> None:
    """A route's is in tests/events/routes (tests/unit/api/test_entry.py)."""
    routes = {path.stem for path in (ROOT / "tests" / "events" / "routes").glob("*.json")}
    assert not routes & set(EVENTS)
    assert sorted({*EVENTS, *routes}) == sorted(path.parent.name for path in (ROOT / "lambdas").glob("*/handler.py"))


@pytest.mark.parametrize("state", EVENTS)
def test_an_event_is_its_contract_whole(state: str) -> None:
    """Nothing is lost, added or bent on the way in."""
    message = request_of(state).model_validate(EVENTS[state])
    assert message.model_dump(mode="json") == EVENTS[state]


@pytest.mark.parametrize("state", EVENTS)
def test_a_field_that_is_not_known_is_refused(state: str) -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        request_of(state).model_validate({**EVENTS[state], "weights": [0.5]})


def test_an_event_holds_no_numbers_but_counts_and_times() -> None:
    def numbers(value: Any) -> int:
        if isinstance(value, dict):
            return sum(map(numbers, value.values()))
        if isinstance(value, list):
            return sum(map(numbers, value))
        return isinstance(value, int | float)

    assert all(numbers(event) <= 12 for event in EVENTS.values())


def test_the_golden_input_is_a_valid_one() -> None:
    assert parse_input(EVENTS["start_run"]["input"]).quorum == 8


def test_the_golden_failure_becomes_a_sentence() -> None:
    failure = fail_run(memory_stores(), contracts.FailRunRequest.model_validate(EVENTS["fail_run"]))
    assert failure.error == "QuorumNotReached"
    assert re.match(r"round 3: 7 updates .* UpdateLate$", failure.cause)

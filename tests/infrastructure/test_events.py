"""The golden events of tests/events have the fields that the deployed state machine sends, and no others."""

import json
from pathlib import Path

import pytest

from tests.infrastructure.reading import Assembly, states

EVENTS = sorted((Path(__file__).parents[1] / "events").glob("*.json"))


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_an_event_has_the_fields_of_its_states_payload(aws: Assembly, path: Path) -> None:
    state = path.stem.title().replace("_", "")
    payload = dict(states(aws.definition()))[state]["Parameters"]["Payload"]
    assert {field.removesuffix(".$") for field in payload} == set(json.loads(path.read_text()))

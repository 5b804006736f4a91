"""Every wrong request has its status, its code and a sentence; none leaves anything behind."""

import json
from urllib.parse import unquote

import pytest

from edgetrain.api.messages import ErrorReply
from edgetrain.api.refusals import CODES
from tests.unit.api.bad_requests import DETECTIONS, ROWS, Row
from tests.unit.api.conftest import Api

OURS = [row for row in ROWS if row.ours]


@pytest.mark.parametrize("row", OURS, ids=lambda row: row.name)
def test_a_request_is_answered_as_the_table_says(api: Api, row: Row) -> None:
    answer = api.ask(row.method, row.path, headers=row.headers, body=row.body)
    assert (answer.status, answer.error) == (row.status, row.code)
    assert answer.headers["Content-Type"] == "application/json"
    if row.code is None:
        assert len(api.endpoints.asked) == len(api.pictures.kept) == 1
        return
    problem = ErrorReply.model_validate_json(answer.body).error
    assert problem.message.isascii()
    assert 20 < len(problem.message) < 300, "one sentence, whatever was sent"
    assert answer.headers["Cache-Control"] == "no-store"
    assert (api.endpoints.asked, api.pictures.kept) == ([], {}), "a wrong request leaves nothing behind"


def test_there_are_enough_of_them_and_no_two_are_called_the_same() -> None:
    bad = [row for row in ROWS if row.status >= 400]
    assert len(bad) >= 40
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert not [row for row in ROWS if row.status >= 500]


def test_every_code_of_a_callers_mistake_is_in_the_table() -> None:
    expected = {code for code, meaning in CODES.items() if meaning.status < 500}
    assert {row.code for row in ROWS} - {None} == expected


def test_no_code_of_ours_speaks_of_what_only_api_gateway_knows() -> None:
    assert {(row.status, row.token != "good") for row in ROWS if not row.ours} == {
        (401, True),
        (403, True),
        (404, False),
        (413, False),
    }


def named(name: str) -> Row:
    (row,) = [row for row in ROWS if row.name == name]
    return row


@pytest.mark.parametrize(
    "name", ["name with ../", "name with a line break", "name in another script", "the longest name"]
)
def test_a_name_is_metadata_and_never_a_path_or_a_header(api: Api, name: str) -> None:
    row = named(f"right: {name}")
    answer = api.ask("POST", DETECTIONS, headers=row.headers, body=row.body)
    ((key, (_, _, kept)),) = api.pictures.kept.items()
    assert key == f"incoming/{answer.headers['X-Picture-Id']}.jpg"
    assert kept.isascii()
    assert kept.isprintable()
    assert "/" not in kept
    assert len(kept) <= 1024
    assert json.loads(row.body)["name"].startswith(unquote(kept))
    assert not [value for value in answer.headers.values() if "Injected" in value or "\n" in value]

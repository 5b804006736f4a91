"""Keys: what lies under which prefix, and no id that leads out of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgetrain import keys, limits

ids = st.from_regex(keys.ID_PATTERN, fullmatch=True).filter(lambda text: not text.endswith("\n"))
rounds = st.integers(1, limits.MAX_ROUNDS)


def test_the_layout() -> None:
    assert keys.run_record("r") == "runs/r/run.json"
    assert keys.global_model("r", 0) == "runs/r/globals/00000.safetensors"
    assert keys.cohort("r", 12) == "runs/r/rounds/00012/cohort.json"
    assert keys.batches("r", 12) == "runs/r/rounds/00012/batches.json"
    assert keys.update("r", 12, "c") == "runs/r/rounds/00012/updates/c.safetensors"
    assert keys.sealed_round("r", 12) == "runs/r/rounds/00012/sealed.json"
    assert keys.partial_sum("r", 12, 3) == "runs/r/rounds/00012/partials/0003.i64"
    assert keys.tile_result("r", 12, 3) == "runs/r/rounds/00012/partials/0003.json"
    assert keys.closed_round("r", 12) == "runs/r/rounds/00012/closed.json"
    assert keys.evaluated_round("r", 12) == "runs/r/rounds/00012/evaluated.json"
    assert keys.dataset_index("t", "d") == keys.dataset_prefix("t", "d") + "index.json"
    assert keys.client_data("t", "d", "c") == "datasets/t/d/clients/c.safetensors"
    assert keys.test_data("t", "d") == "datasets/t/d/test.safetensors"
    assert keys.program_file("t", "p", keys.SPEC_FILE) == "programs/t/p/task.json"
    assert keys.model_file("t", 7, keys.MANIFEST_FILE) == "models/t/000007/manifest.json"
    assert keys.served_pointer("t") == "models/t/served.json"
    assert keys.models_prefix() == "models/"
    assert keys.models_prefix("t") == "models/t/"


@given(run=ids, first=rounds, second=rounds)
def test_rounds_sort_as_they_are_counted(run: str, first: int, second: int) -> None:
    assert (keys.closed_round(run, first) < keys.closed_round(run, second)) == (first < second)
    assert (keys.ledger_round(run, first) < keys.ledger_round(run, second)) == (first < second)


@given(first=st.tuples(ids, rounds, ids), second=st.tuples(ids, rounds, ids))
def test_no_two_clients_share_a_key(first: tuple[str, int, str], second: tuple[str, int, str]) -> None:
    assert (keys.update(*first) == keys.update(*second)) == (first == second)


@given(value=ids)
def test_an_id_that_may_be_part_of_a_key(value: str) -> None:
    assert keys.checked_id(value, "client") == value
    assert "/" not in value


@pytest.mark.parametrize("value", ["", "a/b", "..", ".x", "_x", "a b", "a\n", "ä", "a" * 65, "a\0"])
def test_an_id_that_may_not(value: str) -> None:
    with pytest.raises(ValueError, match="client"):
        keys.checked_id(value, "client")

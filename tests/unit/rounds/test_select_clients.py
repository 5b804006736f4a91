"""SelectClients: the same cohort however often, and a deadline that counts from now."""

import json

from edgetrain import keys
from tests.unit.rounds.conftest import RUN, Federation


def test_the_cohort_is_written_once(federation: Federation) -> None:
    federation.start(seed=3)
    first = federation.select()
    cohort, items = (federation.runs.get(key(RUN, 1)) for key in (keys.cohort, keys.batches))
    federation.now += 1000
    second = federation.select()
    assert federation.runs.get(keys.cohort(RUN, 1)) == cohort
    assert federation.runs.get(keys.batches(RUN, 1)) == items
    assert second.deadline - first.deadline == 1000
    assert second.deadline == federation.now + 600
    assert second.timeout_seconds > 600


def test_the_items_are_a_list_of_batches(federation: Federation) -> None:
    federation.start(max_concurrency=4)
    selected = federation.select()
    items = json.loads(federation.runs.get(selected.batches_key))
    assert [item["index"] for item in items] == [0, 1, 2, 3]
    assert sorted(name for item in items for name in item["clients"]) == list(federation.cohort())
    assert selected.max_concurrency == 4
    assert federation.runs.content_types[selected.batches_key] == "application/json"


def test_a_round_starts_from_the_last_ones_model(federation: Federation) -> None:
    federation.start(rounds=2)
    federation.play(1)
    federation.select(2)
    assert federation.cohort_record(2).base == federation.closed(1).next
    assert federation.cohort_record(1).base.key == keys.global_model(RUN, 0)


def test_the_number_format_follows_from_the_cohort_and_the_input(federation: Federation) -> None:
    federation.start(max_abs_delta=2.0, max_examples=1024)
    federation.select()
    form = federation.cohort_record().number_format
    assert (form.cohort_size, form.max_abs_delta, form.max_examples, form.fraction_bits) == (6, 2.0, 1024, 28)

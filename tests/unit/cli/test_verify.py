"""`edgetrain verify`."""

import pytest

from edgetrain import keys
from edgetrain.client import documents
from tests.unit.rounds.conftest import RUN, Federation, put_data, put_program


@pytest.fixture
def played(federation):
    """A run of two rounds in the federation that the command line talks to."""
    world = Federation()
    put_data(world.stores, clients=10)
    put_program(world.stores)
    world.start(rounds=2)
    for number in (1, 2):
        world.play(number)
    federation.runs.objects.update(world.runs.objects)
    federation.models.objects.update(world.stores.models.objects)
    return world


def test_a_run_that_is_what_it_was(edgetrain_, played):
    outcome = edgetrain_("verify", RUN)
    assert (outcome.code, outcome.stdout.count("the same bits")) == (0, 2)
    told = documents.VerifiedRunDocument.model_validate(edgetrain_("verify", RUN, "--json").document)
    assert (told.verified, told.chained, told.findings) == (True, True, ())
    assert f"verified: 2 rounds, head {told.head_sha256}" in outcome.stdout


def test_a_run_that_is_not_what_it_was(edgetrain_, federation, played):
    key = keys.global_model(RUN, 2)
    federation.runs.objects[key][-1] = played.model(2)[:-1] + b"\x7f"
    outcome = edgetrain_("verify", RUN)
    assert outcome.code == 1
    assert f"round 2: altered: {key}: byte {len(played.model(2)) - 1} (in bias, element 1)" in outcome.stdout
    assert "NOT MADE AGAIN" in outcome.stdout
    assert outcome.sentence.startswith(f"run {RUN!r} is not what it was (1 finding): {key}: byte")
    as_json = edgetrain_("verify", RUN, "--json")
    told = documents.VerifiedRunDocument.model_validate(as_json.document)
    assert (as_json.code, told.verified, [each.key for each in told.findings]) == (1, False, [key])


@pytest.mark.parametrize("run", ["nobody", "../etc"])
def test_a_run_that_is_not_there(edgetrain_, federation, run):
    outcome = edgetrain_("verify", run, "--json")
    assert (outcome.code, outcome.document["error"]["code"]) == (2, "RunNotFound")


def test_a_run_that_has_closed_no_round_yet(edgetrain_, federation, played):
    for key in [key for key in federation.runs.objects if "/rounds/" in key]:
        del federation.runs.objects[key]
    del federation.runs.objects[keys.global_model(RUN, 1)], federation.runs.objects[keys.global_model(RUN, 2)]
    outcome = edgetrain_("verify", RUN)
    assert (outcome.code, outcome.stdout) == (0, "")
    assert "nothing to make again" in outcome.stderr

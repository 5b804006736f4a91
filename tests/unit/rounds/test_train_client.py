"""TrainClient: each client of a batch has its own receipt and its own failure, and any of it may be done twice."""

import pytest

from edgetrain import keys
from edgetrain.errors import TransientError, UpdateLate
from edgetrain.federated import weights
from edgetrain.rounds.train_client import Programs
from tests.unit.fakes.stores import MemoryStore
from tests.unit.rounds.conftest import RUN, Federation


def test_every_client_gets_a_receipt_of_what_is_stored(started: Federation) -> None:
    clients = started.cohort()
    assert started.train(clients) == {"trained": 6, "refused": 0}
    for client in clients:
        receipt = started.ledger.receipt(RUN, 1, client)
        assert receipt is not None
        stored = started.runs.find(keys.update(RUN, 1, client))
        assert stored is not None
        assert (receipt.key, receipt.version_id, receipt.sha256, receipt.size) == (
            stored.key,
            stored.version_id,
            stored.sha256,
            stored.size,
        )
        assert receipt.num_examples == started.cohort_record().member(client).num_examples  # type: ignore[union-attr]
        assert receipt.loss is not None


def test_a_duplicate_invocation_trains_nobody_again(started: Federation) -> None:
    clients = started.cohort()
    started.train(clients)
    before = dict(started.ledger.receipt_rows)
    assert started.train(clients) == {"trained": 6, "refused": 0}
    assert started.programs.program.calls == 6
    assert started.ledger.receipt_rows == before


def test_one_that_raises_leaves_the_others_their_receipts(started: Federation) -> None:
    def third_fails(call: int) -> None:
        if call == 2:
            raise MemoryError("no room")

    started.programs.program.fault = third_fails
    clients = started.cohort()
    with pytest.raises(TransientError, match=f"1 of 6 clients failed: {clients[2]}: MemoryError: no room"):
        started.train(clients)
    assert sorted(row.client for row in started.ledger.receipts(RUN, 1)) == sorted(set(clients) - {clients[2]})
    assert started.refusals() == {clients[2]: "TrainingFailed"}
    # The retry trains that one alone; a receipt outweighs the refusal that came before it.
    assert started.train(clients) == {"trained": 6, "refused": 0}
    assert started.programs.program.calls == 7
    started.seal()
    assert [receipt.client for receipt in started.sealed().accepted] == list(clients)


def test_the_first_stored_update_stands(started: Federation) -> None:
    """The first try stored its update and went down before the receipt; the second trains other bits."""
    client = started.cohort()[0]
    started.train([client])
    first = started.runs.get(keys.update(RUN, 1, client))
    (receipt,) = started.ledger.receipts(RUN, 1)
    started.ledger.receipt_rows.clear()
    started.programs.program.noise = 0.01
    started.train([client])
    (again,) = started.ledger.receipts(RUN, 1)
    assert started.runs.get(keys.update(RUN, 1, client)) == first
    assert (again.sha256, again.version_id, again.size) == (receipt.sha256, receipt.version_id, receipt.size)


def test_training_again_gives_the_same_bytes(started: Federation) -> None:
    client = started.cohort()[0]
    started.train([client])
    first = started.runs.objects.pop(keys.update(RUN, 1, client))
    started.ledger.receipt_rows.clear()
    started.train([client])
    assert started.runs.objects[keys.update(RUN, 1, client)] == first


def test_an_update_says_what_it_is(started: Federation) -> None:
    client = started.cohort()[0]
    started.train([client])
    header = weights.read_header(
        started.runs.open(keys.update(RUN, 1, client), version_id="0", size=started_size(started, client))
    )
    assert header.metadata == started.metadata(client)
    assert [tensor.name for tensor in header.tensors] == ["kernel", "bias"]


def started_size(started: Federation, client: str) -> int:
    return len(started.runs.get(keys.update(RUN, 1, client)))


@pytest.mark.parametrize(("noise", "error"), [(float("nan"), "UpdateNotFinite"), (9.0, "UpdateOutOfBounds")])
def test_a_client_does_not_send_what_would_be_refused(started: Federation, noise: float, error: str) -> None:
    started.programs.program.noise = noise
    client = started.cohort()[0]
    assert started.train([client]) == {"trained": 0, "refused": 1}
    assert started.refusals() == {client: error}
    assert keys.update(RUN, 1, client) not in started.runs


def test_after_the_deadline_nobody_trains(started: Federation) -> None:
    clients = started.cohort()
    assert started.train(clients, deadline=started.now - 1) == {"trained": 0, "refused": 6}
    assert set(started.refusals().values()) == {"UpdateLate"}
    assert started.programs.program.calls == 0
    # A resumed run has another deadline.
    assert started.train(clients) == {"trained": 6, "refused": 0}


def test_a_deadline_that_comes_while_training_is_kept(started: Federation) -> None:
    def slow(_: int) -> None:
        started.now += 61

    started.programs.program.fault = slow
    client = started.cohort()[0]
    assert started.train([client]) == {"trained": 0, "refused": 1}
    assert started.refusals() == {client: "UpdateLate"}


def test_a_receipt_after_the_seal_is_late(started: Federation) -> None:
    *early, late = started.cohort()
    started.train(early)
    started.seal()
    assert started.train([late]) == {"trained": 0, "refused": 1}
    assert started.refusals() == {late: "UpdateLate"}
    assert started.ledger.receipt(RUN, 1, late) is None


def test_a_late_client_that_has_its_receipt_is_not_late(started: Federation) -> None:
    clients = started.cohort()
    started.train(clients)
    started.seal()
    assert started.train(clients) == {"trained": 6, "refused": 0}
    assert started.refusals() == {}


def test_who_is_not_in_the_cohort_does_not_train(started: Federation) -> None:
    outside = sorted({f"client-{i:02d}" for i in range(10)} - set(started.cohort()))[0]
    assert started.train([outside]) == {"trained": 0, "refused": 1}
    assert started.refusals() == {outside: "TrainingFailed"}


@pytest.mark.parametrize("fault", ["gone", "other bytes", "other tensors", "fewer examples"])
def test_data_that_is_not_what_the_index_says(started: Federation, fault: str) -> None:
    client, healthy, *_ = started.cohort()
    member = started.cohort_record().member(client)
    assert member is not None
    data = started.stores.data
    assert isinstance(data, MemoryStore)
    if fault == "gone":
        del data.objects[member.key]
    elif fault == "other bytes":
        data.put(member.key, b"nonsense")
    else:
        tensors = weights.decode(data.get(member.key))
        if fault == "other tensors":
            tensors["labels"] = tensors.pop("label")
        else:
            tensors = {name: array[:-1] for name, array in tensors.items()}
        body = weights.encode(tensors)
        stored = data.put(member.key, body)
        changed = member.model_copy(update={"sha256": stored.sha256})
        cohort = started.cohort_record()
        members = tuple(changed if each.client == client else each for each in cohort.clients)
        record = cohort.model_copy(update={"clients": members})
        started.runs.objects[keys.cohort(RUN, 1)] = [record.model_dump_json().encode()]
    assert started.train([client, healthy]) == {"trained": 1, "refused": 1}
    assert started.refusals() == {client: "TrainingFailed"}
    (row,) = started.ledger.refusals(RUN, 1)
    assert "DataInvalid" in row.message
    assert member.key in row.message


def test_a_foreign_object_without_a_checksum_is_refused(started: Federation, monkeypatch: pytest.MonkeyPatch) -> None:
    client = started.cohort()[0]
    started.runs.put(keys.update(RUN, 1, client), b"written in parts by somebody")
    started.runs.without_checksum.add(keys.update(RUN, 1, client))
    assert started.train([client]) == {"trained": 0, "refused": 1}
    assert started.refusals() == {client: "UpdateChecksumDiffers"}


def test_a_long_message_is_cut(started: Federation) -> None:
    def fault(_: int) -> None:
        raise UpdateLate("x" * 5000)

    started.programs.program.fault = fault
    started.train([started.cohort()[0]])
    (row,) = started.ledger.refusals(RUN, 1)
    assert len(row.message) == 1000


def test_a_program_is_loaded_once(started: Federation, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []
    monkeypatch.setattr(
        "edgetrain.rounds.train_client.TrainingProgram", lambda body, spec: loaded.append((body, spec.task)) or object()
    )
    programs = Programs()
    assert programs.get(started.stores, "toy", "p1") is programs.get(started.stores, "toy", "p1")
    assert loaded == [(b"program", "toy")]

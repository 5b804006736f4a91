"""Records: what stands under a key is what counts, and it is checked."""

import hashlib

import pytest

from edgetrain.contracts import RoundRequest, Tile
from edgetrain.errors import DataInvalid, ObjectNotFound
from edgetrain.stores import base
from edgetrain.stores.base import read_record, sha256_of, write_record
from tests.unit.fakes.stores import BytesSource, MemoryStore


def test_the_first_record_stands() -> None:
    store = MemoryStore()
    first, second = RoundRequest(run_id="r", round=1), RoundRequest(run_id="r", round=2)
    assert write_record(store, "k", first) == first
    assert write_record(store, "k", second) == first
    assert read_record(store, "k", RoundRequest) == first
    assert store.content_types["k"] == "application/json"


def test_a_record_that_is_none() -> None:
    store = MemoryStore()
    with pytest.raises(ObjectNotFound):
        read_record(store, "k", RoundRequest)
    write_record(store, "k", Tile(index=0, start=0, stop=1))
    with pytest.raises(DataInvalid, match="k: not a RoundRequest: run_id"):
        read_record(store, "k", RoundRequest)
    store.put("j", b"{")
    with pytest.raises(DataInvalid, match="j: not a RoundRequest"):
        read_record(store, "j", RoundRequest)


@pytest.mark.parametrize("size", [0, 1, 6, 7, 14, 15])
def test_a_digest_of_ranges(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(base, "READ_BYTES", 7)
    body = bytes(range(size))
    assert sha256_of(BytesSource(body)) == hashlib.sha256(body).hexdigest()

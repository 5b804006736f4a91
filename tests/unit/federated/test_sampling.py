"""Who trains, in which batches; which updates make a tile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgetrain.contracts import ClientData
from edgetrain.federated import sampling


def clients(*examples: int) -> list[ClientData]:
    return [
        ClientData(client=f"c{i:03d}", key=f"k{i}", num_examples=n, sha256="0" * 64) for i, n in enumerate(examples)
    ]


ALL = clients(*range(1, 21))


def test_a_sample_is_known_by_seed_and_round() -> None:
    names = [member.client for member in sampling.select(ALL, 5, seed=7, round_number=1)]
    assert names == sorted(names)
    assert len(set(names)) == 5
    assert names == ["c002", "c006", "c010", "c011", "c013"]  # by sha256sum of "7/1/c000" and so on
    assert names != [member.client for member in sampling.select(ALL, 5, seed=7, round_number=2)]
    assert names != [member.client for member in sampling.select(ALL, 5, seed=8, round_number=1)]


@given(order=st.permutations(ALL), count=st.integers(0, 20), seed=st.integers(0, 2**63 - 1))
def test_a_sample_does_not_depend_on_the_order(order: list[ClientData], count: int, seed: int) -> None:
    assert sampling.select(order, count, seed, 3) == sampling.select(ALL, count, seed, 3)


def test_every_client_has_its_turn() -> None:
    drawn = [member.client for r in range(1, 401) for member in sampling.select(ALL, 5, 0, r)]
    counts = [drawn.count(member.client) for member in ALL]
    assert sum(counts) == 2000
    assert min(counts) > 60  # mean 100, five standard deviations below is 57
    assert max(counts) < 145


def test_more_than_there_are_cannot_be_selected() -> None:
    with pytest.raises(ValueError, match="21 of 20"):
        sampling.select(ALL, 21, 0, 1)


@given(examples=st.lists(st.integers(1, 1000), min_size=1, max_size=40), wanted=st.integers(1, 12))
def test_batches_hold_every_client_once_and_are_even(examples: list[int], wanted: int) -> None:
    members = clients(*examples)
    batches = sampling.batch(members, wanted)
    assert [each.index for each in batches] == list(range(min(wanted, len(members))))
    assert sorted(name for each in batches for name in each.clients) == [member.client for member in members]
    size = {member.client: member.num_examples for member in members}
    loads = [sum(size[name] for name in each.clients) for each in batches]
    assert max(loads) - min(loads) <= max(examples)


@given(updates=st.integers(0, 500), per_tile=st.integers(1, 100))
def test_tiles_cover_every_update_once(updates: int, per_tile: int) -> None:
    tiles = sampling.tiles(updates, per_tile)
    assert [number for tile in tiles for number in range(tile.start, tile.stop)] == list(range(updates))
    assert all(0 < tile.stop - tile.start <= per_tile for tile in tiles)
    assert [tile.index for tile in tiles] == list(range(len(tiles)))

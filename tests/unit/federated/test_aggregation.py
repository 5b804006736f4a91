"""The sums of a round: the same bits in any order, close to the exact average, and no bad update in them."""

import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgetrain.contracts import NumberFormat, StrategySettings
from edgetrain.errors import (
    ObjectNotFound,
    UpdateMissing,
    UpdateNormExceeded,
    UpdateNotFinite,
    UpdateOutOfBounds,
    UpdateRefused,
)
from edgetrain.federated import aggregation, number_format
from edgetrain.federated.aggregation import Update, sum_updates
from edgetrain.federated.bounds import check_values
from edgetrain.federated.strategies import FedAdam, Sums, get_strategy
from edgetrain.federated.weights import encode as encode_tensors
from tests.unit.fakes.stores import BytesSource
from tests.unit.fakes.updates import (
    Pieces,
    RecordingSource,
    add,
    encode,
    exact_average,
    flat,
    next_model,
    specs_of,
    tile,
    update,
)

B, W = 8.0, 2**20
SPECS = specs_of(4, 1, 6)
SIZE = 11
#: Any float32 in [-B, B], subnormals and both zeros among them.
delta = st.one_of(
    st.floats(-B, B, width=32),
    st.sampled_from([B, -B, -0.0, 0.0, 2.0**-28, 2.0**-27, 3 * 2.0**-28, 2.0**-149, -(2.0**-126), float(np.pi)]),
)
examples = st.one_of(st.integers(1, W), st.sampled_from([1, 2, 3, W - 1, W]))
client = st.tuples(examples, st.lists(delta, min_size=SIZE, max_size=SIZE))
cohorts = st.lists(client, min_size=1, max_size=9)
bases = st.lists(st.floats(-4, 4, width=32), min_size=SIZE, max_size=SIZE)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks and blocks that end inside tensors, across tensors and at their borders."""
    monkeypatch.setattr(aggregation, "CHUNK", 5)
    monkeypatch.setattr(aggregation, "BLOCK", 3)


def one_tile(cohort: list[tuple[int, list[float]]], base: list[float], form: NumberFormat) -> bytes:
    updates = [update(f"c{i}", n, values, SPECS) for i, (n, values) in enumerate(cohort)]
    partial, summed = tile(updates, SPECS, form)
    return next_model([partial], encode(base, SPECS), SPECS, summed.weight, form)


@given(cohort=cohorts, base=bases, data=st.data())
def test_order_tiling_tree_and_retry_do_not_change_a_bit(
    cohort: list[tuple[int, list[float]]], base: list[float], data: st.DataObject
) -> None:
    form = number_format.choose(len(cohort), B, W)
    updates = [update(f"c{i}", n, values, SPECS) for i, (n, values) in enumerate(cohort)]
    order = data.draw(st.permutations(updates))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(order) - 1))) if len(order) > 1 else set())
    tiles = [order[a:b] for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    summed = [tile(each, SPECS, form) for each in tiles]
    again = data.draw(st.integers(0, len(tiles) - 1))
    assert tile(tiles[again], SPECS, form) == summed[again]  # a retried step
    weight = sum(each.weight for _, each in summed)
    partials = data.draw(st.permutations([partial for partial, _ in summed]))
    fork = data.draw(st.integers(1, len(partials)))
    tree = [add(partials[:fork]), *partials[fork:]]

    expected = one_tile(cohort, base, form)
    file = encode(base, SPECS)
    assert next_model(partials, file, SPECS, weight, form) == expected
    assert next_model(tree, file, SPECS, weight, form) == expected


@given(cohort=cohorts, base=bases)
def test_the_result_is_as_near_to_the_exact_average_as_promised(
    cohort: list[tuple[int, list[float]]], base: list[float]
) -> None:
    form = number_format.choose(len(cohort), B, W)
    result = flat(one_tile(cohort, base, form))
    exact = exact_average([n for n, _ in cohort], [np.float32(values).tolist() for _, values in cohort])
    for got, g, mean in zip(result, np.float32(base), exact, strict=True):
        error = abs(Fraction(float(got)) - (Fraction(float(g)) + mean))
        assert error <= Fraction(1, 2 ** (form.fraction_bits + 1)) + Fraction(float(np.spacing(abs(got)))) / 2


@given(cohort=cohorts)
def test_a_uniform_average_counts_each_client_once(cohort: list[tuple[int, list[float]]]) -> None:
    form = number_format.choose(len(cohort), B, W)
    updates = [update(f"c{i}", n, values, SPECS) for i, (n, values) in enumerate(cohort)]
    ones = [update(f"c{i}", 1, values, SPECS) for i, (_, values) in enumerate(cohort)]
    partial, summed = tile(updates, SPECS, form, "uniform")
    assert partial == tile(ones, SPECS, form)[0]
    assert summed.weight == len(cohort)
    assert summed.examples == sum(n for n, _ in cohort)


def test_by_hand() -> None:
    """Two clients, 3 and 1 examples: (3 * 1 + 1 * -1) / 4 = 0.5 and (3 * 0.25 + 1 * 0.25) / 4 = 0.25."""
    form = number_format.choose(2, B, W)
    specs = specs_of(2)
    partial, summed = tile([update("a", 3, [1, 0.25], specs), update("b", 1, [-1, 0.25], specs)], specs, form)
    one = 2**form.fraction_bits
    assert np.frombuffer(partial, "<i8").tolist() == [2 * one, one]
    assert (summed.weight, summed.examples, summed.accepted, summed.refused) == (4, 4, ("a", "b"), ())
    model = next_model([partial], encode([10, 20], specs), specs, 4, form, server_learning_rate=2)
    assert flat(model).tolist() == [11, 20.5]


@pytest.mark.parametrize("cohort_size", [1, 10, 10_000])
def test_rounding_is_half_to_even_at_the_last_bit(cohort_size: int) -> None:
    form = number_format.choose(cohort_size, B, W)
    half = np.float32(2.0 ** -(form.fraction_bits + 1))
    up, down = np.nextafter(half, np.float32(1)), np.nextafter(half, np.float32(0))
    values = [half, up, down, 3 * half, 5 * half, -half, -up, -3 * half, 2.0**-149, -0.0, B]
    partial, _ = tile([update("c", 1, values, SPECS)], SPECS, form)
    q = np.frombuffer(partial, "<i8").tolist()
    assert q == [0, 1, 0, 2, 2, 0, -1, -2, 0, 0, int(B) * 2**form.fraction_bits]


@pytest.mark.parametrize("sign", [1, -1])
def test_just_above_the_bound_is_refused_and_the_bound_is_not(sign: int) -> None:
    form = number_format.choose(2, B, W)
    above = sign * np.nextafter(np.float32(B), np.float32(np.inf))
    fine, bad = [sign * B] * SIZE, [0.0] * (SIZE - 1) + [above]
    partial, summed = tile([update("fine", W, fine, SPECS), update("bad", 1, bad, SPECS)], SPECS, form)
    assert summed.accepted == ("fine",)
    assert summed.weight == W
    assert np.frombuffer(partial, "<i8").tolist() == [sign * int(B) * W * 2**form.fraction_bits] * SIZE
    (refused,) = summed.refused
    assert isinstance(refused, UpdateOutOfBounds)
    assert refused.client == "bad"
    assert "w2" in str(refused)


def test_ten_thousand_clients_at_the_bound_do_not_overflow() -> None:
    """The largest sum there can be. Warnings are errors: the sums wrap modulo 2^64 on purpose, and silently."""
    count, specs = 10_000, specs_of(2)
    form = number_format.choose(count, B, W)
    source = BytesSource(encode([B, -B], specs))
    with warnings.catch_warnings(action="error"):
        partial, summed = tile([Update(f"c{i}", W, source) for i in range(count)], specs, form)
    most = count * W * int(B) * 2**form.fraction_bits
    assert most < 2**62
    assert np.frombuffer(partial, "<i8").tolist() == [most, -most]
    model = next_model([partial], encode([0, 0], specs), specs, summed.weight, form)
    assert flat(model).tolist() == [B, -B]


def test_one_client_with_a_million_examples_beside_9999_with_one() -> None:
    count, specs = 10_000, specs_of(3)
    form = number_format.choose(count, B, W)
    big, small = [B, 0.1, -1e-3], [-B, 2.0**-25, 7.0]
    sources = [BytesSource(encode(values, specs)) for values in (big, small)]
    updates = [Update("big", W, sources[0]), *(Update(f"c{i}", 1, sources[1]) for i in range(count - 1))]
    base = encode([1, -2, 0.5], specs)
    partial, summed = tile(updates, specs, form)
    whole = next_model([partial], base, specs, summed.weight, form)
    tiles = [tile(updates[a : a + 4096], specs, form)[0] for a in range(0, count, 4096)]
    assert next_model(tiles[::-1], base, specs, summed.weight, form) == whole
    total = W + count - 1
    for got, g, b, s in zip(flat(whole), [1, -2, 0.5], np.float32(big), np.float32(small), strict=True):
        exact = g + (W * Fraction(float(b)) + (count - 1) * Fraction(float(s))) / total
        bound = Fraction(1, 2 ** (form.fraction_bits + 1)) + Fraction(float(np.spacing(abs(got)))) / 2
        assert abs(Fraction(float(got)) - exact) <= bound


@pytest.mark.parametrize("updates", [1, 2, 4096, 5000])
def test_the_offset_of_a_tile_wraps_silently(updates: int) -> None:
    """4096 times the rounding constant is 2^63 modulo 2^64."""
    specs = specs_of(1)
    source = BytesSource(encode([1], specs))
    form = number_format.choose(updates, B, W)
    with warnings.catch_warnings(action="error"):
        partial, _ = tile([Update(f"c{i}", 1, source) for i in range(updates)], specs, form)
    assert np.frombuffer(partial, "<i8").tolist() == [updates * 2**form.fraction_bits]


@pytest.mark.parametrize("num_examples", [0, -1, W + 1, 2**63])
def test_an_absurd_number_of_examples_is_refused_unread(num_examples: int) -> None:
    form = number_format.choose(2, B, W)
    source = RecordingSource(b"")
    _, summed = tile([Update("c", num_examples, source), update("d", 1, [0] * SIZE, SPECS)], SPECS, form)
    assert summed.accepted == ("d",)
    assert [type(each) for each in summed.refused] == [UpdateOutOfBounds]
    assert source.reads == []


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 4, 10])
def test_a_number_that_is_none_is_refused(bad: float, place: int) -> None:
    form = number_format.choose(2, B, W)
    values = [0.0] * SIZE
    values[place] = bad
    _, summed = tile([update("bad", 1, values, SPECS), update("good", 1, [0] * SIZE, SPECS)], SPECS, form)
    assert summed.accepted == ("good",)
    assert [type(each) for each in summed.refused] == [UpdateNotFinite]


@given(good=cohorts, bad_at=st.integers(0, 9), value=st.sampled_from([np.nan, np.inf, 9.0]), place=st.integers(0, 10))
def test_a_bad_update_leaves_no_trace(
    good: list[tuple[int, list[float]]], bad_at: int, value: float, place: int
) -> None:
    form = number_format.choose(len(good) + 1, B, W)
    updates = [update(f"c{i}", n, values, SPECS) for i, (n, values) in enumerate(good)]
    values = [1.0] * SIZE
    values[place] = value
    at = min(bad_at, len(updates))
    with_bad = [*updates[:at], update("bad", 5, values, SPECS), *updates[at:]]
    partial, summed = tile(with_bad, SPECS, form)
    alone, expected = tile(updates, SPECS, form)
    assert partial == alone
    assert (summed.accepted, summed.weight) == (expected.accepted, expected.weight)
    assert [error.client for error in summed.refused] == ["bad"]


def test_an_update_is_read_once_and_three_times_when_one_is_bad() -> None:
    form = number_format.choose(2, B, W)
    good = RecordingSource(encode([1] * SIZE, SPECS))
    sum_updates([Update("good", 1, good)], SPECS, form, "examples", Pieces())
    data = len(good.body) - 4 * SIZE
    assert sum(count for offset, count in good.reads if offset >= data) == 4 * SIZE
    good.reads.clear()
    sink = Pieces()
    bad = update("bad", 1, [0] * (SIZE - 1) + [np.nan], SPECS)
    sum_updates([Update("good", 1, good), bad], SPECS, form, "examples", sink)
    assert 4 * SIZE < sum(count for offset, count in good.reads if offset >= data) <= 3 * 4 * SIZE
    assert sink.restarts == 1


def test_tensors_may_lie_in_any_order_in_the_file() -> None:
    form = number_format.choose(1, B, W)
    values = np.arange(SIZE, dtype=np.float32) / 4
    parts = {"w2": values[5:], "w0": values[:4], "w1": values[4:5]}
    partial, _ = tile([Update("c", 1, BytesSource(encode_tensors(parts)))], SPECS, form)
    assert partial == tile([update("c", 1, values.tolist(), SPECS)], SPECS, form)[0]


def test_a_sealed_version_that_is_gone_is_a_refusal() -> None:
    class Gone:
        size = 100

        def read_into(self, offset: int, buffer: memoryview) -> None:
            raise ObjectNotFound("no such version")

    _, summed = tile([Update("c", 1, Gone())], SPECS, number_format.choose(1, B, W))
    assert [type(each) for each in summed.refused] == [UpdateMissing]
    assert summed.weight == 0


def test_what_may_be_admitted_is_asked_after_the_tensors() -> None:
    form = number_format.choose(2, B, W)

    def admit(header: object, update: Update) -> None:
        if update.client == "other":
            raise UpdateRefused("not this one", client=update.client)

    updates = [update(name, 1, [1] * SIZE, SPECS) for name in ("one", "other")]
    summed = sum_updates(updates, SPECS, form, "examples", Pieces(), admit)
    assert summed.accepted == ("one",)
    assert [error.client for error in summed.refused] == ["other"]


@pytest.mark.parametrize("weight", [0, -1])
def test_closing_needs_a_positive_weight(weight: int) -> None:
    form = number_format.choose(1, B, W)
    with pytest.raises(ValueError, match="positive weight"):
        next_model([bytes(8 * SIZE)], encode([0] * SIZE, SPECS), SPECS, weight, form)


def test_closing_refuses_a_partial_sum_of_another_model() -> None:
    form = number_format.choose(1, B, W)
    with pytest.raises(ValueError, match="88 bytes"):
        next_model([bytes(8 * SIZE - 8)], encode([0] * SIZE, SPECS), SPECS, 1, form)


@settings(max_examples=30)
@given(
    values=st.lists(st.one_of(delta, st.just(float("nan"))), min_size=1, max_size=8), bound=st.sampled_from([B, 1.0])
)
def test_check_values_agrees_with_arithmetic(values: list[float], bound: float) -> None:
    part = np.float32(values)
    if np.isnan(part).any():
        with pytest.raises(UpdateNotFinite, match=r"^w holds"):
            check_values("w", part, bound)
    elif (np.abs(part) > bound).any():
        with pytest.raises(UpdateOutOfBounds, match="expected"):
            check_values("w", part.reshape(1, -1), bound, client="c")
    else:
        check_values("w", part, bound)


# --- the norm


def test_an_update_above_the_norm_is_refused_and_the_others_are_summed() -> None:
    """3, 4 and zeros have norm 5; it is read twice, and nothing of it is in the sum."""
    form = number_format.choose(3, B, W)
    long = update("long", 1, [3, 0, 0, 0, 4] + [0] * (SIZE - 5), SPECS)
    bad = update("bad", 1, [0] * (SIZE - 1) + [np.nan], SPECS)
    source = RecordingSource(encode([1] * SIZE, SPECS))
    alone, _ = tile([update("good", 1, [1] * SIZE, SPECS)], SPECS, form)
    for bound, accepted in ((4.9, ("good",)), (5.0, ("long", "good"))):
        sink = Pieces()
        source.reads.clear()
        summed = sum_updates([long, Update("good", 1, source), bad], SPECS, form, "examples", sink, max_norm=bound)
        assert summed.accepted == accepted
        assert (bytes(sink.body) == alone) == (accepted == ("good",))
        assert sink.restarts == 0
        data = len(source.body) - 4 * SIZE
        assert sum(count for offset, count in source.reads if offset >= data) == 2 * 4 * SIZE
        refused = {error.client: type(error) for error in summed.refused}
        assert refused == {"bad": UpdateNotFinite} | ({"long": UpdateNormExceeded} if bound < 5 else {})


# --- the strategy's state


@pytest.mark.parametrize("name", ["fedavgm", "fedadagrad", "fedadam", "fedyogi"])
def test_the_state_goes_from_round_to_round_as_if_the_model_were_one_array(name: str) -> None:
    strategy = get_strategy(StrategySettings(name=name))  # type: ignore[arg-type]
    rng, form = np.random.default_rng(3), number_format.choose(2, B, W)
    params = rng.standard_normal(SIZE).astype(np.float32)
    expected, kept = strategy.init(params), None
    for _ in range(3):
        totals = rng.integers(-(2**30), 2**30, (2, SIZE))
        sinks = {each: Pieces() for each in expected}
        out = Pieces()
        aggregation.close(
            [BytesSource(total.astype("<i8").tobytes()) for total in totals],
            BytesSource(encode(params.tolist(), SPECS)),
            SPECS,
            7,
            form,
            strategy,
            out.write,
            state=kept,
            write_state={each: sink.write for each, sink in sinks.items()},
        )
        params, expected = strategy.apply(params, expected, Sums(totals.sum(0), 7, form.fraction_bits))
        np.testing.assert_array_equal(flat(bytes(out.body)), params)
        for each, sink in sinks.items():
            assert bytes(sink.body) == expected[each].astype("<f8").tobytes()
        kept = {each: BytesSource(bytes(sink.body)) for each, sink in sinks.items()}


@pytest.mark.parametrize(
    ("state", "writes", "sentence"),
    [
        (None, ["m"], "expected the strategy's state: m, v"),
        ({"m": 8 * SIZE}, ["m", "v"], "expected the strategy's state: m, v"),
        ({"m": 8 * SIZE, "v": 8 * SIZE - 8}, ["m", "v"], "v of the strategy's state has 80 bytes: expected 88"),
    ],
)
def test_closing_refuses_another_strategys_state(
    state: dict[str, int] | None, writes: list[str], sentence: str
) -> None:
    form = number_format.choose(1, B, W)
    sources = None if state is None else {name: BytesSource(bytes(size)) for name, size in state.items()}
    with pytest.raises(ValueError, match=sentence):
        aggregation.close(
            [BytesSource(bytes(8 * SIZE))],
            BytesSource(encode([0] * SIZE, SPECS)),
            SPECS,
            1,
            form,
            FedAdam(),
            Pieces().write,
            state=sources,
            write_state={name: Pieces().write for name in writes},
        )

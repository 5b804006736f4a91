"""Files that somebody else wrote: read by ranges, refused with a reason, agreed with the safetensors library."""

import json
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from edgetrain import limits
from edgetrain.contracts import TensorSpec
from edgetrain.errors import (
    UpdateDtypeDiffers,
    UpdateForAnotherRound,
    UpdateMalformed,
    UpdateNamesDiffer,
    UpdateRefused,
    UpdateShapeDiffers,
    UpdateTruncated,
    WrongNumExamples,
)
from edgetrain.federated import weights
from edgetrain.federated.weights import Header, check_metadata, check_tensors, read_header
from tests.unit.fakes.updates import RecordingSource

SPECS = (TensorSpec(name="kernel", shape=(2, 3)), TensorSpec(name="bias", shape=(3,)))
TENSORS = {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.ones(3, np.float32)}
GOOD = weights.encode(TENSORS, {"round": "1"})


def file(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(dtype: str = "F32", shape: tuple[int, ...] = (1,), offsets: tuple[int, ...] = (0, 4)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def read(body: bytes) -> Header:
    return read_header(RecordingSource(body), client="c")


# --- writing -------------------------------------------------------------------------------------------------


def test_what_is_written_is_what_the_library_reads() -> None:
    loaded = safetensors.numpy.load(GOOD)
    assert loaded.keys() == TENSORS.keys()
    assert all(np.array_equal(loaded[name], TENSORS[name]) for name in TENSORS)


def test_the_order_of_the_tensors_is_kept() -> None:
    """The library gives another order each time; a file that is written again must have the same bytes."""
    tensors = {name: np.full(i + 1, i, np.float32) for i, name in enumerate("zyxwvutsrq")}
    body = weights.encode(tensors)
    assert list(weights.decode(body)) == list(tensors)
    assert weights.encode(weights.decode(body)) == body


def test_a_number_stays_a_number() -> None:
    tensors = {"scale": np.array(2, np.float32), "turned": np.arange(6, dtype=np.float32).reshape(2, 3).T}
    decoded = weights.decode(weights.encode(tensors))
    assert decoded["scale"].shape == ()
    assert np.array_equal(decoded["turned"], tensors["turned"])


def test_tensors_begin_aligned() -> None:
    assert {
        tensor.begin % 8
        for tensor in read(weights.encode({"a" * n: np.zeros(2, np.float32) for n in range(1, 9)})).tensors
    } == {0}


dtypes = st.sampled_from([np.float32, np.float64, np.float16, np.int32, np.int64, np.uint8, np.bool_])
arrays = st.builds(
    lambda dtype, shape: np.zeros(shape, dtype), dtypes, st.lists(st.integers(0, 3), max_size=3).map(tuple)
)


@given(tensors=st.dictionaries(st.text(max_size=8).filter(lambda name: name != "__metadata__"), arrays, max_size=5))
def test_what_the_library_writes_is_read(tensors: dict[str, np.ndarray]) -> None:
    header = read(safetensors.numpy.save(tensors, {"a": "b"}))
    assert {tensor.name: tensor.shape for tensor in header.tensors} == {n: a.shape for n, a in tensors.items()}
    assert header.metadata == {"a": "b"}


def test_a_tensor_of_nothing_may_lie_anywhere() -> None:
    """Two tensors begin at one byte; the one without bytes comes first, however the header lists them."""
    header = read(
        file({"b": entry(), "a": entry(shape=(0, 5), offsets=(0, 0)), "c": entry(shape=(0,), offsets=(4, 4))}, bytes(4))
    )
    assert [tensor.name for tensor in header.tensors] == ["a", "b", "c"]


# --- headers that lie ------------------------------------------------------------------------------------------

MALFORMED = {
    "not JSON": file(b"{nonsense"),
    "not UTF-8": file('{"ä":1}'.encode("latin-1")),
    "UTF-16": file(json.dumps({"w": entry()}).encode("utf-16-le"), bytes(4)),
    "empty": file(b""),
    "a list": file([1]),
    "a number": file(b"1"),
    "leading space": file(b' {"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', bytes(4)),
    "NaN": file(b'{"w":{"dtype":"F32","shape":[NaN],"data_offsets":[0,4]}}', bytes(4)),
    "a name twice": file(b'{"w":%s,"w":%s}' % ((json.dumps(entry()).encode(),) * 2), bytes(4)),
    "half a surrogate pair": file(rb'{"\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', bytes(4)),
    "half a pair in metadata": file(rb'{"__metadata__":{"client":"\udfff"}}'),
    "deep nesting": file(b"[" * 100_000),
    "deep nesting inside": file(b'{"w":' * 50_000),
    "a number of 9,000 digits": file(b'{"w":{"dtype":"F32","shape":[%s],"data_offsets":[0,4]}}' % (b"9" * 9000)),
    "no dtype": file({"w": {"shape": [1], "data_offsets": [0, 4]}}, bytes(4)),
    "unknown dtype": file({"w": entry("F31")}, bytes(4)),
    "dtype a list": file({"w": {**entry(), "dtype": ["F32"]}}, bytes(4)),
    "an extra field": file({"w": {**entry(), "more": 1}}, bytes(4)),
    "negative extent": file({"w": entry(shape=(-1, -1))}, bytes(4)),
    "shape of floats": file({"w": {**entry(), "shape": [1.0]}}, bytes(4)),
    "shape of booleans": file({"w": {**entry(), "shape": [True]}}, bytes(4)),
    "shape a string": file({"w": {**entry(), "shape": "1"}}, bytes(4)),
    "shape null": file({"w": {**entry(), "shape": None}}, bytes(4)),
    "33 dimensions": file({"w": entry(shape=(1,) * 33)}, bytes(4)),
    "a product without end": file({"w": entry(shape=(2**62,) * 20_000)}, bytes(4)),
    "three offsets": file({"w": entry(offsets=(0, 4, 8))}, bytes(4)),
    "offsets turned round": file({"w": entry(offsets=(4, 0))}, bytes(4)),
    "bytes that shape and dtype do not need": file({"w": entry(shape=(2,))}, bytes(4)),
    "overlap": file({"a": entry(), "b": entry(offsets=(2, 6))}, bytes(6)),
    "a gap": file({"a": entry(), "b": entry(offsets=(8, 12))}, bytes(12)),
    "metadata of numbers": file({"__metadata__": {"round": 1}}),
    "metadata a list": file({"__metadata__": ["round"]}),
    "too many tensors": file({f"w{i}": entry(shape=(0,), offsets=(0, 0)) for i in range(limits.MAX_TENSORS + 1)}),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_header_that_contradicts_itself_is_refused(name: str) -> None:
    with pytest.raises(UpdateMalformed) as caught:
        read(MALFORMED[name])
    assert caught.value.client == "c"
    str(caught.value).encode()  # it can be written to a ledger


TRUNCATED = {
    "nothing": b"",
    "less than a length": b"1234567",
    "less than the header": (1000).to_bytes(8, "little") + b"{}",
    "a byte short": GOOD[:-1],
    "half": GOOD[: len(GOOD) // 2 + 40],
    "a byte too many": GOOD + b"\0",
    "a tensor of 4 TB": file({"w": entry(shape=(2**40,), offsets=(0, 2**42))}, bytes(4)),
}


@pytest.mark.parametrize("name", TRUNCATED)
def test_a_file_of_another_length_is_refused(name: str) -> None:
    with pytest.raises(UpdateTruncated):
        read(TRUNCATED[name])


@pytest.mark.parametrize("length", [limits.SAFETENSORS_HEADER_BYTES + 1, 2**40, 2**63, 2**64 - 1])
@pytest.mark.parametrize("claimed_size", [None, 2**64])
def test_an_enormous_header_is_never_read(length: int, claimed_size: int | None) -> None:
    """Eight bytes are read, and nothing is allocated from what they say, even where the store claims as much."""
    source = RecordingSource(length.to_bytes(8, "little") + b"{}", claimed_size)
    with pytest.raises(UpdateMalformed, match=str(length)):
        read_header(source)
    assert source.reads == [(0, 8)]


def test_only_the_header_is_read() -> None:
    source = RecordingSource(GOOD)
    header = read_header(source)
    assert max(offset + count for offset, count in source.reads) == header.tensors[0].begin


# --- fuzzing ---------------------------------------------------------------------------------------------------

numbers = st.one_of(st.integers(-1, 9), st.sampled_from([2**31, 2**63 - 1, 2**63, 2**64, 4.0, True, None, "4"]))
names = st.sampled_from(["a", "b", "__metadata__", "", "\udc80"])
entries = st.one_of(
    st.fixed_dictionaries(
        {
            "dtype": st.sampled_from(["F32", "F64", "U8", "BOOL", "F31", 1, None]),
            "shape": st.lists(numbers, max_size=3),
            "data_offsets": st.lists(numbers, min_size=1, max_size=3),
        }
    ),
    st.builds(lambda begin, size: entry("U8", (size,), (begin, begin + size)), st.integers(0, 4), st.integers(0, 4)),
    st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
    numbers,
)
headers = st.dictionaries(names, entries, max_size=3)
bodies = st.one_of(
    st.binary(max_size=64),
    st.builds(lambda header, size: file(header, bytes(size)), headers, st.integers(0, 12)),
    st.builds(
        lambda at, byte: GOOD[:at] + bytes([byte]) + GOOD[at + 1 :],
        st.integers(0, len(GOOD) - 1),
        st.integers(0, 255),
    ),
    st.builds(lambda start, end: GOOD[start : len(GOOD) - end], st.integers(0, 20), st.integers(0, 20)),
)


@given(body=bodies)
def test_what_is_accepted_is_what_the_library_accepts_and_nothing_crashes(body: bytes) -> None:
    try:
        header = read(body)
    except UpdateRefused as error:
        str(error).encode()
        return
    found = {
        name: (info["dtype"], tuple(info["shape"]), len(info["data"])) for name, info in safetensors.deserialize(body)
    }
    assert {t.name: (t.dtype, t.shape, t.end - t.begin) for t in header.tensors} == found


@given(body=bodies)
def test_what_the_library_refuses_is_refused(body: bytes) -> None:
    try:
        safetensors.deserialize(body)
    except safetensors.SafetensorError:
        with pytest.raises(UpdateRefused):
            read(body)


# --- against the model and the round ---------------------------------------------------------------------------


def header_of(**changes: np.ndarray | None) -> Header:
    tensors = {**TENSORS, **changes}
    return read(safetensors.numpy.save({name: array for name, array in tensors.items() if array is not None}))


def test_the_models_own_tensors_pass() -> None:
    check_tensors(header_of(), SPECS)


@pytest.mark.parametrize(
    ("changes", "error", "named"),
    [
        ({"bias": None}, UpdateNamesDiffer, "bias"),
        ({"extra": np.ones(1, np.float32)}, UpdateNamesDiffer, "extra"),
        ({"bias": None, "Bias": TENSORS["bias"]}, UpdateNamesDiffer, "Bias"),
        ({"bias": np.ones(4, np.float32)}, UpdateShapeDiffers, "bias"),
        ({"bias": np.ones((3, 1), np.float32)}, UpdateShapeDiffers, "bias"),
        ({"bias": np.array(1, np.float32)}, UpdateShapeDiffers, "bias"),
        ({"kernel": np.ones((3, 2), np.float32)}, UpdateShapeDiffers, "kernel"),
        ({"bias": np.ones(3, np.float64)}, UpdateDtypeDiffers, "bias"),
        ({"bias": np.ones(3, np.int32)}, UpdateDtypeDiffers, "bias"),
    ],
)
def test_other_tensors_are_refused_by_name(
    changes: dict[str, np.ndarray | None], error: type[UpdateRefused], named: str
) -> None:
    with pytest.raises(error, match=named) as caught:
        check_tensors(header_of(**changes), SPECS, client="c")
    assert caught.value.client == "c"


EXPECTED = weights.update_metadata(run_id="r", round_number=3, client="c", base_sha256="f" * 64, num_examples=17)


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("run_id", "other", UpdateForAnotherRound),
        ("round", "2", UpdateForAnotherRound),
        ("client", "d", UpdateForAnotherRound),
        ("base_sha256", "0" * 64, UpdateForAnotherRound),
        ("num_examples", "18", WrongNumExamples),
        ("num_examples", "017", WrongNumExamples),
        ("round", None, UpdateForAnotherRound),
        ("num_examples", None, WrongNumExamples),
    ],
)
def test_an_update_must_be_made_for_this_round(field: str, value: str | None, error: type[UpdateRefused]) -> None:
    said = {name: text for name, text in {**EXPECTED, field: value}.items() if text is not None}
    header = read(weights.encode(TENSORS, said))
    with pytest.raises(error, match=field):
        check_metadata(header, EXPECTED, client="c")
    check_metadata(read(weights.encode(TENSORS, EXPECTED)), EXPECTED)

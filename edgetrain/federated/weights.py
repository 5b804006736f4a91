"""Weights as safetensors: writing them, and reading a file that somebody else wrote without trusting it.

A file is eight bytes (length of the header, little-endian), the header (JSON: name -> dtype, shape, offsets), then the
tensors' bytes. Reading goes by ranges through a `ByteSource`; nothing is allocated from a length that the file claims before
that length was checked against the file's size and a limit.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import safetensors.numpy

from edgetrain import limits
from edgetrain.contracts import TensorSpec
from edgetrain.errors import (
    UpdateDtypeDiffers,
    UpdateForAnotherRound,
    UpdateMalformed,
    UpdateNamesDiffer,
    UpdateShapeDiffers,
    UpdateTruncated,
    WrongNumExamples,
)

LENGTH_BYTES: Final = 8
METADATA: Final = "__metadata__"
#: safetensors' names of the dtypes that a model or data set of ours may hold, and of those we must recognise to refuse.
BYTES_OF: Final = {
    "BOOL": 1, "U8": 1, "I8": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2,
    "U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8, "C64": 8,
    "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1,
}  # fmt: skip
SAFETENSORS_NAME: Final = {"float32": "F32", "int32": "I32", "int64": "I64"}


class ByteSource(Protocol):
    """Bytes that can be read by ranges."""

    @property
    def size(self) -> int:
        """Length in bytes."""
        ...

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill the whole of `buffer` with the bytes from `offset` on."""
        ...


@dataclass(frozen=True, slots=True)
class TensorLayout:
    """Where a tensor's bytes lie: `begin` to `end`, counted from the start of the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself; tensors in the order of their bytes."""

    tensors: tuple[TensorLayout, ...]
    metadata: Mapping[str, str]


# --- writing -----------------------------------------------------------------------------------------------


def header_bytes(specs: Iterable[TensorSpec], metadata: Mapping[str, str] | None = None) -> bytes:
    """The header of a file that holds `specs` in this order. Equal arguments give equal bytes."""
    header: dict[str, Any] = {METADATA: dict(sorted(metadata.items()))} if metadata else {}
    offset = 0
    for spec in specs:
        dtype = SAFETENSORS_NAME[spec.dtype]
        end = offset + spec.size * BYTES_OF[dtype]
        header[spec.name] = {"dtype": dtype, "shape": list(spec.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % LENGTH_BYTES)  # so that the tensors begin aligned
    return len(text).to_bytes(LENGTH_BYTES, "little") + text


def encode(tensors: Mapping[str, npt.NDArray[Any]], metadata: Mapping[str, str] | None = None) -> bytes:
    """A safetensors file that holds `tensors` in their own order."""
    arrays = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    specs = [TensorSpec(name=n, shape=a.shape, dtype=a.dtype.name) for n, a in arrays.items()]
    little = (array.astype(array.dtype.newbyteorder("<"), copy=False) for array in arrays.values())
    return b"".join([header_bytes(specs, metadata), *(array.tobytes() for array in little)])


def decode(body: bytes) -> dict[str, npt.NDArray[Any]]:
    """All tensors of a file of our own making, in the file's order (a file of somebody else's goes through `read_header`)."""
    tensors = safetensors.numpy.load(body)  # in any order, another one each time
    end = LENGTH_BYTES + int.from_bytes(body[:LENGTH_BYTES], "little")
    return {name: tensors[name] for name in json.loads(body[LENGTH_BYTES:end]) if name != METADATA}


def update_metadata(
    *, run_id: str, round_number: int, client: str, base_sha256: str, num_examples: int
) -> dict[str, str]:
    """What an update says of itself."""
    return {
        "run_id": run_id,
        "round": str(round_number),
        "client": client,
        "base_sha256": base_sha256,
        "num_examples": str(num_examples),
    }


# --- reading ---------------------------------------------------------------------------------------------


def read_header(source: ByteSource, *, client: str = "") -> Header:
    """The header, checked against itself and the file's size.

    Raises:
        UpdateTruncated: the file is shorter or longer than it says.
        UpdateMalformed: it is no safetensors file, or its header contradicts itself.
    """
    if source.size < LENGTH_BYTES:
        raise UpdateTruncated(f"{source.size} bytes: expected at least {LENGTH_BYTES}", client=client)
    start = bytearray(LENGTH_BYTES)
    source.read_into(0, memoryview(start))
    length = int.from_bytes(start, "little")
    if length > limits.SAFETENSORS_HEADER_BYTES:
        raise UpdateMalformed(
            f"the header claims {length} bytes: expected at most {limits.SAFETENSORS_HEADER_BYTES}", client=client
        )
    if LENGTH_BYTES + length > source.size:
        raise UpdateTruncated(f"the header claims {length} bytes and the file has {source.size}", client=client)
    text = bytearray(length)
    source.read_into(LENGTH_BYTES, memoryview(text))
    return _parsed(bytes(text), LENGTH_BYTES + length, source.size, client)


def check_tensors(header: Header, expected: Sequence[TensorSpec], *, client: str = "") -> None:
    """Names, shapes and dtypes are those of the global model.

    Raises:
        UpdateNamesDiffer, UpdateShapeDiffers, UpdateDtypeDiffers: the sentence names the tensor.
    """
    found = {tensor.name: tensor for tensor in header.tensors}
    wanted = {spec.name for spec in expected}
    if found.keys() != wanted:
        missing, extra = sorted(wanted - found.keys())[:5], sorted(found.keys() - wanted)[:5]
        raise UpdateNamesDiffer(f"tensors missing: {missing}; not of the model: {extra}", client=client)
    for spec in expected:
        tensor = found[spec.name]
        if tensor.dtype != SAFETENSORS_NAME[spec.dtype]:
            raise UpdateDtypeDiffers(f"{spec.name} is {tensor.dtype}: expected {spec.dtype}", client=client)
        if tensor.shape != spec.shape:
            raise UpdateShapeDiffers(f"{spec.name} is {tensor.shape}: expected {spec.shape}", client=client)


def check_metadata(header: Header, expected: Mapping[str, str], *, client: str = "") -> None:
    """The update says of itself what its receipt says.

    Raises:
        WrongNumExamples: the number of examples differs.
        UpdateForAnotherRound: run, round, client or base model differ.
    """
    for name, value in expected.items():
        said = header.metadata.get(name)
        if said == value:
            continue
        kind = WrongNumExamples if name == "num_examples" else UpdateForAnotherRound
        raise kind(f"the update says {name} {said!r}: expected {value!r}", client=client)


def _parsed(text: bytes, data_begin: int, size: int, client: str) -> Header:
    try:
        if text[:1] != b"{":
            raise ValueError("it does not begin with {")
        document = json.loads(text.decode(), object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
        metadata = _metadata(document.pop(METADATA, {}))
        if len(document) > limits.MAX_TENSORS:
            raise ValueError(f"{len(document)} tensors: expected at most {limits.MAX_TENSORS}")
        tensors = sorted(
            (_layout(name, entry, data_begin) for name, entry in document.items()), key=lambda t: (t.begin, t.end)
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UpdateMalformed(f"the header cannot be read: {str(error)[:200]}", client=client) from error
    end = data_begin
    for tensor in tensors:
        if tensor.begin != end:
            raise UpdateMalformed(f"{tensor.name[:100]} begins at byte {tensor.begin}: expected {end}", client=client)
        end = tensor.end
    if end != size:
        raise UpdateTruncated(f"the file has {size} bytes: its header says {end}", client=client)
    return Header(tuple(tensors), metadata)


def _layout(name: str, entry: Any, data_begin: int) -> TensorLayout:
    dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    if len(shape) > limits.MAX_DIMENSIONS:  # their product would be a number without end
        raise ValueError(f"{name[:100]}: {len(shape)} dimensions, expected at most {limits.MAX_DIMENSIONS}")
    numbers = [*shape, begin, end]
    if not isinstance(dtype, str) or not all(type(number) is int and 0 <= number < 2**63 for number in numbers):
        raise ValueError(f"{name[:100]}: dtype, shape and offsets are not what they should be")
    if set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{name[:100]}: expected dtype, shape and data_offsets and nothing else")
    if end - begin != prod(shape) * BYTES_OF[dtype]:
        raise ValueError(f"{name[:100]}: {end - begin} bytes are not those of {dtype} {shape}")
    return TensorLayout(name, dtype, tuple(shape), data_begin + begin, data_begin + end)


def _metadata(document: Any) -> dict[str, str]:
    if not isinstance(document, dict) or not all(isinstance(value, str) for value in document.values()):
        raise ValueError("the metadata are not a map of strings")
    return document


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a name occurs twice")
    # JSON can spell half a surrogate pair, UTF-8 cannot: neither a ledger row nor a log could hold the name.
    for text in (*document, *document.values()):
        if isinstance(text, str):
            text.encode()
    return document


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")

"""The exact sum of a tile's updates, and the step from the sums to the next model (docs/adr/0003).

A client contributes q = rint_half_even(n d 2^f) to every parameter, added in int64 modulo 2^64. Working memory is a few
chunks, whatever the model and the number of updates: the outer loop goes over chunks of the parameters, the inner one over
the updates, each read by ranges. Parameters are counted through the tensors in the global model's order.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np
import numpy.typing as npt

from edgetrain.contracts import NumberFormat, TensorSpec
from edgetrain.errors import ObjectNotFound, UpdateMissing, UpdateOutOfBounds, UpdateRefused
from edgetrain.federated.bounds import BLOCK, check_norm, check_values, norm_of, within
from edgetrain.federated.state_arrays import StateArrays
from edgetrain.federated.strategies import Strategy, Sums
from edgetrain.federated.weights import ByteSource, Header, check_tensors, header_bytes, read_header

#: Parameters read at once: 2 MiB of float32, 4 MiB of int64. Larger ones fall out of the caches, smaller ones are more requests.
CHUNK: Final = 1 << 19
#: 1.5 * 2^52. Added to a float64 of magnitude below 2^51 it rounds half to even and leaves the integer in the low bits.
MAGIC: Final = np.float64(1.5 * 2.0**52)
MAGIC_BITS: Final = int(MAGIC.view(np.int64))

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]


class Sink(Protocol):
    """Where results go, piece by piece."""

    def write(self, piece: memoryview) -> None: ...

    def restart(self) -> None:
        """Forget what was written."""
        ...


@dataclass(frozen=True, slots=True)
class Update:
    """A client's update that was sealed: what the receipt says, and the bytes."""

    client: str
    num_examples: int
    source: ByteSource


@dataclass(frozen=True)
class TileSum:
    """What was summed: M over the accepted updates (`weight`, their number for uniform weighting)."""

    weight: int
    examples: int
    accepted: tuple[str, ...]
    refused: tuple[UpdateRefused, ...]


#: What else to check of an update's header: raises `UpdateRefused`.
Admission = Callable[[Header, Update], None]


def sum_updates(
    updates: Sequence[Update],
    specs: Sequence[TensorSpec],
    number_format: NumberFormat,
    weighting: Literal["examples", "uniform"],
    sink: Sink,
    admit: Admission | None = None,
    max_norm: float | None = None,
) -> TileSum:
    """Write the sum of the good updates to `sink`: raw little-endian int64, in the model's order.

    An update that turns out bad while it is summed makes all of them be checked in one pass, and summed again without the bad ones:
    an update is read three times at most. With `max_norm` that pass comes first, because a norm is known at the end of an update:
    two reads. Which updates are refused depends on nothing but their bytes.
    """
    opened, refused = _admitted(updates, specs, number_format, weighting, admit)
    checked = max_norm is not None
    if checked or not _sum(opened, specs, number_format, sink):
        if not checked:
            sink.restart()
        good = []
        for each in opened:
            try:
                each.check(specs, number_format.max_abs_delta, max_norm)
            except UpdateRefused as error:
                refused.append(error)
            else:
                good.append(each)
        opened = good
        if not _sum(opened, specs, number_format, sink):
            raise RuntimeError("an update changed between two reads of one version")
    return TileSum(
        weight=sum(each.weight for each in opened),
        examples=sum(each.update.num_examples for each in opened),
        accepted=tuple(each.update.client for each in opened),
        refused=tuple(refused),
    )


def close(
    partials: Sequence[ByteSource],
    base: ByteSource,
    specs: Sequence[TensorSpec],
    weight: int,
    number_format: NumberFormat,
    strategy: Strategy,
    write: Callable[[bytes | memoryview], None],
    *,
    state: Mapping[str, ByteSource] | None = None,
    write_state: Mapping[str, Callable[[memoryview], None]] | None = None,
) -> None:
    """Combine partial sums and write the next global model as a whole safetensors file.

    `state` is the strategy's after the round before (None in the first round), `write_state` takes the one after this round; both
    by the arrays' names, raw little-endian float64 in the model's order.

    Raises:
        ValueError: there is no partial sum, one has not the model's size, `weight` is not positive, or the arrays of the state are
            others than the strategy's.
    """
    parameters = sum(spec.size for spec in specs)
    memory = StateArrays(strategy, parameters, min(CHUNK, parameters), state, write_state or {})
    if weight <= 0 or not partials or any(partial.size != 8 * parameters for partial in partials):
        raise ValueError(f"expected partial sums of {8 * parameters} bytes and a positive weight, not {weight}")
    header = read_header(base)
    check_tensors(header, specs)
    reader = _Reader(base, header, specs)
    write(header_bytes(specs))
    params = np.empty(min(CHUNK, parameters), np.float32)
    total, addend = (np.empty(len(params), "<i8") for _ in range(2))
    for start, stop in _chunks(parameters):
        count = stop - start
        reader.read(start, params[:count])
        for number, partial in enumerate(partials):
            into = addend if number else total
            partial.read_into(8 * start, into[:count].data.cast("B"))
            if number:
                total[:count] += addend[:count]
        memory.read(start, params[:count])
        for low in range(0, count, BLOCK):
            block = slice(low, min(low + BLOCK, count))
            sums = Sums(total[block], weight, number_format.fraction_bits)
            params[block], following = strategy.apply(params[block], memory.block(block), sums)
            memory.replace(block, following)
        write(params[:count].astype("<f4", copy=False).data.cast("B"))
        memory.write(count)


@dataclass(frozen=True, slots=True)
class _Reader:
    """A file's float32 parameters by their number in the model's order, whatever the order in the file."""

    source: ByteSource
    runs: tuple[tuple[int, int, int], ...]  # first parameter, end, byte offset: contiguous in model and file

    def __init__(self, source: ByteSource, header: Header, specs: Sequence[TensorSpec]) -> None:
        by_name = {tensor.name: tensor for tensor in header.tensors}
        runs: list[tuple[int, int, int]] = []
        first = 0
        for spec in specs:
            tensor, end = by_name[spec.name], first + spec.size
            if runs and runs[-1][2] + 4 * (first - runs[-1][0]) == tensor.begin:
                runs[-1] = (runs[-1][0], end, runs[-1][2])
            else:
                runs.append((first, end, tensor.begin))
            first = end
        object.__setattr__(self, "source", source)
        object.__setattr__(self, "runs", tuple(runs))

    def read(self, start: int, into: Float32) -> None:
        """Parameters `start` to `start + len(into)`."""
        stop, view = start + len(into), into.data.cast("B")
        for first, end, offset in self.runs:
            low, high = max(first, start), min(end, stop)
            if low < high:
                self.source.read_into(offset + 4 * (low - first), view[4 * (low - start) : 4 * (high - start)])


@dataclass(frozen=True, slots=True)
class _Opened:
    update: Update
    weight: int
    reader: _Reader

    def check(self, specs: Sequence[TensorSpec], bound: float, max_norm: float | None) -> None:
        """Read the whole update once; raise for the first tensor that is not finite or out of bounds, then for the norm."""
        check_norm(norm_of(self._checked(specs, bound)), max_norm, client=self.update.client)

    def _checked(self, specs: Sequence[TensorSpec], bound: float) -> Iterator[Float32]:
        """The update in pieces, each of which is checked; the piece's memory is used again for the next one."""
        client, first = self.update.client, 0
        buffer = np.empty(min(CHUNK, max((spec.size for spec in specs), default=0)), np.float32)
        for spec in specs:
            for start, stop in _chunks(spec.size):
                part = buffer[: stop - start]
                self.reader.read(first + start, part)
                check_values(spec.name, part, bound, client=client)
                yield part
            first += spec.size


def _admitted(
    updates: Sequence[Update],
    specs: Sequence[TensorSpec],
    number_format: NumberFormat,
    weighting: Literal["examples", "uniform"],
    admit: Admission | None,
) -> tuple[list[_Opened], list[UpdateRefused]]:
    opened: list[_Opened] = []
    refused: list[UpdateRefused] = []
    for update in updates:
        try:
            if not 1 <= update.num_examples <= number_format.max_examples:
                raise UpdateOutOfBounds(
                    f"num_examples is {update.num_examples}: expected 1 to {number_format.max_examples}",
                    client=update.client,
                )
            header = read_header(update.source, client=update.client)
            check_tensors(header, specs, client=update.client)
            if admit is not None:
                admit(header, update)
        except UpdateRefused as error:
            refused.append(error)
        except ObjectNotFound as error:
            refused.append(UpdateMissing(f"its sealed version is gone: {error}", client=update.client))
        else:
            weight = update.num_examples if weighting == "examples" else 1
            opened.append(_Opened(update, weight, _Reader(update.source, header, specs)))
    return opened, refused


def _sum(opened: Sequence[_Opened], specs: Sequence[TensorSpec], number_format: NumberFormat, sink: Sink) -> bool:
    """Whether all updates were good; if not, what `sink` holds is worthless."""
    parameters = sum(spec.size for spec in specs)
    delta, total = np.empty(min(CHUNK, parameters), np.float32), np.empty(min(CHUNK, parameters), np.int64)
    scratch = np.empty(min(BLOCK, parameters), np.float64)
    # What the additions of MAGIC_BITS come to, taken off beforehand; modulo 2^64 like everything here.
    offset = np.uint64(-len(opened) * MAGIC_BITS % 2**64).view(np.int64)
    for start, stop in _chunks(parameters):
        part, sums = delta[: stop - start], total[: stop - start]
        sums[:] = offset
        for each in opened:
            each.reader.read(start, part)
            scale = np.float64(each.weight * 2.0**number_format.fraction_bits)
            if not _accumulate(part, scale, number_format.max_abs_delta, sums, scratch):
                return False
        sink.write(sums.astype("<i8", copy=False).data.cast("B"))
    return True


def _accumulate(
    delta: Float32, scale: np.float64, bound: float, total: Int64, scratch: npt.NDArray[np.float64]
) -> bool:
    """`total += rint(delta * scale) + MAGIC_BITS`; False as soon as an element is out of bounds."""
    for start in range(0, len(delta), BLOCK):
        block = delta[start : start + BLOCK]
        if not within(block, bound):
            return False
        contribution = scratch[: len(block)]
        np.copyto(contribution, block)  # faster than letting the product convert
        np.multiply(contribution, scale, out=contribution)
        np.add(contribution, MAGIC, out=contribution)
        total[start : start + BLOCK] += contribution.view(np.int64)
    return True


def _chunks(parameters: int) -> Iterator[tuple[int, int]]:
    return ((start, min(start + CHUNK, parameters)) for start in range(0, parameters, CHUNK))

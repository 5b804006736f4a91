"""A round made again from its updates, by the functions that made it, and held against what is stored byte by byte."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

from edgetrain import keys
from edgetrain.contracts import (
    ClosedRound,
    Cohort,
    ModelPointer,
    Refusal,
    RunRecord,
    SealedRound,
    StatePointer,
    TaskSpec,
)
from edgetrain.federated import aggregation
from edgetrain.federated.aggregation import TileSum
from edgetrain.federated.schedules import server_rate
from edgetrain.federated.strategies import get_strategy, state_names
from edgetrain.federated.weights import ByteSource
from edgetrain.rounds.aggregate_tile import sum_tile
from edgetrain.rounds.close_round import counted, made_from
from edgetrain.rounds.stores import refusal_of
from edgetrain.stores.base import ObjectStore, sha256_of
from edgetrain.verification.findings import Findings
from edgetrain.verification.made import Made, byte_of, first_difference, place_of

Pointer = ModelPointer | StatePointer
MISSING_UPDATE = "UpdateMissing"


@dataclass
class Start:
    """What a round starts from: the model before it and the strategy's state, None before the first round."""

    model: ByteSource
    state: Mapping[str, ByteSource] | None


@dataclass
class Remade:
    """A round's model and state, made again. `tiles` are the sums' accepted and refused clients."""

    model: Made = field(default_factory=Made)
    state: dict[str, Made] = field(default_factory=dict)
    tiles: list["TileRefusals"] = field(default_factory=list)

    def close(self) -> None:
        """Give the disk back."""
        for made in (self.model, *self.state.values()):
            made.close()

    def start(self) -> Start:
        """What the next round starts from."""
        return Start(self.model, self.state)


@dataclass(frozen=True)
class TileRefusals:
    """As a tile's record has them."""

    accepted: tuple[str, ...]
    refused: tuple[Refusal, ...]


class Recomputation:
    """Makes rounds of one run again."""

    def __init__(self, store: ObjectStore, run: RunRecord, spec: TaskSpec, findings: Findings) -> None:
        self._store, self._run, self._spec, self._findings = store, run, spec, findings

    def updates_are_intact(self, sealed: SealedRound, closed: ClosedRound) -> bool:
        """Whether each update's sealed version is there with the recorded bytes; one that was refused as missing may be missing."""
        before = len(self._findings.found)
        gone = {refusal.client for refusal in closed.refused if refusal.error == MISSING_UPDATE}
        for receipt in sealed.accepted:
            add = partial(self._findings.add, key=receipt.key, client=receipt.client, version_id=receipt.version_id)
            what = f"{receipt.key} (version {receipt.version_id}), the update of {receipt.client},"
            found = self._store.find(receipt.key, version_id=receipt.version_id)
            if found is None:
                if receipt.client not in gone:
                    add("missing", message=f"{what} is not there")
                continue
            if found.size != receipt.size:
                says = f"{what} has {found.size} bytes: {receipt.size} were sealed"
                add("altered", message=says, byte=min(found.size, receipt.size))
                continue
            # Read, and not asked for: what S3 says of an object is no proof of its bytes.
            sha256 = sha256_of(self._store.open(receipt.key, version_id=receipt.version_id, size=receipt.size))
            if sha256 != receipt.sha256:
                add("altered", message=f"{what} has the SHA-256 {sha256}: {receipt.sha256} was sealed")
        return len(self._findings.found) == before

    def stored(self, pointer: Pointer, *, told: bool = True) -> ByteSource | None:
        """The object that `pointer` names, its bytes read and checked; None, and a finding if `told`, when it is not what is recorded."""
        found = self._store.find(pointer.key)
        if found is None:
            if told:
                self._findings.add("missing", pointer.key, f"{pointer.key} is not there")
            return None
        source = self._store.open(pointer.key, version_id=found.version_id, size=found.size)
        sha256 = sha256_of(source)
        if sha256 == pointer.sha256:
            return source
        if told:
            says = f"{pointer.key} has the SHA-256 {sha256}: {pointer.sha256} was recorded"
            self._findings.add("altered", pointer.key, says)
        return None

    def remake(self, cohort: Cohort, sealed: SealedRound, start: Start) -> Remade | None:
        """The round from its updates, whose bytes were checked; None, and a finding, when nothing of them can be added."""
        strategy = get_strategy(self._run.input.strategy, server_rate(self._run, cohort))
        with ExitStack() as partials, ExitStack() as undo:
            made = Remade(state={name: Made() for name in state_names(strategy)})
            undo.callback(made.close)
            sources: list[Made] = []
            weight = 0
            for tile in sealed.tiles:
                sources.append(Made())
                partials.callback(sources[-1].close)
                receipts = sealed.accepted[tile.start : tile.stop]
                summed = sum_tile(self._store, self._run, cohort, receipts, self._spec, sources[-1])
                weight += summed.weight
                made.tiles.append(_refusals(cohort, summed))
            if weight <= 0:
                spec = keys.program_file(self._run.task, self._run.program_id, keys.SPEC_FILE)
                key = keys.closed_round(self._run.run_id, cohort.round)
                self._findings.add("differs", key, f"{key}: none of its updates fits the model that {spec} describes")
                return None
            aggregation.close(
                sources,
                start.model,
                self._spec.weights,
                weight,
                cohort.number_format,
                strategy,
                made.model.write,
                state=start.state if made.state else None,
                write_state={name: array.write for name, array in made.state.items()},
            )
            undo.pop_all()
        return made

    def hold(self, made: Remade, closed: ClosedRound, cohort: Cohort, sealed: SealedRound) -> tuple[bool, bool]:
        """Hold record and stored objects against what was made again; each difference is a finding.

        Returns whether there is none, and whether the next round started from what was made again: it did where an object or at
        least its record says so.
        """
        before = len(self._findings.found)
        self._hold_record(made, closed, cohort, sealed)
        key = keys.global_model(self._run.run_id, closed.round)
        stand = [self._hold_bytes(made.model, key, closed.next, width=4)]
        recorded = {each.name: each for each in closed.state}
        for name, array in made.state.items():
            key = keys.strategy_state(self._run.run_id, closed.round, name)
            stand.append(self._hold_bytes(array, key, recorded.get(name), width=8))
        return len(self._findings.found) == before, all(stand)

    def _hold_record(self, made: Remade, closed: ClosedRound, cohort: Cohort, sealed: SealedRound) -> None:
        key = keys.closed_round(self._run.run_id, closed.round)
        accepted, refused = counted(sealed, made.tiles)
        for name, value in made_from(cohort, accepted, refused).items():
            said = getattr(closed, name)
            if name == "refused":  # the sentences are for people, and may be worded anew
                said, value = _reasons(said), _reasons(value)
            if said == value:
                continue
            client = None
            if isinstance(value, tuple):
                odd = {
                    getattr(each, "client", each[0] if isinstance(each, tuple) else "") for each in {*said} ^ {*value}
                }
                client = min(odd, default=None)
                says = f"{key}: {name} is another list than was made again, first at client {client}"
            else:
                says = f"{key}: {name} is {said}: {value} was made again"
            self._findings.add("differs", key, says, client=client)
        if extra := {each.name for each in closed.state} - made.state.keys():
            self._findings.add("differs", key, f"{key}: its strategy has no state {', '.join(sorted(extra))}")

    def _hold_bytes(self, made: Made, key: str, pointer: Pointer | None, *, width: int) -> bool:
        """`made` is what lies under `key`, and what the record says of it; returns whether it is one of the two."""
        record = keys.closed_round(self._run.run_id, self._findings.round or 0)
        sha256 = made.sha256()
        recorded = pointer is not None and (pointer.key, pointer.sha256) == (key, sha256)
        if not recorded:
            named = "nothing" if pointer is None else f"{pointer.key} with the SHA-256 {pointer.sha256}"
            says = f"{record} names {named}: made again were the bytes of {key} with {sha256}"
            self._findings.add("differs", record, says)
        found = self._store.find(key)
        if found is None:
            self._findings.add("missing", key, f"{key} is not there")
            return recorded
        stored = self._store.open(key, version_id=found.version_id, size=found.size)
        byte = first_difference(made, stored)
        if byte is not None:
            place = place_of(byte, self._spec.weights, width=width)
            says = (
                f"{key}: byte {byte} ({place}) is {byte_of(stored, byte)}: "
                f"{byte_of(made, byte)} was made again from the round's updates"
            )
            self._findings.add("altered" if recorded else "differs", key, says, byte=byte)
        return recorded or byte is None


def _refusals(cohort: Cohort, summed: TileSum) -> TileRefusals:
    refused = tuple(refusal_of(cohort.run_id, cohort.round, error) for error in summed.refused)
    return TileRefusals(summed.accepted, refused)


def _reasons(refusals: Sequence[Refusal]) -> tuple[tuple[str, str], ...]:
    return tuple((refusal.client, refusal.error) for refusal in refusals)

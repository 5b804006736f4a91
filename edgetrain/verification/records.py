"""A round's records: read, held against the chain, and against each other."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from edgetrain import keys
from edgetrain.contracts import (
    ClosedRound,
    Cohort,
    Contract,
    EvaluatedRound,
    ModelPointer,
    RunRecord,
    SealedRound,
    UpdateEntry,
)
from edgetrain.errors import DataInvalid, ObjectNotFound
from edgetrain.federated import number_format, sampling
from edgetrain.rounds.close_round import entry_of
from edgetrain.stores.base import ObjectStore, parse_record
from edgetrain.verification.findings import Findings

Record = TypeVar("Record", bound=Contract)


@dataclass(frozen=True)
class Link:
    """A record that the next one must name: where it lies, the round it is of (0: the run's) and its bytes' SHA-256, if it is there."""

    key: str
    round: int
    sha256: str | None


@dataclass(frozen=True)
class RoundRecords:
    """A round's records, as far as they are there and can be read."""

    link: Link
    closed: ClosedRound | None
    cohort: Cohort | None
    sealed: SealedRound | None


class Records:
    """Reads the records of a run and says what is wrong with them."""

    def __init__(self, store: ObjectStore, findings: Findings) -> None:
        self._store, self._findings = store, findings
        self._chained = False

    def read(self, key: str, kind: type[Record]) -> tuple[Record | None, str | None]:
        """The record and the SHA-256 of its bytes; None for what is not there or cannot be read, which is a finding."""
        try:
            body = self._store.get(key)
        except ObjectNotFound:
            self._findings.add("missing", key, f"{key} is not there")
            return None, None
        sha256 = hashlib.sha256(body).hexdigest()
        try:
            return parse_record(body, key, kind), sha256
        except DataInvalid as error:
            self._findings.add("unreadable", key, str(error))
            return None, sha256

    def of_round(self, run: RunRecord, number: int, previous: Link, *, is_last: bool) -> RoundRecords:
        """The round's records, held against the chain; that of its evaluation may be missing in the last round alone."""
        key = keys.closed_round(run.run_id, number)
        closed, sha256 = self.read(key, ClosedRound)
        cohort_key, sealed_key = keys.cohort(run.run_id, number), keys.sealed_round(run.run_id, number)
        cohort, cohort_sha256 = self.read(cohort_key, Cohort)
        sealed, sealed_sha256 = self.read(sealed_key, SealedRound)
        if closed is not None:
            links = (
                (previous, closed.previous_sha256),
                (Link(cohort_key, number, cohort_sha256), closed.cohort_sha256),
                (Link(sealed_key, number, sealed_sha256), closed.sealed_sha256),
            )
            self._check_links(key, links)
            self._check_evaluated(run, closed, is_last=is_last)
        return RoundRecords(Link(key, number, sha256), closed, cohort, sealed)

    def _check_links(self, key: str, links: Iterable[tuple[Link, str | None]]) -> None:
        """Each link's bytes have the SHA-256 that the record under `key` names, if it names any: older rounds do not."""
        named = [sha256 is not None for _, sha256 in links]
        if not all(named) and (any(named) or self._chained):
            self._findings.add(
                "chain", key, f"{key} does not name the SHA-256 of all records before it: expected, as in the others"
            )
        self._chained = self._chained or any(named)
        for link, sha256 in links:
            if None not in (sha256, link.sha256) and sha256 != link.sha256:
                self._findings.add(
                    "altered",
                    link.key,
                    f"{link.key} has the SHA-256 {link.sha256}: {key} was made from one that has {sha256}",
                    round_number=link.round,
                )

    def _check_evaluated(self, run: RunRecord, closed: ClosedRound, *, is_last: bool) -> None:
        key = keys.evaluated_round(run.run_id, closed.round)
        if is_last and self._store.find(key) is None:
            return
        evaluated, _ = self.read(key, EvaluatedRound)
        if evaluated is not None and evaluated.closed != closed:
            names = ", ".join(_other_fields(evaluated.closed, closed))
            self._findings.add("differs", key, f"{key} holds another closed round than closed.json: {names} differ")

    def check(self, run: RunRecord, records: RoundRecords, base: ModelPointer | None) -> bool:
        """What the records say of each other, before anything is added up. `base` is the model before, where it is known.

        Returns whether they agree, all three of them.
        """
        before = len(self._findings.found)
        number = records.link.round
        if records.cohort is not None:
            self._check_cohort(run, records.cohort, number, base)
        if records.cohort is not None and records.sealed is not None:
            self._check_sealed(run, records.cohort, records.sealed)
        if records.closed is not None and records.sealed is not None:
            self._check_accepted(records.link.key, records.closed, records.sealed)
        whole = None not in (records.closed, records.cohort, records.sealed)
        return whole and len(self._findings.found) == before

    def _check_cohort(self, run: RunRecord, cohort: Cohort, number: int, base: ModelPointer | None) -> None:
        given = run.input
        expected: dict[str, Any] = {
            "run_id": run.run_id,
            "round": number,
            "number_format": number_format.choose(len(cohort.clients), given.max_abs_delta, given.max_examples),
        }
        if base is not None:
            expected["base"] = base
        key = keys.cohort(run.run_id, number)
        for name, value in expected.items():
            if getattr(cohort, name) != value:
                self._findings.add("differs", key, f"{key}: {name} is {getattr(cohort, name)}: expected {value}")

    def _check_sealed(self, run: RunRecord, cohort: Cohort, sealed: SealedRound) -> None:
        key = keys.sealed_round(run.run_id, cohort.round)
        if (sealed.run_id, sealed.round) != (cohort.run_id, cohort.round):
            self._findings.add("differs", key, f"{key} is of run {sealed.run_id}, round {sealed.round}")
        if sealed.tiles != sampling.tiles(len(sealed.accepted), run.input.updates_per_tile):
            self._findings.add("differs", key, f"{key}: its tiles are not those of {len(sealed.accepted)} updates")
        members = {member.client: member for member in cohort.clients}
        seen: set[str] = set()
        for receipt in sealed.accepted:
            member = members.get(receipt.client)
            wrong = None
            if receipt.client in seen:
                wrong = "is accepted twice"
            elif member is None:
                wrong = "is not of the cohort"
            elif receipt.num_examples != member.num_examples:
                wrong = f"has {receipt.num_examples} examples: its cohort says {member.num_examples}"
            elif receipt.key != (named := keys.update(run.run_id, cohort.round, receipt.client)):
                wrong = f"has its update under {receipt.key}: expected {named}"
            if wrong:
                self._findings.add("differs", key, f"{key}: {receipt.client} {wrong}", client=receipt.client)
            seen.add(receipt.client)

    def _check_accepted(self, key: str, closed: ClosedRound, sealed: SealedRound) -> None:
        """Every update that went into the round was sealed as it stands there, and none is forgotten."""
        entries = {receipt.client: entry_of(receipt) for receipt in sealed.accepted}
        refused = {refusal.client for refusal in closed.refused}
        for entry in closed.updates:
            other = entries.pop(entry.client, None)
            if other != entry:
                self._add_entry(key, entry, "sealed.json does not list it" if other is None else _said(other, entry))
        for entry in entries.values():
            if entry.client not in refused:
                self._add_entry(key, entry, "sealed.json accepts it, and closed.json neither counts nor refuses it")

    def _add_entry(self, key: str, entry: UpdateEntry, what: str) -> None:
        self._findings.add(
            "differs",
            key,
            f"{key}: the update of {entry.client}: {what}",
            client=entry.client,
            version_id=entry.version_id,
        )


def _said(sealed: UpdateEntry, closed: UpdateEntry) -> str:
    return "; ".join(
        f"{name} is {getattr(sealed, name)} in sealed.json and {getattr(closed, name)} in closed.json"
        for name in _other_fields(sealed, closed)
    )


def _other_fields(one: Contract, other: Contract) -> list[str]:
    return [name for name in type(one).model_fields if getattr(one, name) != getattr(other, name)]

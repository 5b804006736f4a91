"""What a verification says: verdicts, and what is not what it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

#: missing: there is no such object. unreadable: it is no record of its kind. altered: its bytes are not those that were recorded of it.
#: chain: a record does not name the record before it. differs: it says something else than what follows from what it was made from.
Code = Literal["missing", "unreadable", "altered", "chain", "differs"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One object that is not what it should be. `byte` counts from 0 and is the first that differs, where that can be known."""

    code: Code
    key: str
    message: str
    round: int | None = None
    client: str | None = None
    version_id: str | None = None
    byte: int | None = None


@dataclass(frozen=True, kw_only=True)
class RoundVerdict:
    """One round. `recomputed`: model and state were made again and are the same bits, in store and record."""

    round: int
    updates: int
    recomputed: bool
    chained: bool
    closed_sha256: str | None


@dataclass(frozen=True, kw_only=True)
class RunVerdict:
    """A run. `head_sha256` is of its last round's record: with a chain, all records before it hang on this one number."""

    run_id: str
    rounds: tuple[RoundVerdict, ...]
    findings: tuple[Finding, ...]

    @property
    def verified(self) -> bool:
        """Nothing was found, and every round was made again."""
        return not self.findings and all(each.recomputed for each in self.rounds)

    @property
    def chained(self) -> bool:
        """Every round's record names the one before."""
        return all(each.chained for each in self.rounds)

    @property
    def head_sha256(self) -> str | None:
        return self.rounds[-1].closed_sha256 if self.rounds else None


@dataclass
class Findings:
    """What was found until now, and of which round it is that is looked at."""

    found: list[Finding] = field(default_factory=list)
    round: int | None = None

    def add(
        self,
        code: Code,
        key: str,
        message: str,
        *,
        client: str | None = None,
        version_id: str | None = None,
        byte: int | None = None,
        round_number: int | None = None,
    ) -> None:
        """One more; `round_number` where it is not of the round that is looked at (0: of the run)."""
        number = self.round if round_number is None else round_number or None
        self.found.append(
            Finding(code=code, key=key, message=message, round=number, client=client, version_id=version_id, byte=byte)
        )

    @contextmanager
    def of_round(self, number: int) -> Iterator[None]:
        """What is found meanwhile is of this round."""
        self.round = number
        yield
        self.round = None

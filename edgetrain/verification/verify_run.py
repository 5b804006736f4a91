"""A whole run: from its first model round by round, each from what was made again of the one before."""

import re
from collections.abc import Callable
from contextlib import suppress
from itertools import count

from edgetrain import keys
from edgetrain.contracts import ClosedRound, Cohort, ModelPointer, RunRecord, TaskSpec
from edgetrain.errors import RunNotFound
from edgetrain.federated.strategies import get_strategy, state_names
from edgetrain.stores.base import ObjectStore
from edgetrain.verification.findings import Findings, RoundVerdict, RunVerdict
from edgetrain.verification.recomputation import Recomputation, Remade, Start
from edgetrain.verification.records import Link, Records, RoundRecords

Progress = Callable[[int, int], None]


def verify_run(runs: ObjectStore, models: ObjectStore, run_id: str, progress: Progress | None = None) -> RunVerdict:
    """Make every closed round of a run again and check each record; `progress` is told how many rounds of how many are done.

    Reads RunsBucket, and the task's description in ModelsBucket. Needs memory for a few chunks of the model, and disk for two models
    with their states and one round's sums.

    Raises:
        RunNotFound: nothing of such a run is there.
    """
    if re.match(keys.ID_PATTERN, run_id) is None or next(iter(runs.keys(keys.run_prefix(run_id))), None) is None:
        raise RunNotFound(f"there is no run {run_id!r}: `edgetrain runs list` shows those that there are")
    findings = Findings()
    records = Records(runs, findings)
    run, sha256 = records.read(keys.run_record(run_id), RunRecord)
    verdicts: tuple[RoundVerdict, ...] = ()
    if run is not None:
        spec, _ = Records(models, findings).read(keys.program_file(run.task, run.program_id, keys.SPEC_FILE), TaskSpec)
        if spec is not None:
            link = Link(keys.run_record(run_id), 0, sha256)
            verification = _Verification(runs, run, records, Recomputation(runs, run, spec, findings), findings)
            verdicts = verification.rounds(link, _last_round(runs, run_id), progress or (lambda _done, _total: None))
    return RunVerdict(run_id=run_id, rounds=verdicts, findings=tuple(findings.found))


class _Verification:
    """Goes through the rounds and remembers what the next one starts from."""

    def __init__(
        self, store: ObjectStore, run: RunRecord, records: Records, recomputation: Recomputation, findings: Findings
    ) -> None:
        self._store, self._run, self._findings = store, run, findings
        self._records, self._recomputation = records, recomputation
        self._made: Remade | None = None
        self._last: ClosedRound | None = None

    def rounds(self, link: Link, last: int, progress: Progress) -> tuple[RoundVerdict, ...]:
        """The verdicts of rounds 1 to `last`; the first hangs on `link`."""
        verdicts = []
        try:
            for number in range(1, last + 1):
                with self._findings.of_round(number):
                    records = self._records.of_round(self._run, number, link, is_last=number == last)
                    verdicts.append(self._verdict(number, records))
                link, self._last = records.link, records.closed
                progress(number, last)
        finally:
            self._keep(None)
        return tuple(verdicts)

    def _verdict(self, number: int, records: RoundRecords) -> RoundVerdict:
        closed = records.closed
        links = () if closed is None else (closed.previous_sha256, closed.cohort_sha256, closed.sealed_sha256)
        return RoundVerdict(
            round=number,
            updates=0 if closed is None else len(closed.updates),
            recomputed=self._remake(number, records),
            chained=bool(links) and None not in links,
            closed_sha256=records.link.sha256,
        )

    def _remake(self, number: int, records: RoundRecords) -> bool:
        """Whether the round was made again and is the same; what it made is kept for the next one."""
        agree = self._records.check(self._run, records, self._base(number))
        closed, cohort, sealed = records.closed, records.cohort, records.sealed
        if closed is None or cohort is None or sealed is None:
            self._keep(None)
            return False
        intact = self._recomputation.updates_are_intact(sealed, closed)
        start = self._start(number, cohort)
        made = self._recomputation.remake(cohort, sealed, start) if agree and intact and start is not None else None
        if made is None:
            # The bytes can still be held against the record, though not against the updates.
            self._recomputation.stored(closed.next)
            for pointer in closed.state:
                self._recomputation.stored(pointer)
            self._keep(None)
            return False
        same, stands = self._recomputation.hold(made, closed, cohort, sealed)
        self._keep(made)
        if not stands:  # the next round started from something else: it is judged by itself
            self._keep(None)
        return same

    def _base(self, number: int) -> ModelPointer | None:
        """The model that round `number` must start from, where the record before is there to say so."""
        if number == 1:
            return ModelPointer(key=keys.global_model(self._run.run_id, 0), sha256=self._run.initial_sha256)
        if self._made is not None:
            return ModelPointer(key=keys.global_model(self._run.run_id, number - 1), sha256=self._made.model.sha256())
        return None if self._last is None else self._last.next

    def _start(self, number: int, cohort: Cohort) -> Start | None:
        """What was made again of the round before, or else what is stored, where its bytes are those that were recorded."""
        if self._made is not None:
            return self._made.start()
        # After the first round what is wrong here was found with the round that made it.
        model = self._recomputation.stored(cohort.base, told=number == 1)
        names = state_names(get_strategy(self._run.input.strategy))
        if number == 1 or not names or model is None:
            return None if model is None else Start(model, None)
        arrays = {}
        for pointer in () if self._last is None else self._last.state:
            source = self._recomputation.stored(pointer, told=False)
            if source is not None:
                arrays[pointer.name] = source
        return Start(model, arrays) if arrays.keys() == set(names) else None

    def _keep(self, made: Remade | None) -> None:
        if self._made is not None:
            self._made.close()
        self._made = made


def _last_round(store: ObjectStore, run_id: str) -> int:
    """The last round that was closed, as far as any object tells: one record that is gone does not hide the others.

    A round whose model is there, and neither its record nor its evaluation, is being closed.
    """
    numbers = [0]
    for key in store.keys(keys.globals_prefix(run_id)):
        with suppress(ValueError):  # somebody else's object
            numbers.append(int(key.removeprefix(keys.globals_prefix(run_id)).partition(".")[0]))

    def is_closed(number: int) -> bool:
        named = (keys.closed_round(run_id, number), keys.evaluated_round(run_id, number))
        return any(store.find(key) is not None for key in named)

    last = max(numbers)
    if last and not is_closed(last):
        last -= 1
    return next(number for number in count(last) if not is_closed(number + 1))

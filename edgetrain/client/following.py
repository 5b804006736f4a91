"""Following a run: how it stands now, again and again, until it ends."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from edgetrain import keys
from edgetrain.client.documents import RoundDocument
from edgetrain.client.executions import Status
from edgetrain.client.federation import Federation
from edgetrain.client.runs import StartedRun, read_round
from edgetrain.contracts import Cohort, RunRecord
from edgetrain.errors import ObjectNotFound, RunNotFound, TransientError
from edgetrain.stores.base import read_record

Clock = Callable[[], float]
#: How long the cloud may be out of reach before following gives up.
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class LiveRound:
    """The round that is being played. `trained` clients have a receipt, with `examples` behind them."""

    round: int
    clients: int
    trained: int
    refused: int
    examples: int
    seconds: float


@dataclass(frozen=True)
class RunProgress:
    """A look at a run. `rounds` is how many were asked for, or None before the run's record is there."""

    run_id: str
    status: Status
    rounds: int | None
    done: tuple[RoundDocument, ...]
    live: LiveRound | None

    @property
    def ended(self) -> bool:
        return self.status != "RUNNING"


class RunWatcher:
    """Looks at a run that one execution plays; remembers finished rounds, because they never change."""

    def __init__(self, federation: Federation, run: StartedRun, *, clock: Clock = time.time) -> None:
        self._federation, self._run, self._clock = federation, run, clock
        self._record: RunRecord | None = None
        self._done: list[RoundDocument] = []
        self._cohort: Cohort | None = None

    def look(self) -> RunProgress:
        """How the run stands.

        Raises:
            RunNotFound: Step Functions does not know the execution.
        """
        # The execution is asked first: when it has ended, everything that is read after that is final.
        execution = self._federation.executions.describe(self._run.execution_arn)
        if execution is None:
            raise RunNotFound(f"there is no execution {self._run.execution_arn}")
        record = self._read_record()
        if record is not None:
            self._read_done(record)
        ended = execution.status != "RUNNING"
        return RunProgress(
            run_id=self._run.run_id,
            status=execution.status,
            rounds=None if self._record is None else self._record.input.rounds,
            done=tuple(self._done),
            live=None if ended or self._record is None else self._live(),
        )

    def _read_record(self) -> RunRecord | None:
        if self._record is None and self._is_played_by_it():
            self._record = read_record(self._federation.runs, keys.run_record(self._run.run_id), RunRecord)
        return self._record

    def _is_played_by_it(self) -> bool:
        """Whether StartRun has taken the run up for this execution. One that was refused has no part in a run of that id."""
        try:
            return self._federation.ledger.run(self._run.run_id).execution_arn == self._run.execution_arn
        except RunNotFound:
            return False

    def _read_done(self, record: RunRecord) -> None:
        """Rounds that are evaluated since the last look: one that is only closed has no accuracy yet."""
        while self._federation.runs.find(keys.evaluated_round(self._run.run_id, len(self._done) + 1)) is not None:
            document = read_round(self._federation, record, len(self._done) + 1)
            if document is None:
                return
            self._done.append(document)

    def _live(self) -> LiveRound | None:
        number = len(self._done) + 1
        run_id, ledger = self._run.run_id, self._federation.ledger
        if self._cohort is None or self._cohort.round != number:
            try:
                self._cohort = read_record(self._federation.runs, keys.cohort(run_id, number), Cohort)
            except ObjectNotFound:
                return None
        receipts = ledger.receipts(run_id, number)
        trained = {receipt.client for receipt in receipts}
        refused = {refusal.client for refusal in ledger.refusals(run_id, number)} - trained
        return LiveRound(
            round=number,
            clients=len(self._cohort.clients),
            trained=len(trained),
            refused=len(refused),
            examples=sum(receipt.num_examples for receipt in receipts),
            seconds=max(0.0, self._clock() - self._cohort.started_at),
        )


def follow_run(
    watcher: RunWatcher,
    *,
    interval: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Clock = time.monotonic,
) -> Iterator[RunProgress]:
    """Looks until the run has ended; the last one says how. `interval` is the pause between two, in seconds.

    Raises:
        RunNotFound: Step Functions does not know the execution.
        TransientError: the cloud was out of reach for a minute.
    """
    seen = clock()
    while True:
        try:
            progress = watcher.look()
        except TransientError:
            if clock() - seen > PATIENCE_SECONDS:
                raise
        else:
            yield progress
            if progress.ended:
                return
            seen = clock()
        sleep(interval)

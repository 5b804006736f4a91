"""EvaluateModel: measure the round's model on the held-out part and on clients' own, and decide whether the run goes on."""

import time
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from edgetrain import keys
from edgetrain.contracts import (
    ClientEvaluation,
    ClosedRound,
    DataIndex,
    EvaluatedRound,
    RoundRequest,
    RunPosition,
    RunRecord,
)
from edgetrain.errors import ObjectNotFound
from edgetrain.federated import sampling, weights
from edgetrain.federated.spread import spread_of
from edgetrain.rounds.start_run import position
from edgetrain.rounds.stores import Clock, RoundStores, read_run, read_verified
from edgetrain.rounds.train_client import Programs
from edgetrain.runtime.evaluation import evaluate
from edgetrain.runtime.program import TrainingProgram
from edgetrain.stores.base import read_record, write_record

Model = Mapping[str, npt.NDArray[np.float32]]
#: Stands for the round in the draw of the sample. Cohorts are drawn for rounds from 1 on, so it is a draw of its own.
SAMPLE_ROUND = 0


def evaluate_model(
    stores: RoundStores, programs: Programs, request: RoundRequest, *, clock: Clock = time.time
) -> RunPosition:
    """Write the round's metrics, once; the reply says which round is next.

    Raises:
        ModelDiverged: a metric is no number any more.
    """
    run = read_run(stores, request.run_id)
    key = keys.evaluated_round(run.run_id, request.round)
    try:
        read_record(stores.runs, key, EvaluatedRound)
    except ObjectNotFound:
        closed = read_record(stores.runs, keys.closed_round(run.run_id, request.round), ClosedRound)
        index = read_record(stores.data, run.index_key, DataIndex)
        program = programs.get(stores, run.task, run.program_id)
        model = weights.decode(read_verified(stores.runs, closed.next.key, closed.next.sha256))
        clients = _on_clients(stores, program, run, index, model)
        evaluated = EvaluatedRound(
            closed=closed,
            metrics=_measured(stores, program, model, index.test.key, index.test.sha256),
            evaluated_at=clock(),
            clients=clients,
            spread=spread_of(clients),
        )
        write_record(stores.runs, key, evaluated)
    stores.ledger.change_run(
        run.run_id, lambda row: row.model_copy(update={"rounds_done": max(row.rounds_done, request.round)})
    )
    return position(stores, run, request.round)


def _on_clients(
    stores: RoundStores, program: TrainingProgram, run: RunRecord, index: DataIndex, model: Model
) -> tuple[ClientEvaluation, ...]:
    """The model on the own test parts of `evaluation_clients` clients: the same ones in every round, so that rounds can be compared."""
    sample = sampling.select(index.client_tests, run.input.evaluation_clients, run.input.seed, SAMPLE_ROUND)
    return tuple(
        ClientEvaluation(
            client=member.client,
            examples=member.num_examples,
            metrics=_measured(stores, program, model, member.key, member.sha256),
        )
        for member in sample
    )


def _measured(stores: RoundStores, program: TrainingProgram, model: Model, key: str, sha256: str) -> dict[str, float]:
    """The model's metrics on the examples under `key`."""
    examples = weights.decode(read_verified(stores.data, key, sha256))
    return evaluate(program, model, examples["x"], {spec.name: examples[spec.name] for spec in program.spec.y})

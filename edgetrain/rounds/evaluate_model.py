"""EvaluateModel: measure the round's model on the held-out part, and decide whether the run goes on."""

import time

from edgetrain import keys
from edgetrain.contracts import ClosedRound, DataIndex, EvaluatedRound, RoundRequest, RunPosition
from edgetrain.errors import ObjectNotFound
from edgetrain.federated import weights
from edgetrain.rounds.start_run import position
from edgetrain.rounds.stores import Clock, RoundStores, read_run, read_verified
from edgetrain.rounds.train_client import Programs
from edgetrain.runtime.evaluation import evaluate
from edgetrain.stores.base import read_record, write_record


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
        examples = weights.decode(read_verified(stores.data, index.test.key, index.test.sha256))
        model = weights.decode(read_verified(stores.runs, closed.next.key, closed.next.sha256))
        y = {spec.name: examples[spec.name] for spec in program.spec.y}
        metrics = evaluate(program, model, examples["x"], y)
        write_record(stores.runs, key, EvaluatedRound(closed=closed, metrics=metrics, evaluated_at=clock()))
    stores.ledger.change_run(
        run.run_id, lambda row: row.model_copy(update={"rounds_done": max(row.rounds_done, request.round)})
    )
    return position(stores, run, request.round)

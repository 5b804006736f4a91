"""SelectClients: who trains in this round, in which number format, in which batches."""

import time

from pydantic import TypeAdapter

from edgetrain import keys
from edgetrain.contracts import ClientBatch, Cohort, DataIndex, RoundRequest, SelectedCohort
from edgetrain.federated import number_format, sampling
from edgetrain.federated.schedules import scheduled
from edgetrain.rounds.stores import Clock, RoundStores, base_model, read_run
from edgetrain.stores.base import read_record, write_record

#: What an invocation needs beyond the deadline to say that it stopped at it.
GRACE_SECONDS = 15


def select_clients(stores: RoundStores, request: RoundRequest, *, clock: Clock = time.time) -> SelectedCohort:
    """Write the cohort and the map's items, once; the deadline counts from now, also when the run is resumed."""
    run = read_run(stores, request.run_id)
    given = run.input
    index = read_record(stores.data, run.index_key, DataIndex)
    chosen = sampling.select(index.clients, given.clients_per_round, given.seed, request.round)
    now = clock()
    cohort = Cohort(
        run_id=run.run_id,
        round=request.round,
        clients=chosen,
        base=base_model(stores, run, request.round),
        number_format=number_format.choose(len(chosen), given.max_abs_delta, given.max_examples),
        started_at=now,
        client_learning_rate=scheduled(run.client.learning_rate, run.client.schedule, request.round, given.rounds),
        server_learning_rate=scheduled(
            given.strategy.server_learning_rate, given.strategy.schedule, request.round, given.rounds
        ),
    )
    cohort = write_record(stores.runs, keys.cohort(run.run_id, request.round), cohort)
    batches = sampling.batch(cohort.clients, min(given.max_concurrency, len(cohort.clients)))
    key = keys.batches(run.run_id, request.round)
    body = TypeAdapter(tuple[ClientBatch, ...]).dump_json(batches)
    stores.runs.put_once(key, body, content_type="application/json")
    return SelectedCohort(
        run_id=run.run_id,
        round=request.round,
        batches_key=key,
        max_concurrency=given.max_concurrency,
        timeout_seconds=given.round_timeout_seconds + GRACE_SECONDS,
        deadline=now + given.round_timeout_seconds,
    )

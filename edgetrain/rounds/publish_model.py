"""PublishModel: the run's last global model becomes a version in the registry."""

import hashlib
import time
from datetime import UTC, datetime

from edgetrain import keys
from edgetrain.contracts import EvaluatedRound, FileEntry, Manifest, PublishedModel, PublishModelRequest, RunRecord
from edgetrain.rounds.stores import Clock, RoundStores, read_run, read_verified
from edgetrain.stores.base import read_record, write_record


def publish_model(stores: RoundStores, request: PublishModelRequest, *, clock: Clock = time.time) -> PublishedModel:
    """Copy program and weights under the next version number and write the manifest last: a version without one is none."""
    run = read_run(stores, request.run_id)
    row = stores.ledger.run(run.run_id)
    last = read_record(stores.runs, keys.evaluated_round(run.run_id, row.rounds_done), EvaluatedRound)
    version = stores.ledger.claim_version(run.task, run.run_id)
    model = last.closed.next
    files = {
        keys.WEIGHTS_FILE: read_verified(stores.runs, model.key, model.sha256),
        keys.PROGRAM_FILE: stores.models.get(keys.program_file(run.task, run.program_id, keys.PROGRAM_FILE)),
        keys.SPEC_FILE: stores.models.get(keys.program_file(run.task, run.program_id, keys.SPEC_FILE)),
    }
    manifest = Manifest(
        task=run.task,
        version=version,
        created_at=datetime.fromtimestamp(clock(), UTC).isoformat(timespec="milliseconds"),
        files=tuple(_store(stores, run.task, version, name, body) for name, body in files.items()),
        metrics=last.metrics,
        lineage=_lineage(run, last),
    )
    key = keys.model_file(run.task, version, keys.MANIFEST_FILE)
    write_record(stores.models, key, manifest)
    stores.ledger.change_run(
        run.run_id,
        lambda row: row.model_copy(
            update={"status": "SUCCEEDED", "model_version": version, "error": None, "cause": None}
        ),
    )
    return PublishedModel(run_id=run.run_id, task=run.task, version=version, manifest_key=key)


def _store(stores: RoundStores, task: str, version: int, name: str, body: bytes) -> FileEntry:
    key = keys.model_file(task, version, name)
    stores.models.put_once(key, body)
    return FileEntry(name=name, key=key, sha256=hashlib.sha256(body).hexdigest(), size=len(body))


def _lineage(run: RunRecord, last: EvaluatedRound) -> dict[str, str | int]:
    return {
        "architecture": "federated",
        "run_id": run.run_id,
        "round": last.closed.round,
        "dataset_id": run.dataset_id,
        "program_id": run.program_id,
        "execution_arn": run.execution_arn,
        "code_version": run.code_version,
    }

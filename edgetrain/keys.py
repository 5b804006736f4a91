"""Every S3 key and every ledger key, built here and nowhere else.

Rounds count from 1. `globals/00000` holds the initial weights; round r starts from `globals/(r-1)` and
writes `globals/r`.
"""

import re
from typing import Final

# Ids are part of keys: no slash, no dot at the start, nothing that a shell or a URL would bend.
ID_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
_ID = re.compile(ID_PATTERN)


def checked_id(value: str, what: str) -> str:
    """`value`, when it may be part of a key.

    Raises:
        ValueError: it is empty, too long, or has other characters than letters, digits, - and _.
    """
    if not _ID.fullmatch(value):
        raise ValueError(f"{what} {value!r}: expected 1 to 64 of A-Z a-z 0-9 - _, not beginning with - or _")
    return value


# --- DataBucket --------------------------------------------------------------------------------------


def dataset_prefix(task: str, dataset_id: str) -> str:
    return f"datasets/{task}/{dataset_id}/"


def dataset_index(task: str, dataset_id: str) -> str:
    return f"datasets/{task}/{dataset_id}/index.json"


def dataset_pointer(task: str) -> str:
    """The one mutable object of a task's data: which import is current."""
    return f"datasets/{task}/current.json"


def client_data(task: str, dataset_id: str, client: str) -> str:
    return f"datasets/{task}/{dataset_id}/clients/{client}.safetensors"


def client_test_data(task: str, dataset_id: str, client: str) -> str:
    """What a client holds out: its own test part."""
    return f"datasets/{task}/{dataset_id}/client-tests/{client}.safetensors"


def test_data(task: str, dataset_id: str) -> str:
    return f"datasets/{task}/{dataset_id}/test.safetensors"


#: What people send to have things found in it; S3 deletes it after a day.
INCOMING_PREFIX: Final = "incoming/"


def incoming_picture(picture_id: str, extension: str) -> str:
    """A picture as it was sent. The id is ours: nothing of a key is the sender's."""
    return f"{INCOMING_PREFIX}{picture_id}.{extension}"


# --- ModelsBucket ------------------------------------------------------------------------------------

PROGRAM_FILE: Final = "program.tflite"
WEIGHTS_FILE: Final = "weights.safetensors"
SPEC_FILE: Final = "task.json"
MANIFEST_FILE: Final = "manifest.json"
MODEL_FILE: Final = "model.tflite"
DETECTOR_FILE: Final = "detector.json"
LICENSE_FILE: Final = "LICENSE"


def program_prefix(task: str, program_id: str) -> str:
    return f"programs/{task}/{program_id}/"


def program_file(task: str, program_id: str, name: str) -> str:
    return f"programs/{task}/{program_id}/{name}"


def program_pointer(task: str) -> str:
    """The one mutable object of a task's programs: which build is current."""
    return f"programs/{task}/current.json"


def models_prefix(task: str | None = None) -> str:
    """All published versions, of one task or of all."""
    return "models/" if task is None else f"models/{task}/"


def served_pointer(task: str) -> str:
    """The one mutable object of a task's models: which version its endpoint serves. Where it is not there, the first one."""
    return f"models/{task}/served.json"


def model_file(task: str, version: int, name: str) -> str:
    return f"models/{task}/{version:06d}/{name}"


# --- RunsBucket --------------------------------------------------------------------------------------


def run_record(run_id: str) -> str:
    return f"runs/{run_id}/run.json"


def global_model(run_id: str, round_number: int) -> str:
    """The global model *after* round `round_number`; 0 is the initial one."""
    return f"runs/{run_id}/globals/{round_number:05d}.safetensors"


def run_prefix(run_id: str) -> str:
    """Everything of a run."""
    return f"runs/{run_id}/"


def globals_prefix(run_id: str) -> str:
    """The run's global models, of all rounds."""
    return f"runs/{run_id}/globals/"


def round_prefix(run_id: str, round_number: int) -> str:
    return f"runs/{run_id}/rounds/{round_number:05d}/"


def cohort(run_id: str, round_number: int) -> str:
    return round_prefix(run_id, round_number) + "cohort.json"


def batches(run_id: str, round_number: int) -> str:
    return round_prefix(run_id, round_number) + "batches.json"


def update(run_id: str, round_number: int, client: str) -> str:
    return round_prefix(run_id, round_number) + f"updates/{client}.safetensors"


def sealed_round(run_id: str, round_number: int) -> str:
    return round_prefix(run_id, round_number) + "sealed.json"


def partial_sum(run_id: str, round_number: int, tile: int) -> str:
    return round_prefix(run_id, round_number) + f"partials/{tile:04d}.i64"


def tile_result(run_id: str, round_number: int, tile: int) -> str:
    return round_prefix(run_id, round_number) + f"partials/{tile:04d}.json"


def strategy_state(run_id: str, round_number: int, name: str) -> str:
    """One array of the strategy's state *after* round `round_number`."""
    return round_prefix(run_id, round_number) + f"state/{name}.f64"


def closed_round(run_id: str, round_number: int) -> str:
    return round_prefix(run_id, round_number) + "closed.json"


def evaluated_round(run_id: str, round_number: int) -> str:
    return round_prefix(run_id, round_number) + "evaluated.json"


# --- LedgerTable (partition key PK, sort key SK) -----------------------------------------------------

LEDGER_RUNS: Final = "RUNS"
LEDGER_SEAL: Final = "SEAL"
LEDGER_RECEIPT: Final = "RECEIPT#"
LEDGER_REFUSAL: Final = "REFUSAL#"
LEDGER_VERSION: Final = "VERSION#"


def ledger_round(run_id: str, round_number: int) -> str:
    return f"RUN#{run_id}#ROUND#{round_number:05d}"


def ledger_model(task: str) -> str:
    return f"MODEL#{task}"

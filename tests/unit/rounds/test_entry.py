"""From a Lambda's event to a step and back; and what the handlers import."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from pydantic import ValidationError

from edgetrain.contracts import RoundRequest, SealedReply
from edgetrain.rounds.entry import round_stores, serve
from edgetrain.stores.s3 import S3ObjectStore

ROOT = Path(__file__).parents[3]
NAMES = {"DATA_BUCKET": "d", "RUNS_BUCKET": "r", "MODELS_BUCKET": "m", "LEDGER_TABLE": "t"}
#: States that run a training program.
TRAINING = {"train_client", "evaluate_model"}
ROUTES = {path.stem for path in (ROOT / "tests" / "events" / "routes").glob("*.json")}
STATES = {path.parent.name for path in (ROOT / "lambdas").glob("*/handler.py")} - ROUTES
IMPORT = """
import importlib.util, json, sys
for path in sys.argv[1:]:
    spec = importlib.util.spec_from_file_location("handler", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert callable(module.handler)
print(json.dumps(sorted(sys.modules)))
"""


@dataclass
class Context:
    function_name: str = "f"
    memory_limit_in_mb: int = 128
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:f"
    aws_request_id: str = "id"


def test_a_step_is_called_with_its_request(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    # A logger writes to the standard output that was there when its service's first one was made: this one is new.
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "a_step_is_called")
    asked = []

    def step(request: RoundRequest) -> SealedReply:
        asked.append(request)
        return SealedReply(run_id=request.run_id, round=request.round, tiles=(0, 1))

    handler = serve(RoundRequest, step)
    event = {"run_id": "r", "round": 2}
    assert handler(event, Context()) == {"run_id": "r", "round": 2, "tiles": [0, 1]}  # type: ignore[arg-type]
    assert asked == [RoundRequest(run_id="r", round=2)]
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["run_id"], line["round"], line["function_request_id"]) == ("r", 2, "id")


def test_a_mapping_is_a_reply_too() -> None:
    handler = serve(RoundRequest, lambda request: {"round": request.round})
    assert handler({"run_id": "r", "round": 2}, Context()) == {"round": 2}  # type: ignore[arg-type]


def test_an_event_that_is_no_request_does_not_reach_the_step() -> None:
    handler = serve(RoundRequest, lambda _: pytest.fail("called"))
    with pytest.raises(ValidationError):
        handler({"run_id": "r"}, Context())  # type: ignore[arg-type]


def test_a_missing_name_fails_the_cold_start() -> None:
    with pytest.raises(RuntimeError, match="lacks MODELS_BUCKET, LEDGER_TABLE"):
        round_stores({"DATA_BUCKET": "d", "RUNS_BUCKET": "r", "MODELS_BUCKET": ""})


def test_stores_are_those_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # made by the call, put back afterwards
    stores = round_stores(NAMES)
    names = []
    for store in (stores.data, stores.runs, stores.models):
        assert isinstance(store, S3ObjectStore)
        names.append(store.bucket)
    assert names == ["d", "r", "m"]


def modules_of(states: set[str]) -> set[str]:
    """What a fresh process has imported when the handlers of `states` are ready."""
    environment = {**os.environ, **NAMES, "AWS_DEFAULT_REGION": "eu-west-1", "PYTHONPATH": str(ROOT)}
    paths = [str(ROOT / "lambdas" / state / "handler.py") for state in sorted(states)]
    command = [sys.executable, "-c", IMPORT, *paths]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_handlers_that_do_not_train_import_no_runtime() -> None:
    assert len(STATES - TRAINING) == 7
    found = modules_of(STATES - TRAINING)
    assert not {"tensorflow", "keras", "ai_edge_litert", "sklearn", "typer", "aws_cdk"} & found
    assert "edgetrain.runtime" not in found


def test_handlers_that_train_import_no_tensorflow() -> None:
    assert TRAINING <= STATES
    found = modules_of(TRAINING)
    assert not {"tensorflow", "keras", "sklearn", "typer", "aws_cdk"} & found

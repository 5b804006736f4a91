"""The state machine that we deploy, as its reviewed template has it, played with fake functions."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from edgetrain.local.stepfunctions import check_definition
from tests.unit.fakes.stepfunctions import FUNCTION_ARN, Bench, Outcome, failed

TEMPLATE = Path(__file__).parents[3] / "infrastructure" / "snapshots" / "EdgetrainFederated.json"
BATCHES = "runs/r/rounds/1/batches.json"


def deployed() -> dict[str, Any]:
    """The definition; a function's ARN ends with its state's name, and the bucket is `runs`."""
    resources = json.loads(TEMPLATE.read_text())["Resources"]
    (machine,) = (each for each in resources.values() if each["Type"] == "AWS::StepFunctions::StateMachine")
    text = json.dumps(machine["Properties"]["DefinitionString"])
    text = text.replace("${AWS::Partition}", "aws")
    text = re.sub(r"\$\{(\w+)Function\.Arn\}", FUNCTION_ARN + r"\1", text)
    definition: dict[str, Any] = json.loads(re.sub(r"\$\{RunsBucket\w*\}", "runs", text))
    return definition


class Rounds:
    """The functions of a run of two rounds with three batches each; `seen` are all calls by state."""

    def __init__(self, bench: Bench) -> None:
        self.seen: list[tuple[str, Any]] = []
        self.round = 0
        answers = {
            "StartRun": lambda _: {"run_id": "r", "next_round": 1, "more_rounds": True},
            "SelectClients": lambda request: {
                "run_id": "r",
                "round": request["round"],
                "batches_key": BATCHES,
                "deadline": 1_700_000_600,
                "timeout_seconds": 60,
                "max_concurrency": 2,
            },
            "TrainClient": lambda request: {"trained": request["batch"]},
            "SealRound": lambda request: {"run_id": "r", "round": request["round"], "tiles": [0, 1]},
            "AggregateTile": lambda request: {"tile": request["tile"]},
            "CloseRound": lambda _: {"noise": "x" * 10},
            "EvaluateModel": lambda request: {
                "run_id": "r",
                "next_round": request["round"] + 1,
                "more_rounds": request["round"] < 2,
            },
            "PublishModel": lambda _: {"version": 1},
            "FailRun": lambda request: {"error": request["error"], "cause": "in one sentence"},
        }
        for state, answer in answers.items():
            bench.cloud.functions[FUNCTION_ARN + state] = self.told(state, answer)
        bench.cloud.objects["runs", BATCHES] = json.dumps([{"batch": n} for n in range(3)]).encode()

    def told(self, state: str, answer: Any) -> Any:
        def function(request: Any) -> Any:
            self.seen.append((state, request))
            return answer(request)

        return function

    def calls(self, state: str) -> list[Any]:
        return [request for name, request in self.seen if name == state]


def play(bench: Bench) -> Outcome:
    """Run it; the waits of retriers pass at once, and no task is late."""
    arn = bench.start(deployed(), {"task": "digits"}, name="run")
    while bench.engine.describe(arn).stopped is None:
        bench.clock.fire(below=60)
    return bench.ended(arn)


def fails(kind: str) -> Any:
    def function(request: Any) -> Any:
        raise failed(kind)

    return function


def test_it_is_taken() -> None:
    check_definition(json.dumps(deployed()))


def test_two_rounds(bench: Bench) -> None:
    rounds = Rounds(bench)
    outcome = play(bench)
    assert (outcome.status, outcome.output) == ("SUCCEEDED", {"version": 1}), outcome.cause
    order = [state for state, _ in rounds.seen]
    one_round = [
        "SelectClients",
        *["TrainClient"] * 3,
        "SealRound",
        *["AggregateTile"] * 2,
        "CloseRound",
        "EvaluateModel",
    ]
    assert order == ["StartRun", *one_round, *one_round, "PublishModel"]
    (start,) = rounds.calls("StartRun")
    assert start == {"execution_arn": outcome.arn, "execution_name": "run", "input": {"task": "digits"}}
    assert rounds.calls("SelectClients") == [{"run_id": "r", "round": 1}, {"run_id": "r", "round": 2}]
    trained = rounds.calls("TrainClient")
    assert sorted(request["batch"]["batch"] for request in trained) == [0, 0, 1, 1, 2, 2]
    assert {"run_id": "r", "round": 1, "batch": {"batch": 0}, "deadline": 1_700_000_600, "attempt": 0} in trained
    assert rounds.calls("AggregateTile")[0] == {"run_id": "r", "round": 1, "tile": 0}
    assert rounds.calls("EvaluateModel") == [{"run_id": "r", "round": 1}, {"run_id": "r", "round": 2}]


@pytest.mark.parametrize(
    ("error", "tries_again"),
    [("DataInvalid", False), ("TransientError", True), ("Lambda.TooManyRequestsException", True), ("Surprise", True)],
)
def test_a_batch_that_always_fails_does_not_stop_the_round(bench: Bench, error: str, tries_again: bool) -> None:
    rounds = Rounds(bench)

    def train(request: Any) -> Any:
        if request["batch"]["batch"] == 1 and request["round"] == 1:
            raise failed(error)
        return {}

    bench.cloud.functions[FUNCTION_ARN + "TrainClient"] = rounds.told("TrainClient", train)
    outcome = play(bench)
    assert outcome.status == "SUCCEEDED", outcome.cause
    tried = [each for each in rounds.calls("TrainClient") if each["batch"]["batch"] == 1 and each["round"] == 1]
    assert [each["attempt"] for each in tried] == list(range(len(tried)))
    assert (len(tried) > 1) is tries_again


def test_a_round_without_a_quorum_fails_the_run_by_its_name(bench: Bench) -> None:
    rounds = Rounds(bench)
    bench.cloud.functions[FUNCTION_ARN + "SealRound"] = fails("QuorumNotReached")
    outcome = play(bench)
    assert (outcome.status, outcome.error, outcome.cause) == ("FAILED", "QuorumNotReached", "in one sentence")
    (told,) = rounds.calls("FailRun")
    assert told["error"] == "QuorumNotReached"
    assert json.loads(told["cause"])["errorType"] == "QuorumNotReached"
    assert (told["execution_arn"], told["input"]) == (outcome.arn, {"task": "digits"})


def test_a_tile_that_fails_fails_the_run(bench: Bench) -> None:
    Rounds(bench)
    bench.cloud.functions[FUNCTION_ARN + "AggregateTile"] = fails("UpdateMalformed")
    outcome = play(bench)
    assert (outcome.status, outcome.error) == ("FAILED", "UpdateMalformed")


def test_when_even_fail_run_fails_what_was_caught_is_told(bench: Bench) -> None:
    Rounds(bench)
    bench.cloud.functions[FUNCTION_ARN + "StartRun"] = fails("InvalidRunInput")
    bench.cloud.functions[FUNCTION_ARN + "FailRun"] = fails("LedgerGone")
    outcome = play(bench)
    assert (outcome.status, outcome.error) == ("FAILED", "InvalidRunInput")
    assert json.loads(outcome.cause or "")["errorMessage"] == "it broke"


def test_batches_that_are_not_there_fail_the_run(bench: Bench) -> None:
    Rounds(bench)
    bench.cloud.objects.clear()
    outcome = play(bench)
    assert (outcome.status, outcome.error) == ("FAILED", "States.ItemReaderFailed")

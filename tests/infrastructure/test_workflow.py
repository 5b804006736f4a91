"""The state machine: the order of the states, what travels between them, and what happens when one fails."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from edgetrain import contracts, errors, limits
from edgetrain.contracts import Contract
from tests.infrastructure.reading import FEDERATED, Assembly, states, text

#: State that calls a function -> what arrives, what its function takes.
TASKS: dict[str, tuple[type[Contract] | None, type[Contract]]] = {
    "StartRun": (None, contracts.StartRunRequest),
    "SelectClients": (contracts.RunPosition, contracts.RoundRequest),
    "TrainClient": (None, contracts.TrainClientRequest),
    "SealRound": (contracts.SelectedCohort, contracts.RoundRequest),
    "AggregateTile": (None, contracts.AggregateTileRequest),
    "CloseRound": (contracts.SealedReply, contracts.RoundRequest),
    "EvaluateModel": (contracts.SealedReply, contracts.RoundRequest),
    "PublishModel": (contracts.RunPosition, contracts.PublishModelRequest),
    "FailRun": (None, contracts.FailRunRequest),
}
#: Map -> what arrives, and the task that its items are for.
MAPS = {
    "TrainClients": (contracts.SelectedCohort, "TrainClient"),
    "AggregateUpdates": (contracts.SealedReply, "AggregateTile"),
}
NEXT = {
    "StartRun": "MoreRounds?",
    "SelectClients": "TrainClients",
    "TrainClients": "SealRound",
    "SealRound": "AggregateUpdates",
    "AggregateUpdates": "CloseRound",
    "CloseRound": "EvaluateModel",
    "EvaluateModel": "MoreRounds?",
    "PublishModel": None,
    "FailRun": "RunFailed",
}
#: A path into the context object. What the service does not know there fails at run time only.
CONTEXT = {
    "$$.Execution.Id",
    "$$.Execution.Name",
    "$$.Execution.Input",
    "$$.Map.Item.Value",
    "$$.State.RetryCount",
}
OF_LAMBDA = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
]
LOST = ["Lambda.Unknown", "Runtime.ExitError"]


@pytest.fixture(scope="module")
def machine(aws: Assembly) -> dict[str, Any]:
    return aws.definition()


@pytest.fixture(scope="module")
def played(machine: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """All states by name."""
    return dict(states(machine))


def required(contract: type[Contract]) -> set[str]:
    return {name for name, field in contract.model_fields.items() if field.is_required()}


def paths(selector: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Field and path; every value is a path."""
    for field, path in selector.items():
        assert field.endswith(".$"), f"{field} is not a path"
        yield field.removesuffix(".$"), path


def known(path: str, arrives: set[str]) -> bool:
    """Whether `path` names something that is there."""
    return path in CONTEXT if path.startswith("$$") else bool(re.fullmatch(r"\$\.\w+", path)) and path[2:] in arrives


# --- the order


def test_the_states_follow_one_another(machine: dict[str, Any]) -> None:
    assert machine["StartAt"] == "StartRun"
    assert {name: machine["States"][name].get("Next") for name in NEXT} == NEXT
    assert machine["States"]["PublishModel"]["End"] is True


def test_rounds_go_on_while_there_are_more(machine: dict[str, Any]) -> None:
    choice = machine["States"]["MoreRounds?"]
    assert choice["Type"] == "Choice"
    assert choice["Choices"] == [{"Variable": "$.more_rounds", "BooleanEquals": True, "Next": "SelectClients"}]
    assert choice["Default"] == "PublishModel"
    assert "more_rounds" in contracts.RunPosition.model_fields


def test_every_task_calls_the_function_of_its_name(played: dict[str, dict[str, Any]]) -> None:
    tasks = {name: state for name, state in played.items() if state["Type"] == "Task"}
    assert set(tasks) == set(TASKS)
    for name, task in tasks.items():
        assert task["Resource"] == "arn:${AWS::Partition}:states:::lambda:invoke", "no call-back, no token"
        assert task["Parameters"]["FunctionName"] == f"${{{name}Function.Arn}}"
        assert set(task["Parameters"]) == {"FunctionName", "Payload"}


# --- what travels


@pytest.mark.parametrize("state", TASKS)
def test_a_request_has_the_fields_of_its_contract(played: dict[str, dict[str, Any]], state: str) -> None:
    _, request = TASKS[state]
    fields = {field for field, _ in paths(played[state]["Parameters"]["Payload"])}
    # Also those with a default: a state that forgets one would pass every check but this.
    assert fields == set(request.model_fields) >= required(request)


@pytest.mark.parametrize("state", [name for name, (arrives, _) in TASKS.items() if arrives])
def test_a_request_is_made_of_what_arrives(played: dict[str, dict[str, Any]], state: str) -> None:
    arrives, _ = TASKS[state]
    assert arrives is not None
    asked = [path for _, path in paths(played[state]["Parameters"]["Payload"])]
    assert [path for path in asked if not known(path, set(arrives.model_fields))] == []


@pytest.mark.parametrize("state", MAPS)
def test_an_item_is_made_of_what_arrives_and_enough_for_its_task(played: dict[str, dict[str, Any]], state: str) -> None:
    arrives, task = MAPS[state]
    every = played[state]
    items = dict(paths(every["ItemSelector"]))
    assert [path for path in items.values() if not known(path, set(arrives.model_fields))] == []
    for _, path in paths(played[task]["Parameters"]["Payload"]):
        assert known(path, set(items)), path
    assert set(every["ItemProcessor"]["States"]) >= {task} == {every["ItemProcessor"]["StartAt"]}


def test_starting_and_failing_tell_of_the_execution(played: dict[str, dict[str, Any]]) -> None:
    assert dict(paths(played["StartRun"]["Parameters"]["Payload"])) == {
        "execution_arn": "$$.Execution.Id",
        "execution_name": "$$.Execution.Name",
        "input": "$$.Execution.Input",
    }
    # A Catch without ResultPath: the state's input is the error alone.
    assert dict(paths(played["FailRun"]["Parameters"]["Payload"])) == {
        "execution_arn": "$$.Execution.Id",
        "input": "$$.Execution.Input",
        "error": "$.Error",
        "cause": "$.Cause",
    }


def test_replies_are_handed_on_and_results_of_maps_are_not(played: dict[str, dict[str, Any]]) -> None:
    for name in TASKS:
        if name == "CloseRound":
            assert played[name]["ResultPath"] is None
        else:
            assert played[name]["OutputPath"] == "$.Payload"
    for name in MAPS:
        assert played[name]["ResultPath"] is None


# --- the maps


def test_clients_train_in_a_distributed_map_over_items_in_s3(played: dict[str, dict[str, Any]]) -> None:
    every = played["TrainClients"]
    assert every["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert every["ItemReader"] == {
        "Resource": "arn:${AWS::Partition}:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Parameters": {"Bucket": "${RunsBucket}", "Key.$": "$.batches_key"},
    }
    assert every["MaxConcurrencyPath"] == "$.max_concurrency"
    assert every["ToleratedFailurePercentage"] == 100
    assert {"batches_key", "max_concurrency"} <= set(contracts.SelectedCohort.model_fields)


def test_a_batch_never_fails_and_has_no_result(played: dict[str, dict[str, Any]]) -> None:
    task, done = played["TrainClient"], played["BatchDone"]
    assert task["Catch"] == [{"ErrorEquals": ["States.ALL"], "Next": "BatchDone"}]
    assert task["Next"] == "BatchDone"
    assert (done["Type"], done["Result"], done["End"]) == ("Pass", {}, True)


def test_tiles_are_summed_in_an_inline_map(played: dict[str, dict[str, Any]]) -> None:
    every = played["AggregateUpdates"]
    assert every["ItemProcessor"]["ProcessorConfig"] == {"Mode": "INLINE"}
    assert every["ItemsPath"] == "$.tiles"
    assert "tiles" in contracts.SealedReply.model_fields
    assert every["MaxConcurrency"] == limits.INLINE_MAP_CONCURRENCY
    assert "Catch" not in played["AggregateTile"], "a tile that fails fails the map, which is caught"


# --- time


@pytest.mark.parametrize("state", [name for name in TASKS if name != "TrainClient"])
def test_a_task_outwaits_its_function(aws: Assembly, played: dict[str, dict[str, Any]], state: str) -> None:
    function = aws.resources(FEDERATED, "AWS::Lambda::Function")[f"{state}Function"]
    assert played[state]["TimeoutSeconds"] == function["Properties"]["Timeout"] + 15


def test_training_ends_with_the_round(aws: Assembly, played: dict[str, dict[str, Any]]) -> None:
    assert played["TrainClient"]["TimeoutSecondsPath"] == "$.timeout_seconds"
    assert "TimeoutSeconds" not in played["TrainClient"]
    function = aws.resources(FEDERATED, "AWS::Lambda::Function")["TrainClientFunction"]
    assert function["Properties"]["Timeout"] >= limits.MAX_ROUND_TIMEOUT_SECONDS + 15


# --- failures


def retriers(state: dict[str, Any]) -> list[tuple[list[str], int]]:
    return [(each["ErrorEquals"], each["MaxAttempts"]) for each in state["Retry"]]


@pytest.mark.parametrize("state", TASKS)
def test_every_task_tries_again_what_may_pass(played: dict[str, dict[str, Any]], state: str) -> None:
    assert retriers(played[state])[:3] == [(OF_LAMBDA, 6), (["TransientError"], 3), (LOST, 2)]
    assert errors.TransientError.__name__ == "TransientError"


@pytest.mark.parametrize("state", TASKS)
def test_tries_back_off_with_jitter(played: dict[str, dict[str, Any]], state: str) -> None:
    for each in played[state]["Retry"]:
        if each["MaxAttempts"]:
            assert each["JitterStrategy"] == "FULL"
            assert (each["IntervalSeconds"], each["BackoffRate"]) == (1, 2)
            assert each["MaxDelaySeconds"] in {10, 30}


@pytest.mark.parametrize("state", [name for name in TASKS if name != "TrainClient"])
def test_nothing_else_is_tried_again(played: dict[str, dict[str, Any]], state: str) -> None:
    assert len(played[state]["Retry"]) == 3


def test_a_batch_is_tried_again_unless_that_is_in_vain(played: dict[str, dict[str, Any]]) -> None:
    """Retriers are looked through in order: the permanent ones must come before the one that takes everything."""
    permanent, rest = retriers(played["TrainClient"])[3:]
    assert permanent == (["DataInvalid", "ObjectNotFound", "ProgramInvalid"], 0)
    assert all(issubclass(getattr(errors, name), errors.PermanentError) for name in permanent[0])
    assert rest == (["States.TaskFailed"], 2)


def test_a_failure_anywhere_is_recorded_and_ends_the_execution(machine: dict[str, Any]) -> None:
    for name, state in machine["States"].items():
        if state["Type"] in {"Task", "Map"} and name != "FailRun":
            assert state["Catch"] == [{"ErrorEquals": ["States.ALL"], "Next": "FailRun"}], name
    assert machine["States"]["RunFailed"] == {"Type": "Fail", "ErrorPath": "$.error", "CausePath": "$.cause"}
    assert set(contracts.RunFailure.model_fields) == {"error", "cause"}


def test_a_failure_that_cannot_be_recorded_ends_the_execution_as_well(machine: dict[str, Any]) -> None:
    (caught,) = machine["States"]["FailRun"]["Catch"]
    # ResultPath beside the first error: it is that one which the execution ends with.
    assert caught == {"ErrorEquals": ["States.ALL"], "ResultPath": "$.unrecorded", "Next": "RunFailedUnrecorded"}
    last = machine["States"]["RunFailedUnrecorded"]
    assert (last["Type"], last["ErrorPath"], last["CausePath"]) == ("Fail", "$.Error", "$.Cause")


# --- watching


def test_the_state_machine_is_traced_and_logs_without_data(aws: Assembly) -> None:
    (resource,) = aws.resources(FEDERATED, "AWS::StepFunctions::StateMachine").values()
    properties = resource["Properties"]
    assert properties["TracingConfiguration"] == {"Enabled": True}
    logging = properties["LoggingConfiguration"]
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ALL", False)
    (destination,) = logging["Destinations"]
    assert text(destination["CloudWatchLogsLogGroup"]["LogGroupArn"]) == "${TrainingLogs.Arn}"
    assert "StateMachineName" not in properties
    assert text(properties["RoleArn"]) == "${TrainingRole.Arn}"

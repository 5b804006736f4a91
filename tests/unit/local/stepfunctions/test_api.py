"""The operations: shapes that botocore's own model knows, pages, orders, and AWS's errors."""

from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ListShape, ServiceModel, Shape, StructureShape

from edgetrain.local.stepfunctions import StepFunctionsApi
from tests.unit.fakes.stepfunctions import MACHINE_ARN, Bench, chain, failed, invoke, one_state

MODEL = ServiceModel(Loader().load_service_model("stepfunctions", "service-2"))
OTHER = f"{MACHINE_ARN}x"
EXECUTION = MACHINE_ARN.replace("stateMachine", "execution")
PASSES = one_state(Type="Pass")


def check(value: Any, shape: Shape, place: str) -> None:
    """The value has the shape that clients of AWS expect: known fields, all required ones, the right types."""
    if isinstance(shape, StructureShape):
        assert isinstance(value, dict), place
        assert set(value) <= set(shape.members), place
        assert set(shape.required_members) <= set(value), place
        for name, inner in value.items():
            check(inner, shape.members[name], f"{place}.{name}")
    elif isinstance(shape, ListShape):
        assert isinstance(value, list), place
        for index, inner in enumerate(value):
            check(inner, shape.member, f"{place}[{index}]")
    else:
        types: dict[str, tuple[type, ...]] = {
            "string": (str,),
            "timestamp": (float,),
            "boolean": (bool,),
            "integer": (int,),
            "long": (int,),
            "float": (int, float),
        }
        assert isinstance(value, types[shape.type_name]), f"{place}: {value!r} is no {shape.type_name}"
        if getattr(shape, "enum", None):
            assert value in shape.enum, place


def ask(bench: Bench, operation: str, **request: Any) -> dict[str, Any]:
    status, reply = bench.api.call(operation, request)
    assert status == 200, reply
    check(reply, MODEL.operation_model(operation).output_shape, operation)
    return reply


def refusal(bench: Bench, operation: str, **request: Any) -> tuple[str, str]:
    status, reply = bench.api.call(operation, request)
    assert status == 400
    assert set(reply) == {"__type", "message"}
    return reply["__type"], reply["message"]


def play_all(bench: Bench) -> list[str]:
    """Executions with every kind of event that this engine writes."""
    inner = {"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}}
    bad = {"StartAt": "Bad", "States": {"Bad": {"Type": "Fail", "Error": "E"}}}
    distributed = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    bench.cloud.functions |= {"f": lambda payload: payload, "g": lambda payload: (_ for _ in ()).throw(failed("E"))}
    direct = {"Type": "Task", "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:none"}
    items = {"ItemsPath": "$.items"}
    machines = [
        chain(
            A={"Type": "Wait", "Seconds": 0},
            B={"Type": "Map", "ItemProcessor": inner, **items, "ResultPath": None},
            C=invoke("f", ResultPath=None),
            D={"Type": "Choice", "Choices": [{"Variable": "$.items", "IsPresent": True, "Next": "E"}]},
            E={"Type": "Succeed"},
        ),
        one_state(Type="Parallel", Branches=[inner, bad]),
        one_state(Type="Map", ItemProcessor=bad, **items),
        one_state(Type="Map", ItemProcessor={**inner, **distributed}, **items),
        one_state(Type="Map", ItemProcessor={**bad, **distributed}, **items),
        one_state(**invoke("g", TimeoutSeconds=9)),
        one_state(**direct),
    ]
    return [bench.run(machine, {"items": [1, 2]}).arn for machine in machines]


def test_every_reply_has_the_shape_that_clients_know(bench: Bench) -> None:
    arns = play_all(bench)
    running = bench.start(one_state(Type="Wait", Seconds=99))
    kinds = set()
    for arn in (*arns, running):
        ask(bench, "DescribeExecution", executionArn=arn)
        ask(bench, "DescribeStateMachineForExecution", executionArn=arn)
        kinds |= {event["type"] for event in ask(bench, "GetExecutionHistory", executionArn=arn)["events"]}
        for run in ask(bench, "ListMapRuns", executionArn=arn)["mapRuns"]:
            ask(bench, "DescribeMapRun", mapRunArn=run["mapRunArn"])
            for child in ask(bench, "ListExecutions", mapRunArn=run["mapRunArn"])["executions"]:
                ask(bench, "DescribeExecution", executionArn=child["executionArn"])
                ask(bench, "GetExecutionHistory", executionArn=child["executionArn"])
    assert {"MapRunFailed", "TaskFailed", "LambdaFunctionFailed", "ChoiceStateExited", "ParallelStateFailed"} <= kinds
    assert len(ask(bench, "ListExecutions", stateMachineArn=MACHINE_ARN)["executions"]) == len(arns) + 1
    ask(bench, "StopExecution", executionArn=running)


def test_start_as_a_client_does(bench: Bench) -> None:
    bench.machine(PASSES)
    reply = ask(bench, "StartExecution", stateMachineArn=MACHINE_ARN, name="n", input="[1]", traceHeader="Root=1")
    assert reply == {"executionArn": f"{EXECUTION}:n", "startDate": bench.clock.now()}
    bench.ended(f"{EXECUTION}:n")
    described = ask(bench, "DescribeExecution", executionArn=f"{EXECUTION}:n")
    assert described["traceHeader"] == "Root=1"
    assert (described["input"], described["output"]) == ("[1]", "[1]")
    bare = ask(bench, "StartExecution", stateMachineArn=MACHINE_ARN)
    assert bench.ended(bare["executionArn"]).output == {}


def test_data_can_be_left_out(bench: Bench) -> None:
    arn = bench.run(PASSES, {"secret": 1}).arn
    described = ask(bench, "DescribeExecution", executionArn=arn, includedData="METADATA_ONLY")
    assert described["inputDetails"] == described["outputDetails"] == {"included": False}
    history = ask(bench, "GetExecutionHistory", executionArn=arn, includeExecutionData=False)
    assert "secret" not in f"{described}{history}"
    assert len(history["events"]) == 4


def pages(bench: Bench, operation: str, rows: str, **request: Any) -> list[list[Any]]:
    found = []
    while True:
        reply = ask(bench, operation, **request)
        found.append(reply[rows])
        if "nextToken" not in reply:
            return found
        request["nextToken"] = reply["nextToken"]


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("size", [1, 3, 4, 1000])
def test_a_history_in_pages(bench: Bench, backwards: bool, size: int) -> None:
    outcome = bench.run(chain(A={"Type": "Pass"}, B={"Type": "Pass"}))
    found = pages(
        bench, "GetExecutionHistory", "events", executionArn=outcome.arn, reverseOrder=backwards, maxResults=size
    )
    assert all(len(page) == size for page in found[:-1])
    assert found[-1]
    ids = [event["id"] for page in found for event in page]
    assert ids == (list(range(6, 0, -1)) if backwards else list(range(1, 7)))


def test_executions_in_pages_the_latest_first(bench: Bench) -> None:
    names = [f"n{index}" for index in range(7)]
    for name in names:
        bench.ended(bench.start(PASSES, name=name))
        bench.clock.advance(1)
    waiting = bench.start(one_state(Type="Wait", Seconds=99), name="waiting")
    bench.clock.until_asked(1)
    found = pages(bench, "ListExecutions", "executions", stateMachineArn=MACHINE_ARN, maxResults=3)
    assert [len(page) for page in found] == [3, 3, 2]
    assert [row["name"] for page in found for row in page] == ["waiting", *reversed(names)]
    running = pages(bench, "ListExecutions", "executions", stateMachineArn=MACHINE_ARN, statusFilter="RUNNING")
    assert [row["executionArn"] for row in running[0]] == [waiting]
    assert ask(bench, "ListExecutions", stateMachineArn=MACHINE_ARN, redriveFilter="REDRIVEN")["executions"] == []
    done = pages(
        bench, "ListExecutions", "executions", stateMachineArn=MACHINE_ARN, statusFilter="SUCCEEDED", maxResults=7
    )
    assert [len(page) for page in done] == [7]


def test_executions_that_started_at_the_same_moment_are_all_listed(bench: Bench) -> None:
    for index in range(5):
        bench.ended(bench.start(PASSES, name=f"n{index}"))
    found = pages(bench, "ListExecutions", "executions", stateMachineArn=MACHINE_ARN, maxResults=2)
    assert [row["name"] for page in found for row in page] == ["n4", "n3", "n2", "n1", "n0"]


def test_a_token_is_for_its_own_question(bench: Bench) -> None:
    arn = bench.run(PASSES).arn
    token = ask(bench, "GetExecutionHistory", executionArn=arn, maxResults=1)["nextToken"]
    for wrong in (
        {"executionArn": arn, "nextToken": token, "reverseOrder": True},
        {"executionArn": arn, "nextToken": "rubbish"},
        {"executionArn": arn, "nextToken": "W10="},
        {"executionArn": bench.run(PASSES).arn, "nextToken": token},
    ):
        assert refusal(bench, "GetExecutionHistory", **wrong)[0] == "InvalidToken"


@pytest.mark.parametrize(
    ("operation", "request_", "code", "message"),
    [
        ("StartExecution", {"stateMachineArn": OTHER}, "StateMachineDoesNotExist", f"State Machine Does Not Exist: '{OTHER}'"),
        ("StartExecution", {"stateMachineArn": "x"}, "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: x'"),
        ("StartExecution", {"stateMachineArn": "arn:aws:s3:::b"}, "InvalidArn", None),
        ("StartExecution", {}, "ValidationException", None),
        ("StartExecution", {"stateMachineArn": MACHINE_ARN, "input": "not"}, "InvalidExecutionInput", None),
        ("StartExecution", {"stateMachineArn": MACHINE_ARN, "input": ""}, "InvalidExecutionInput", None),
        ("StartExecution", {"stateMachineArn": MACHINE_ARN, "name": "a b"}, "InvalidName", "Invalid Name: 'a b'"),
        ("StartExecution", {"stateMachineArn": MACHINE_ARN, "name": 1}, "ValidationException", None),
        ("DescribeExecution", {"executionArn": f"{EXECUTION}:no"}, "ExecutionDoesNotExist", f"Execution Does Not Exist: '{EXECUTION}:no'"),
        ("DescribeExecution", {"executionArn": "x"}, "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: x'"),
        ("DescribeExecution", {"executionArn": MACHINE_ARN}, "InvalidArn", None),
        ("StopExecution", {"executionArn": f"{EXECUTION}:no"}, "ExecutionDoesNotExist", None),
        ("GetExecutionHistory", {"executionArn": f"{EXECUTION}:no"}, "ExecutionDoesNotExist", None),
        ("GetExecutionHistory", {"executionArn": f"{EXECUTION}:no", "maxResults": 1001}, "ValidationException", None),
        ("GetExecutionHistory", {"executionArn": f"{EXECUTION}:no", "reverseOrder": "yes"}, "ValidationException", None),
        ("ListExecutions", {}, "ValidationException", None),
        ("ListExecutions", {"stateMachineArn": MACHINE_ARN, "mapRunArn": "x"}, "ValidationException", None),
        ("ListExecutions", {"stateMachineArn": f"{MACHINE_ARN}x"}, "StateMachineDoesNotExist", None),
        ("ListExecutions", {"stateMachineArn": MACHINE_ARN, "statusFilter": "succeeded"}, "ValidationException", None),
        ("ListExecutions", {"mapRunArn": MACHINE_ARN.replace("stateMachine", "mapRun")}, "ResourceNotFound", None),
        ("ListMapRuns", {"executionArn": f"{EXECUTION}:no"}, "ExecutionDoesNotExist", None),
        ("DescribeMapRun", {"mapRunArn": MACHINE_ARN.replace("stateMachine", "mapRun")}, "ResourceNotFound", None),
        ("DescribeStateMachineForExecution", {"executionArn": f"{EXECUTION}:no"}, "ExecutionDoesNotExist", None),
    ],
)  # fmt: skip
def test_refusals(bench: Bench, operation: str, request_: dict[str, Any], code: str, message: str | None) -> None:
    bench.machine(PASSES)
    found = refusal(bench, operation, **request_)
    assert found[0] == code
    assert message is None or found[1] == message


def test_a_cloud_that_has_stopped_is_away(bench: Bench) -> None:
    bench.machine(PASSES)
    bench.engine.close()
    status, reply = bench.api.call("StartExecution", {"stateMachineArn": MACHINE_ARN})
    assert (status, reply["__type"]) == (503, "ServiceUnavailable")


def test_the_operations_are_those_that_are_answered(bench: Bench) -> None:
    assert {
        "StartExecution",
        "StopExecution",
        "DescribeExecution",
        "ListExecutions",
        "GetExecutionHistory",
    } <= StepFunctionsApi.OPERATIONS
    assert set(MODEL.operation_names) >= StepFunctionsApi.OPERATIONS
    for operation in StepFunctionsApi.OPERATIONS:
        assert bench.api.call(operation, {})[0] == 400

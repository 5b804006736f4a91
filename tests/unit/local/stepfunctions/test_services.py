"""Calls of services by their APIs: parameters and answers in Step Functions' names, errors in AWS's."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edgetrain.local.service_calls import from_model, to_model
from edgetrain.local.stepfunctions.services import SERVICES, operation_of
from tests.unit.fakes.stepfunctions import ROLE, Bench, ServiceError, one_state

TIME = datetime(2024, 5, 6, 7, 8, 9, 250_000, UTC)
PAGE = Path(__file__).parents[4] / "docs" / "reference" / "step-functions.md"


def calls(resource: str, **parameters: Any) -> dict[str, Any]:
    return one_state(Type="Task", Resource=f"arn:aws:states:::{resource}", Parameters=parameters)


def test_an_sdk_integration_answers_with_the_answer(bench: Bench) -> None:
    answer = {"Table": {"TableName": "t", "CreationDateTime": TIME, "Keys": [{"At": TIME}]}}
    bench.cloud.services["dynamodb", "describeTable"] = lambda _: answer
    outcome = bench.run(calls("aws-sdk:dynamodb:describeTable", **{"TableName.$": "$.t"}), {"t": "t"})
    shown = "2024-05-06T07:08:09.250Z"
    assert outcome.output == {"Table": {"TableName": "t", "CreationDateTime": shown, "Keys": [{"At": shown}]}}
    assert bench.cloud.asked == [("dynamodb", "describeTable", {"TableName": "t"}, ROLE)]
    (scheduled,) = outcome.details("TaskScheduled")
    assert (scheduled["resourceType"], scheduled["resource"]) == ("aws-sdk:dynamodb", "describeTable")


def test_an_optimised_integration_adds_what_http_said(bench: Bench) -> None:
    bench.cloud.services["dynamodb", "getItem"] = lambda _: {"Item": {"id": {"S": "x"}}}
    outcome = bench.run(calls("dynamodb:getItem", TableName="t", Key={"id": {"S": "x"}}))
    assert outcome.output["Item"] == {"id": {"S": "x"}}
    assert outcome.output["SdkHttpMetadata"]["HttpStatusCode"] == 200
    assert list(outcome.output) == sorted(outcome.output)
    (scheduled,) = outcome.details("TaskScheduled")
    assert (scheduled["resourceType"], scheduled["resource"]) == ("dynamodb", "getItem")
    assert json.loads(scheduled["parameters"]) == {"TableName": "t", "Key": {"id": {"S": "x"}}}


@pytest.mark.parametrize(
    ("resource", "parameters", "code", "error"),
    [
        ("dynamodb:getItem", {"TableName": "t", "Key": {}}, "ThrottlingException", "DynamoDB.ThrottlingException"),
        ("dynamodb:getItem", {"TableName": "t", "Key": {}}, "Odd", "DynamoDB.Odd"),
        ("sqs:sendMessage", {"QueueUrl": "q", "MessageBody": "m"}, "QueueDoesNotExist", "SQS.QueueDoesNotExistException"),
        ("sqs:sendMessage", {"QueueUrl": "q", "MessageBody": "m"}, "AccessDenied", "SQS.AmazonSQSException"),
        ("states:startExecution", {"StateMachineArn": "a"}, "InvalidArn", "StepFunctions.InvalidArnException"),
        ("states:startExecution", {"StateMachineArn": "a"}, "AccessDeniedException", "StepFunctions.AWSStepFunctionsException"),
        ("aws-sdk:s3:getObject", {"Bucket": "b", "Key": "k"}, "NoSuchKey", "S3.NoSuchKeyException"),
        ("aws-sdk:s3:getObject", {"Bucket": "b", "Key": "k"}, "SlowDown", "S3.S3Exception"),
        ("aws-sdk:dynamodb:getItem", {"TableName": "t", "Key": {}}, "ResourceNotFoundException", "DynamoDb.ResourceNotFoundException"),
        ("aws-sdk:cloudwatchlogs:createLogGroup", {"LogGroupName": "g"}, "Odd", "CloudWatchLogs.CloudWatchLogsException"),
    ],
)  # fmt: skip
def test_errors(bench: Bench, resource: str, parameters: dict[str, Any], code: str, error: str) -> None:
    def refuses(_: Any) -> Any:
        raise ServiceError(code, "It is so.", status_code=418)

    service, action = resource.removeprefix("aws-sdk:").replace("states:", "sfn:").split(":")
    bench.cloud.services[service, action] = refuses
    outcome = bench.run(calls(resource, **parameters))
    assert (outcome.status, outcome.error) == ("FAILED", error)
    assert str(outcome.cause).startswith("It is so. (Service: ")
    assert "Status Code: 418" in str(outcome.cause)
    assert [each["error"] for each in outcome.details("TaskFailed")] == [error]


def test_no_service_at_all(bench: Bench) -> None:
    outcome = bench.run(calls("aws-sdk:s3:getObject", Bucket="b", Key="k"))
    assert outcome.error == "S3.SdkClientException"


def test_an_answer_that_is_too_large(bench: Bench) -> None:
    bench.cloud.services["s3", "getObject"] = lambda _: {"Body": "x" * 262_144}
    outcome = bench.run(calls("aws-sdk:s3:getObject", Bucket="b", Key="k"))
    assert outcome.error == "States.DataLimitExceeded"


@pytest.mark.parametrize(
    ("service", "action", "named", "model"),
    [
        ("sfn", "startExecution", {"StateMachineArn": "a", "Input": "{}"}, {"stateMachineArn": "a", "input": "{}"}),
        ("lambda", "invoke", {"FunctionName": "f", "Payload": "é"}, {"FunctionName": "f", "Payload": "é".encode()}),
        ("dynamodb", "putItem", {"Item": {"a": {"L": [{"B": "x"}]}}}, {"Item": {"a": {"L": [{"B": b"x"}]}}}),
        ("cloudwatchlogs", "putLogEvents", {"LogEvents": [{"Message": "m"}]}, {"logEvents": [{"message": "m"}]}),
        ("sfn", "startExecution", {"Other": {"Kept": 1}}, {"Other": {"Kept": 1}}),
    ],
)  # fmt: skip
def test_names_and_contents(service: str, action: str, named: Any, model: Any) -> None:
    shape = operation_of(service, action).input_shape
    assert to_model(shape, named) == model
    if "Other" not in named:
        assert from_model(shape, model) == named


def test_the_page_names_what_there_is() -> None:
    """docs/reference/step-functions.md: its services are the engine's, and its tests exist."""
    page = PAGE.read_text()
    (row,) = [line for line in page.splitlines() if line.startswith("| `aws-sdk:SERVICE:ACTION`")]
    assert row.split("|")[3].strip().split(", ") == sorted(SERVICES)
    folders = {"cloud": "tests/integration/cloud", "moto": "tests/integration/stepfunctions"}
    named = re.findall(r"(?:(cloud|moto) )?`(test_\w+\.py)`", page)
    assert len(named) > 50
    root = PAGE.parents[2]
    missing = [
        name
        for folder, name in named
        if not (root / (folders[folder] if folder else "tests/unit/local/stepfunctions") / name).is_file()
    ]
    assert missing == []

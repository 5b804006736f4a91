"""States that call services by their APIs: what reaches them, what comes back, what their errors are called."""

import json
import time
from typing import Any

import pytest

from tests.integration.cloud.test_functions import deploy_function
from tests.integration.cloud.test_state_machines import ROLE, run


def calls(resource: str, parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": parameters, **more}


def chain(*states: dict[str, Any]) -> dict[str, Any]:
    names = [f"S{index}" for index in range(len(states))]
    ends = [*({"Next": name} for name in names[1:]), {"End": True}]
    linked = {name: {**state, **end} for name, state, end in zip(names, states, ends, strict=True)}
    return {"StartAt": names[0], "States": linked}


def output(ended: dict[str, Any]) -> Any:
    assert ended["status"] == "SUCCEEDED", ended
    return json.loads(ended["output"])


@pytest.fixture
def table(client, name) -> str:
    client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def test_items_are_put_updated_read_and_deleted(client, name, table):
    key = {"TableName": table, "Key": {"id": {"S.$": "$.id"}}}
    update = {
        **key,
        "UpdateExpression": "SET n = n + :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
        "ReturnValues": "ALL_NEW",
    }
    machine = chain(
        calls(
            "dynamodb:putItem", {"TableName": table, "Item": {"id": {"S.$": "$.id"}, "n": {"N": "1"}}}, ResultPath=None
        ),
        calls("dynamodb:updateItem", update, ResultPath="$.updated"),
        calls("dynamodb:getItem", key, ResultPath="$.got"),
        calls("dynamodb:deleteItem", key, ResultPath=None),
        calls("aws-sdk:dynamodb:getItem", key, ResultPath="$.gone"),
    )
    shown = output(run(client, machine, name, {"id": "x"}))
    wanted = {"id": {"S": "x"}, "n": {"N": "2"}}
    assert shown["updated"]["Attributes"] == shown["got"]["Item"] == wanted
    assert shown["got"]["SdkHttpMetadata"]["HttpStatusCode"] == 200
    assert shown["gone"] == {}


def test_an_item_that_is_there_is_not_put_over(client, name, table):
    put = {"TableName": table, "Item": {"id": {"S": "x"}}, "ConditionExpression": "attribute_not_exists(id)"}
    error = "DynamoDB.ConditionalCheckFailedException"
    caught = calls("dynamodb:putItem", put, Catch=[{"ErrorEquals": [error], "Next": "S2"}])
    shown = output(run(client, chain(caught, caught, {"Type": "Pass"}), name, {}))
    assert shown["Error"] == error
    assert "Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ConditionalCheckFailedException" in shown["Cause"]


@pytest.mark.parametrize(
    ("resource", "parameters", "error"),
    [
        ("dynamodb:getItem", {"TableName": "none", "Key": {"id": {"S": "x"}}}, "DynamoDB.ResourceNotFoundException"),
        ("aws-sdk:dynamodb:describeTable", {"TableName": "none"}, "DynamoDb.ResourceNotFoundException"),
        ("aws-sdk:s3:getObject", {"Bucket": "no-such-bucket", "Key": "k"}, "S3.NoSuchBucketException"),
        ("aws-sdk:sfn:describeExecution", {"ExecutionArn": "arn:x"}, "Sfn.InvalidArnException"),
        (
            "sqs:sendMessage",
            {"QueueUrl": "http://localhost/1/none", "MessageBody": "x"},
            "SQS.QueueDoesNotExistException",
        ),
        (
            "states:startExecution",
            {"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:none"},
            "StepFunctions.StateMachineDoesNotExistException",
        ),
    ],
)
def test_errors_have_aws_names(client, name, resource, parameters, error):
    ended = run(client, chain(calls(resource, parameters)), name, {})
    assert (ended["status"], ended["error"]) == ("FAILED", error), ended


def test_objects_are_written_read_and_listed(client, name):
    client("s3").create_bucket(Bucket=name)
    machine = chain(
        calls("aws-sdk:s3:putObject", {"Bucket": name, "Key": "a/b", "Body": "text \u00e9"}, ResultPath=None),
        calls(
            "aws-sdk:s3:getObject",
            {"Bucket": name, "Key": "a/b"},
            ResultSelector={"text.$": "$.Body"},
            ResultPath="$.got",
        ),
        calls("aws-sdk:s3:listObjectsV2", {"Bucket": name}, ResultPath="$.listed"),
        calls("aws-sdk:sfn:listStateMachines", {}, ResultPath="$.machines"),
    )
    shown = output(run(client, machine, name, {}))
    assert shown["got"] == {"text": "text \u00e9"}
    (listed,) = shown["listed"]["Contents"]
    assert listed["Key"] == "a/b"
    assert listed["LastModified"].endswith("Z")
    assert name in [each["Name"] for each in shown["machines"]["StateMachines"]]


def test_messages_are_sent(client, name):
    sqs = client("sqs")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    send = calls("sqs:sendMessage", {"QueueUrl": queue, "MessageBody": {"a.$": "$.a"}})
    shown = output(run(client, chain(send), name, {"a": 1}))
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"]) == {"a": 1}
    assert message["MessageId"] == shown["MessageId"]


def test_a_machine_starts_another_and_waits(client, name):
    states = client("stepfunctions")
    doubles = chain({"Type": "Pass", "Parameters": {"x.$": "States.MathAdd($.x, $.x)"}})
    inner = states.create_state_machine(name=f"{name}-in", definition=json.dumps(doubles), roleArn=ROLE)[
        "stateMachineArn"
    ]
    outer = chain(calls("states:startExecution.sync:2", {"StateMachineArn": inner, "Input.$": "$"}))
    assert output(run(client, outer, name, {"x": 21}))["Output"] == {"x": 42}


def test_a_token_is_answered_from_outside(client, name):
    function = deploy_function(client, "Tokens")
    ask = calls(
        "lambda:invoke.waitForTaskToken",
        {"FunctionName": function, "Payload": {"token.$": "$$.Task.Token"}},
        HeartbeatSeconds=60,
    )
    states = client("stepfunctions")
    arn = states.create_state_machine(name=name, definition=json.dumps(chain(ask)), roleArn=ROLE)["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]

    def events() -> dict[str, Any]:
        return {each["type"]: each for each in states.get_execution_history(executionArn=execution)["events"]}

    while "TaskSubmitted" not in events():
        time.sleep(0.01)
    token = json.loads(events()["TaskScheduled"]["taskScheduledEventDetails"]["parameters"])["Payload"]["token"]
    states.send_task_heartbeat(taskToken=token)
    states.send_task_failure(taskToken=token, error="Mine", cause="of it")
    while (ended := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(0.01)
    assert (ended["status"], ended["error"], ended["cause"]) == ("FAILED", "Mine", "of it")
    with pytest.raises(states.exceptions.TaskTimedOut):
        states.send_task_success(taskToken=token, output="1")
    redriven = states.redrive_execution(executionArn=execution)["redriveDate"]
    assert states.describe_execution(executionArn=execution)["redriveDate"] == redriven
    states.stop_execution(executionArn=execution)

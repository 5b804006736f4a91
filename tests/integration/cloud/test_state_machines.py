"""State machines through boto3: what a definition asks of Lambda and S3 reaches them."""

import json
import time
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from edgetrain.local.states_api import NOT_HERE
from tests.integration.cloud.test_functions import deploy_function

ROLE = "arn:aws:iam::123456789012:role/anybody"


def run(client, definition: dict[str, Any], name: str, input_: object = None) -> dict[str, Any]:
    """Create a machine, start it, and wait for its end."""
    states = client("stepfunctions")
    arn = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=arn, input=json.dumps(input_))["executionArn"]
    while (described := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(0.01)
    return described


def invoke(function: str, **more: object) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload.$": "$"},
        "OutputPath": "$.Payload",
        "End": True,
        **more,
    }


def test_a_task_invokes_the_deployed_function(client, name):
    function = deploy_function(client, "Machines")
    task = {"StartAt": "Ask", "States": {"Ask": invoke(function)}}
    ended = run(client, task, name, {"n": 1})
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"])["event"] == {"n": 1}
    failed = run(client, task, f"{name}-failed", {"fails": True})
    assert (failed["status"], failed["error"]) == ("FAILED", "LookupError")


def test_a_function_that_is_not_there(client, name):
    ended = run(client, {"StartAt": "Ask", "States": {"Ask": invoke("nobody")}}, name, {})
    assert (ended["status"], ended["error"]) == ("FAILED", "Lambda.ResourceNotFoundException")


def items_of(bucket: str) -> dict[str, Any]:
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Parameters": {"Bucket": bucket, "Key": "items.json"},
    }
    each = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Keep",
        "States": {"Keep": {"Type": "Pass", "End": True}},
    }
    every = {"Type": "Map", "ItemReader": reader, "ItemProcessor": each, "End": True}
    return {"StartAt": "Every", "States": {"Every": every}}


def test_a_map_reads_its_items_from_a_bucket(client, name):
    s3 = client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="items.json", Body=json.dumps([{"n": 1}, {"n": 2}]))
    ended = run(client, items_of(name), name)
    assert (ended["status"], json.loads(ended["output"])) == ("SUCCEEDED", [{"n": 1}, {"n": 2}])


def test_a_map_without_its_items_fails(client, name):
    ended = run(client, items_of("no-such-bucket"), name)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.ItemReaderFailed")


def test_what_the_engine_cannot_run_does_not_get_in(client, name):
    states = client("stepfunctions")
    jsonata = {"QueryLanguage": "JSONata", "StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    with pytest.raises(ClientError) as caught:
        states.create_state_machine(name=name, definition=json.dumps(jsonata), roleArn=ROLE)
    assert caught.value.response["Error"]["Code"] == "InvalidDefinition"
    plain = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    arn = states.create_state_machine(name=name, definition=json.dumps(plain), roleArn=ROLE)["stateMachineArn"]
    with pytest.raises(ClientError, match="InvalidDefinition"):
        states.update_state_machine(stateMachineArn=arn, definition=json.dumps(jsonata))
    assert json.loads(states.describe_state_machine(stateMachineArn=arn)["definition"]) == plain
    assert states.validate_state_machine_definition(definition=json.dumps(jsonata))["result"] == "FAIL"


def test_a_deleted_machine_is_not_started(client, name):
    states = client("stepfunctions")
    plain = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
    arn = states.create_state_machine(name=name, definition=plain, roleArn=ROLE)["stateMachineArn"]
    states.delete_state_machine(stateMachineArn=arn)
    with pytest.raises(ClientError) as caught:
        states.start_execution(stateMachineArn=arn)
    assert caught.value.response["Error"]["Code"] == "StateMachineDoesNotExist"


def test_kinds_of_machines_that_there_are_not(client, name):
    states = client("stepfunctions")
    plain = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
    with pytest.raises(states.exceptions.StateMachineTypeNotSupported, match="not EXPRESS"):
        states.create_state_machine(name=name, definition=plain, roleArn=ROLE, type="EXPRESS")
    with pytest.raises(ClientError, match="no versions of state machines"):
        states.create_state_machine(name=name, definition=plain, roleArn=ROLE, publish=True)
    assert name not in [each["name"] for each in states.list_state_machines()["stateMachines"]]


@pytest.mark.parametrize("operation", sorted(NOT_HERE))
def test_operations_that_there_are_not(empty_cloud, operation):
    config = Config(inject_host_prefix=False, parameter_validation=False, retries={"total_max_attempts": 1})
    keys = {"aws_access_key_id": "anybody", "aws_secret_access_key": "anything", "region_name": "us-east-1"}
    states = boto3.client("stepfunctions", endpoint_url=empty_cloud.endpoint, config=config, **keys)
    method = next(each for each, called in states.meta.method_to_api_mapping.items() if called == operation)
    with pytest.raises(ClientError, match=f"{operation} is not supported"):
        getattr(states, method)()

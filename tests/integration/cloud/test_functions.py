"""A function from a template to its answer, through AWS's own client."""

import base64
import json
import platform
import sys
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.cloud.conftest import Client

CODE = """
import json, os, urllib.request
import boto3

def handler(event, context):
    print("event", json.dumps(event))
    if event.get("fails"):
        raise LookupError("as asked")
    who = boto3.client("sts").get_caller_identity()["Arn"] if event.get("who") else None
    return {"answer": os.environ["ANSWER"], "event": event, "who": who, "name": context.function_name}
"""


def resources(code: str = CODE, answer: str = "42") -> dict[str, Any]:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    architecture = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
    return {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}},
        "Group": {"Type": "AWS::Logs::LogGroup"},
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Code": {"ZipFile": code},
                "Handler": "index.handler",
                "Runtime": f"python{sys.version_info.major}.{sys.version_info.minor}",
                "Architectures": [architecture],
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Environment": {"Variables": {"ANSWER": answer}},
                "LoggingConfig": {"LogGroup": {"Ref": "Group"}},
                "Timeout": 30,
            },
        },
    }


def deploy_function(client: Client, stack: str, **changes: str) -> str:
    """Create or update a stack with one function; the function's name."""
    formation = client("cloudformation")
    body = json.dumps({"Resources": resources(**changes), "Outputs": {"Function": {"Value": {"Ref": "Function"}}}})
    try:
        formation.update_stack(StackName=stack, TemplateBody=body)
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        formation.create_stack(StackName=stack, TemplateBody=body)
    described = formation.describe_stacks(StackName=stack)["Stacks"][0]
    assert described["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    return described["Outputs"][0]["OutputValue"]


@pytest.fixture(scope="module")
def function(empty_cloud) -> str:
    from tests.integration.cloud.conftest import make_client

    return deploy_function(lambda service: make_client(empty_cloud.endpoint, service), "Functions")


def test_an_answer(client, function):
    reply = client("lambda").invoke(FunctionName=function, Payload=b'{"who": true}', LogType="Tail")
    answer = json.loads(reply["Payload"].read())
    assert (reply["StatusCode"], reply["ExecutedVersion"]) == (200, "$LATEST")
    assert (answer["answer"], answer["name"]) == ("42", function)
    assert ":assumed-role/Functions-Role-" in answer["who"]
    log = base64.b64decode(reply["LogResult"]).decode()
    assert 'event {"who": true}' in log
    assert "REPORT RequestId:" in log


def test_an_exception_is_a_function_error(client, function):
    reply = client("lambda").invoke(FunctionName=function, Payload=b'{"fails": true}')
    assert reply["FunctionError"] == "Unhandled"
    error = json.loads(reply["Payload"].read())
    assert (error["errorType"], error["errorMessage"]) == ("LookupError", "as asked")


def test_by_arn_and_dry(client, function):
    functions = client("lambda")
    arn = functions.get_function_configuration(FunctionName=function)["FunctionArn"]
    assert functions.invoke(FunctionName=arn, Payload=b"{}")["StatusCode"] == 200
    assert functions.invoke(FunctionName=function, InvocationType="DryRun")["StatusCode"] == 204
    with pytest.raises(ClientError) as caught:
        functions.invoke(FunctionName="nobody", Payload=b"{}")
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_its_log_is_in_its_log_group(client, function):
    functions, logs = client("lambda"), client("logs")
    group = functions.get_function_configuration(FunctionName=function)["LoggingConfig"]["LogGroup"]
    request_id = functions.invoke(FunctionName=function, Payload=b"{}")["ResponseMetadata"]["RequestId"]
    messages: list[str] = []
    while not any(f"REPORT RequestId: {request_id}" in message for message in messages):
        messages = [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]
    assert any(message.startswith(f"START RequestId: {request_id}") for message in messages)


def test_an_updated_stack_runs_the_new_code_and_settings(client):
    function = deploy_function(client, "Changing", answer="old")
    invoke = client("lambda").invoke
    assert json.loads(invoke(FunctionName=function, Payload=b"{}")["Payload"].read())["answer"] == "old"
    deploy_function(client, "Changing", answer="new")
    assert json.loads(invoke(FunctionName=function, Payload=b"{}")["Payload"].read())["answer"] == "new"
    deploy_function(client, "Changing", code="def handler(event, context): return 'another'", answer="new")
    assert json.loads(invoke(FunctionName=function, Payload=b"{}")["Payload"].read()) == "another"

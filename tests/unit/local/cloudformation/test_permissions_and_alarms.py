"""Statements of functions' policies, and alarms, as stacks make, change and delete them."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from edgetrain.local.functions.runtime import name_of_this_python

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}],
}
FUNCTION = {
    "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
    "Function": {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Code": {"ZipFile": "def handler(event, context): pass"},
            "Handler": "index.handler",
            "Runtime": name_of_this_python(),
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        },
    },
}


def permission(route: str) -> dict[str, Any]:
    return {
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "FunctionName": {"Fn::GetAtt": ["Function", "Arn"]},
                "Action": "lambda:InvokeFunction",
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": f"arn:aws:execute-api:us-east-1:123456789012:api/*/*/{route}",
            },
        }
    }


def alarm(**changes: Any) -> dict[str, Any]:
    given = {
        "Namespace": "AWS/ApiGateway",
        "MetricName": "Latency",
        "Dimensions": [{"Name": "ApiId", "Value": "api"}],
        "ComparisonOperator": "GreaterThanThreshold",
        "ExtendedStatistic": "p99",
        "EvaluationPeriods": "3",
        "Period": 300,
        "Threshold": "10000",
        "TreatMissingData": "notBreaching",
    }
    return {"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": {**given, **changes}}}


def sources(cloud, name) -> list[str]:
    """What a function's policy names as sources."""
    function = cloud.physical(name)["Function"]
    try:
        policy = json.loads(cloud.client("lambda").get_policy(FunctionName=function)["Policy"])
    except ClientError:
        return []
    return [each["Condition"]["ArnLike"]["AWS:SourceArn"].rsplit("/", 1)[1] for each in policy["Statement"]]


def test_a_permission(cloud, name):
    cloud.create(name, {**FUNCTION, **permission("labels")})
    assert sources(cloud, name) == ["labels"]
    cloud.update(name, {**FUNCTION, **permission("models")})
    assert sources(cloud, name) == ["models"]
    cloud.update(name, FUNCTION)
    assert sources(cloud, name) == []


def test_a_permission_goes_with_its_function(cloud, name):
    cloud.create(name, {**FUNCTION, **permission("labels"), "Kept": {"Type": "AWS::Logs::LogGroup"}})
    cloud.client("lambda").delete_function(FunctionName=cloud.physical(name)["Function"])
    assert cloud.update(name, {"Kept": {"Type": "AWS::Logs::LogGroup"}})["StackStatus"] == "UPDATE_COMPLETE"
    assert cloud.failures(name) == []


@pytest.mark.parametrize("unknown", ["EventSourceToken", "FunctionUrlAuthType"])
def test_a_permission_of_a_kind_that_is_not_supported(cloud, name, unknown):
    wanted = permission("labels")
    wanted["Permission"]["Properties"][unknown] = "x"
    cloud.create(name, {**FUNCTION, **wanted})
    assert unknown in dict(cloud.failures(name))["Permission"]


def test_an_alarm(cloud, name):
    def described() -> list[dict[str, Any]]:
        return cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{name}-")["MetricAlarms"]

    kept = {"Kept": {"Type": "AWS::Logs::LogGroup"}}
    outputs = {"Arn": {"Value": {"Fn::GetAtt": ["Alarm", "Arn"]}}}
    cloud.create(name, {**kept, **alarm()}, Outputs=outputs)
    (made,) = described()
    assert (made["Threshold"], made["EvaluationPeriods"], made["ExtendedStatistic"]) == (10000.0, 3, "p99")
    assert made["AlarmArn"] == cloud.outputs(name)["Arn"]
    cloud.update(name, {**kept, **alarm(Threshold="5", AlarmDescription="slow")}, Outputs=outputs)
    (changed,) = described()
    assert (changed["AlarmName"], changed["Threshold"], changed["AlarmDescription"]) == (made["AlarmName"], 5.0, "slow")
    cloud.update(name, kept)
    assert described() == []

"""Endpoints in stacks: done once in service, changed without a gap, and what a failure says."""

import json

import pytest

from tests.unit.local.sagemaker.conftest import IMAGE


def template(version: str = "1", *, memory: int = 1024) -> str:
    model = {
        "ExecutionRoleArn": "arn:aws:iam::123456789012:role/serve",
        "PrimaryContainer": {"Image": IMAGE, "Environment": {"VERSION": version}},
    }
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
        "InitialVariantWeight": "1",
        "ServerlessConfig": {"MemorySizeInMB": str(memory), "MaxConcurrency": "5"},
    }
    resources = {
        "Model": {"Type": "AWS::SageMaker::Model", "Properties": model},
        "Config": {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"ProductionVariants": [variant]}},
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {"EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]}},
        },
    }
    outputs = {
        "Name": {"Value": {"Fn::GetAtt": ["Endpoint", "EndpointName"]}},
        "Arn": {"Value": {"Ref": "Endpoint"}},
        "ModelArn": {"Value": {"Ref": "Model"}},
        "ConfigArn": {"Value": {"Ref": "Config"}},
    }
    return json.dumps({"Resources": resources, "Outputs": outputs})


class Stack:
    def __init__(self, sagemaker, name: str) -> None:
        self.client = sagemaker.clients.client("cloudformation")
        self.name = name

    def create(self, body: str) -> None:
        self.client.create_stack(StackName=self.name, TemplateBody=body)

    def update(self, body: str) -> None:
        self.client.update_stack(StackName=self.name, TemplateBody=body)

    def described(self) -> dict:
        return self.client.describe_stacks(StackName=self.name)["Stacks"][0]

    @property
    def status(self) -> str:
        return self.described()["StackStatus"]

    @property
    def outputs(self) -> dict[str, str]:
        return {each["OutputKey"]: each["OutputValue"] for each in self.described()["Outputs"]}

    @property
    def reasons(self) -> str:
        events = self.client.describe_stack_events(StackName=self.name)["StackEvents"]
        return " ".join(each.get("ResourceStatusReason", "") for each in events)


@pytest.fixture
def stack(sagemaker, request):
    made = Stack(sagemaker, "stack-" + request.node.name.replace("_", "-"))
    yield made
    made.client.delete_stack(StackName=made.name)


def test_a_stack_is_complete_when_its_endpoint_answers(sagemaker, stack):
    stack.create(template())
    assert stack.status == "CREATE_COMPLETE"
    outputs = stack.outputs
    assert sagemaker.invoke(outputs["Name"])["version"] == "1"
    assert outputs["Arn"] == f"arn:aws:sagemaker:us-east-1:123456789012:endpoint/{outputs['Name']}"
    assert ":model/" in outputs["ModelArn"]
    assert ":endpoint-config/" in outputs["ConfigArn"]
    assert len(outputs["Name"]) <= 63


def test_a_change_replaces_model_and_configuration_and_keeps_the_endpoint(sagemaker, stack):
    stack.create(template())
    before = stack.outputs
    stack.update(template("2"))
    after = stack.outputs
    assert stack.status == "UPDATE_COMPLETE"
    assert (after["Name"], after["Arn"]) == (before["Name"], before["Arn"])
    assert after["ModelArn"] != before["ModelArn"]
    assert after["ConfigArn"] != before["ConfigArn"]
    assert sagemaker.invoke(after["Name"])["version"] == "2"
    models = [each["ModelArn"] for each in sagemaker.control.list_models()["Models"]]
    assert after["ModelArn"] in models
    assert before["ModelArn"] not in models


def test_more_memory_is_another_configuration_over_the_same_model(sagemaker, stack):
    stack.create(template())
    before = stack.outputs
    stack.update(template(memory=2048))
    after = stack.outputs
    assert (after["ModelArn"], after["Name"]) == (before["ModelArn"], before["Name"])
    assert after["ConfigArn"] != before["ConfigArn"]
    (container,) = sagemaker.containers.running
    assert container is sagemaker.containers.all[-1]


def test_an_endpoint_that_does_not_come_up_takes_its_stack_back(sagemaker, stack):
    def endpoints() -> set[str]:
        return {each["EndpointName"] for each in sagemaker.control.list_endpoints()["Endpoints"]}

    before = endpoints()
    sagemaker.containers.ends_at_once.add("1")
    stack.create(template())
    assert stack.status == "ROLLBACK_COMPLETE"
    assert "did not pass the ping health check" in stack.reasons
    assert "no model" in stack.reasons
    assert endpoints() == before


def test_an_update_that_does_not_come_up_leaves_what_was(sagemaker, stack):
    stack.create(template())
    sagemaker.containers.ends_at_once.add("2")
    stack.update(template("2"))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert "no model" in stack.reasons
    assert sagemaker.invoke(stack.outputs["Name"])["version"] == "1"


def test_deleting_a_stack_deletes_all_three(sagemaker, stack):
    stack.create(template())
    made = {stack.outputs[name] for name in ("Arn", "ConfigArn", "ModelArn")}

    def standing() -> set[str]:
        control = sagemaker.control
        return {
            *(each["EndpointArn"] for each in control.list_endpoints()["Endpoints"]),
            *(each["EndpointConfigArn"] for each in control.list_endpoint_configs()["EndpointConfigs"]),
            *(each["ModelArn"] for each in control.list_models()["Models"]),
        }

    assert made <= standing()
    stack.client.delete_stack(StackName=stack.name)
    assert not made & standing()


def test_what_is_gone_already_is_fine(sagemaker, stack):
    stack.create(template())
    sagemaker.control.delete_endpoint(EndpointName=stack.outputs["Name"])
    stack.client.delete_stack(StackName=stack.name)
    listed = stack.client.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    assert stack.name in {each["StackName"] for each in listed}

"""What the clients ask of AWS and how its answers become ours (stubbed: no sockets)."""

from datetime import UTC, datetime

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber

from edgetrain.client import logs
from edgetrain.client.connection import Connection
from edgetrain.client.documents import LogLine
from edgetrain.client.executions import StepFunctionsExecutions
from edgetrain.client.outputs import OPTIONAL, STACKS, Outputs, read_outputs, read_stacks
from edgetrain.errors import CloudNotRunning, NotDeployed, TransientError, UsageError

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:F"
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:F:run"
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def stubbed(service):
    client = boto3.client(service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    stub = Stubber(client)
    stub.activate()
    return client, stub


# --- executions


@pytest.fixture
def states():
    client, stub = stubbed("stepfunctions")
    yield StepFunctionsExecutions(client, MACHINE), stub
    stub.assert_no_pending_responses()


def test_start(states):
    executions, stub = states
    answer = {"executionArn": EXECUTION, "startDate": NOW}
    stub.add_response("start_execution", answer, {"stateMachineArn": MACHINE, "name": "run", "input": "{}"})
    assert executions.start("run", "{}") == EXECUTION


def test_a_name_that_was_used(states):
    executions, stub = states
    stub.add_client_error("start_execution", "ExecutionAlreadyExists")
    with pytest.raises(UsageError, match="choose another --run-id"):
        executions.start("run", "{}")


def test_throttling_may_be_tried_again(states):
    executions, stub = states
    stub.add_client_error("start_execution", "ThrottlingException")
    with pytest.raises(TransientError):
        executions.start("run", "{}")


def test_what_we_may_not_do_is_awss_own_error(states):
    executions, stub = states
    stub.add_client_error("start_execution", "AccessDeniedException")
    stub.add_client_error("describe_execution", "AccessDeniedException")
    with pytest.raises(ClientError):
        executions.start("run", "{}")
    with pytest.raises(ClientError):
        executions.describe(EXECUTION)


def test_describe(states):
    executions, stub = states
    answer = {
        "executionArn": EXECUTION,
        "stateMachineArn": MACHINE,
        "status": "FAILED",
        "startDate": NOW,
        "error": "QuorumNotReached",
        "cause": "2 of 8",
    }
    stub.add_response("describe_execution", answer, {"executionArn": EXECUTION})
    found = executions.describe(EXECUTION)
    assert (found.status, found.error, found.cause) == ("FAILED", "QuorumNotReached", "2 of 8")
    stub.add_client_error("describe_execution", "ExecutionDoesNotExist")
    assert executions.describe(EXECUTION) is None


def test_stop(states):
    executions, stub = states
    sent = {"executionArn": EXECUTION, "error": "RunStopped", "cause": "enough"}
    stub.add_response("stop_execution", {"stopDate": NOW}, sent)
    executions.stop(EXECUTION, "enough")


# --- outputs


def stack(name, **outputs):
    return {
        "StackName": name,
        "CreationTime": NOW,
        "StackStatus": "CREATE_COMPLETE",
        "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()],
    }


def answers(stub, *stacks):
    """CloudFormation knows these of the application's stacks, and no others."""
    standing = {each["StackName"]: each for each in stacks}
    for name in STACKS:
        if name in standing:
            stub.add_response("describe_stacks", {"Stacks": [standing[name]]}, {"StackName": name})
        else:
            stub.add_client_error("describe_stacks", "ValidationError", expected_params={"StackName": name})


def test_outputs_of_all_stacks_without_what_only_stacks_read():
    client, stub = stubbed("cloudformation")
    answers(
        stub,
        stack("EdgetrainStorage", DataBucket="d", RunsBucket="r", ExportsOutputRefData="d"),
        stack("EdgetrainFederated", StateMachineArn="a"),
        stack("EdgetrainInference", ObjectsEndpoint="e", PublishOutputRefObjects="e"),
    )
    assert read_outputs(client) == {
        "DataBucket": "d",
        "RunsBucket": "r",
        "StateMachineArn": "a",
        "ObjectsEndpoint": "e",
    }


def test_a_stack_that_is_not_there_adds_nothing():
    client, stub = stubbed("cloudformation")
    answers(stub, stack("EdgetrainFederated"))
    assert read_stacks(client) == ({"EdgetrainFederated": "CREATE_COMPLETE"}, {})
    stub.add_client_error("describe_stacks", "AccessDenied")
    with pytest.raises(ClientError):
        read_stacks(client)


def test_a_cloud_that_does_not_answer(monkeypatch):
    client, _ = stubbed("cloudformation")

    def refuse(**_words):
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")

    monkeypatch.setattr(client, "describe_stacks", refuse)
    with pytest.raises(CloudNotRunning, match="edgetrain up"):
        read_outputs(client)


def test_outputs_that_are_missing_are_named():
    with pytest.raises(NotDeployed, match="no ModelsBucket, LedgerTable, StateMachineArn"):
        Outputs.of({"DataBucket": "d", "RunsBucket": "r"})


FLAT = {"DataBucket": "d", "RunsBucket": "r", "ModelsBucket": "m", "LedgerTable": "l", "StateMachineArn": "a"}


def test_without_the_api_the_federated_side_is_all_there_is():
    outputs = Outputs.of(FLAT)
    assert outputs == Outputs("d", "r", "m", "l", "a")
    with pytest.raises(NotDeployed, match="no api_url"):
        outputs.needed("api_url")


def test_the_apis_outputs_are_fields():
    flat = {**FLAT, **{name: name for name in OPTIONAL}, "ObjectsEndpoint": "e", "Other": "x"}
    outputs = Outputs.of(flat)
    assert outputs.endpoints == {"objects": "e"}
    assert (outputs.needed("api_url"), outputs.distribution_id) == ("ApiUrl", "DistributionId")
    named = {outputs.user_pool_id, outputs.sign_in_url, outputs.api_id, outputs.authorizer_id, outputs.web_client_id}
    assert named | {outputs.web_url, outputs.web_bucket} == set(OPTIONAL) - {"ApiUrl", "DistributionId"}


# --- logs


class Functions:
    """CloudFormation's and Lambda's answers, enough for `log_groups`."""

    is_local = True

    def __init__(self, resources):
        self.resources = resources

    def client(self, service):
        return {"cloudformation": self, "lambda": self}[service]

    def get_paginator(self, name):
        assert name == "list_stack_resources"
        return self

    def paginate(self, *, StackName):  # noqa: N803 (boto3's name)
        if StackName not in self.resources:
            raise ClientError({"Error": {"Code": "ValidationError"}}, "ListStackResources")
        return [{"StackResourceSummaries": self.resources[StackName]}]

    def get_function_configuration(self, *, FunctionName):  # noqa: N803
        given = {"LoggingConfig": {"LogGroup": "/given"}} if FunctionName == "train" else {}
        return {"FunctionName": FunctionName, **given}


def resource(logical, physical, kind="AWS::Lambda::Function"):
    return {"LogicalResourceId": logical, "PhysicalResourceId": physical, "ResourceType": kind}


def test_log_groups_by_state():
    resources = [
        resource("TrainClientFunction0A1B2C3D", "train"),
        resource("StartRunFunctionFFFFFFFF", "start"),
        resource("TrainClientFunctionRole0A1B2C3D", "role", "AWS::IAM::Role"),
        resource("SomethingElse", "other"),
    ]
    found = logs.log_groups(Functions({"EdgetrainFederated": resources}))
    assert found == {"StartRun": "/aws/lambda/start", "TrainClient": "/given"}


def test_without_functions_nothing_is_deployed():
    with pytest.raises(NotDeployed):
        logs.log_groups(Functions({}))


@pytest.mark.parametrize("name", ["TrainClient", "train_client", "trainclient"])
def test_a_function_goes_by_its_state_or_its_folder(name):
    assert logs.choose({"StartRun": "/a", "TrainClient": "/b"}, name) == {"TrainClient": "/b"}


class Events:
    """Log events by group; `filter_log_events` gives those from a time on."""

    def __init__(self, **groups):
        self.groups = groups

    def get_paginator(self, name):
        assert name == "filter_log_events"
        return self

    def paginate(self, *, logGroupName, startTime):  # noqa: N803
        if logGroupName not in self.groups:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "FilterLogEvents")
        events = [
            {"eventId": f"{logGroupName}{number}", "timestamp": time, "message": text}
            for number, (time, text) in enumerate(self.groups[logGroupName])
        ]
        yield {"events": [event for event in events if event["timestamp"] >= startTime]}


def test_each_event_is_read_once_and_in_order():
    events = Events(a=[(1000, "one\n"), (3000, "three")], b=[(2000, "two")])
    reader = logs.LogReader(events, {"A": "a", "B": "b", "C": "never written"}, since=0)
    assert [(line.function, line.message) for line in reader.read()] == [("A", "one"), ("B", "two"), ("A", "three")]
    assert reader.read() == []
    events.groups["a"] += [(3000, "same moment"), (4000, "four")]
    assert [line.message for line in reader.read()] == ["same moment", "four"]
    assert reader.read() == []


def test_nothing_older_than_asked_for():
    reader = logs.LogReader(Events(a=[(1000, "old"), (5000, "new")]), {"A": "a"}, since=2)
    (line,) = reader.read()
    assert line == LogLine(function="A", timestamp="1970-01-01T00:00:05.000+00:00", message="new")


def test_following_reads_after_each_pause():
    events = Events(a=[(1000, "first")])
    pauses = []

    def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) == 2:
            raise KeyboardInterrupt
        events.groups["a"].append((2000, "second"))

    lines = logs.follow_logs(logs.LogReader(events, {"A": "a"}, since=0), interval=7, sleep=sleep)
    assert [next(lines).message, next(lines).message] == ["first", "second"]
    with pytest.raises(KeyboardInterrupt):
        next(lines)
    assert pauses == [7, 7]


# --- connection


def test_an_embedded_cloud_needs_no_settings_of_the_users():
    connection = Connection.embedded("http://127.0.0.1:4566")
    client = connection.client("s3")
    assert client.meta.endpoint_url == "http://127.0.0.1:4566"
    assert client.meta.region_name == "us-east-1"
    assert connection.is_local
    assert connection.environment() == {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        "AWS_ACCESS_KEY_ID": "edgetrain",
        "AWS_SECRET_ACCESS_KEY": "edgetrain",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }


def test_aws_has_nothing_of_ours():
    assert Connection().environment() == {}
    assert not Connection().is_local

"""An endpoint's life, as boto3 sees it."""

import threading
import time
import uuid

import pytest
from botocore.exceptions import ClientError

from edgetrain import limits
from edgetrain.local.sagemaker.container import Answer, Broken, NotReached, TimedOut


@pytest.fixture
def name():
    return f"e-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def endpoint(sagemaker, name):
    """In service, version 1."""
    assert sagemaker.create(name, sagemaker.configure(f"{name}-1", "1"))["EndpointStatus"] == "InService"
    return name


def until(condition) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def error_of(call, **arguments) -> dict:
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    return raised.value.response


def test_it_comes_up_and_answers(sagemaker, endpoint):
    answer = sagemaker.runtime.invoke_endpoint(
        EndpointName=endpoint, Body=b"abc", ContentType="image/jpeg", Accept="application/json", CustomAttributes="x=1"
    )
    assert (answer["InvokedProductionVariant"], answer["CustomAttributes"]) == ("AllTraffic", "a=b")
    assert answer["ContentType"] == "application/json"
    told = sagemaker.invoke(endpoint, b"abc", ContentType="image/jpeg", CustomAttributes="x=1")
    assert told["bytes"] == 3
    assert told["headers"]["Content-Type"] == "image/jpeg"
    assert told["headers"]["X-Amzn-SageMaker-Custom-Attributes"] == "x=1"
    assert "Authorization" not in told["headers"]


def test_it_is_in_service_only_when_it_answers(sagemaker, name):
    sagemaker.containers.never_ready.add("1")
    sagemaker.control.create_endpoint(EndpointName=name, EndpointConfigName=sagemaker.configure(name, "1"))
    until(lambda: sagemaker.containers.all)
    assert sagemaker.control.describe_endpoint(EndpointName=name)["EndpointStatus"] == "Creating"
    assert (
        error_of(sagemaker.runtime.invoke_endpoint, EndpointName=name, Body=b"")["Error"]["Code"] == "ValidationError"
    )
    for operation, more in (("delete_endpoint", {}), ("update_endpoint", {"EndpointConfigName": name})):
        told = error_of(getattr(sagemaker.control, operation), EndpointName=name, **more)
        assert "in-progress" in told["Error"]["Message"]
    sagemaker.containers.never_ready.clear()
    assert sagemaker.settled(name)["EndpointStatus"] == "InService"


def test_one_that_does_not_come_up_fails_with_the_reason(sagemaker, name):
    sagemaker.containers.ends_at_once.add("1")
    found = sagemaker.create(name, sagemaker.configure(name, "1"))
    assert found["EndpointStatus"] == "Failed"
    assert "exit status 1: no model" in found["FailureReason"]
    sagemaker.control.delete_endpoint(EndpointName=name)
    assert error_of(sagemaker.control.describe_endpoint, EndpointName=name)["Error"]["Code"] == "ValidationException"


def test_an_image_that_nobody_knows(sagemaker, name):
    sagemaker.control.create_model(
        ModelName=name, PrimaryContainer={"Image": "python:3"}, ExecutionRoleArn="arn:aws:iam::1:role/serve"
    )
    variant = {"VariantName": "v", "ModelName": name, "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}
    sagemaker.control.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    found = sagemaker.create(name, name)
    assert (found["EndpointStatus"], "python:3" in found["FailureReason"]) == ("Failed", True)


def test_a_job_is_refused_and_not_made_up(sagemaker):
    asked = {
        "TrainingJobName": "job",
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "RoleArn": "arn:aws:iam::123456789012:role/trainer",
        "OutputDataConfig": {"S3OutputPath": "s3://models/"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }
    with pytest.raises(ClientError, match=r"CreateTrainingJob is refused: the embedded cloud runs no jobs"):
        sagemaker.control.create_training_job(**asked)
    assert sagemaker.control.list_training_jobs()["TrainingJobSummaries"] == []


def test_its_name_is_taken(sagemaker, endpoint):
    told = error_of(sagemaker.control.create_endpoint, EndpointName=endpoint, EndpointConfigName=f"{endpoint}-1")
    assert "already existing" in told["Error"]["Message"]
    assert sagemaker.invoke(endpoint)["version"] == "1"


def test_without_a_configuration(sagemaker, endpoint):
    for operation, name in (("create_endpoint", f"{endpoint}-other"), ("update_endpoint", endpoint)):
        told = error_of(getattr(sagemaker.control, operation), EndpointName=name, EndpointConfigName="gone")
        assert "endpoint configuration" in told["Error"]["Message"]


def test_an_update_answers_throughout(sagemaker, endpoint):
    sagemaker.containers.never_ready.add("2")
    config = sagemaker.configure(f"{endpoint}-2", "2")
    sagemaker.control.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    until(lambda: len(sagemaker.containers.all) == 2)
    assert sagemaker.control.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "Updating"
    assert sagemaker.invoke(endpoint)["version"] == "1"
    sagemaker.containers.never_ready.clear()
    found = sagemaker.settled(endpoint)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", config)
    assert sagemaker.invoke(endpoint)["version"] == "2"
    until(lambda: [each.version for each in sagemaker.containers.running] == ["2"])


def test_what_is_under_way_is_answered_by_the_old(sagemaker, endpoint):
    arrived, go_on = threading.Event(), threading.Event()
    plain = sagemaker.containers.answer

    def slow(container, headers, body):
        if container.version == "1":
            arrived.set()
            go_on.wait(20)
            assert not container.was_closed
        return plain(container, headers, body)

    sagemaker.containers.answer = slow
    answers = []
    asking = threading.Thread(target=lambda: answers.append(sagemaker.invoke(endpoint)["version"]))
    asking.start()
    arrived.wait(20)
    sagemaker.update(endpoint, sagemaker.configure(f"{endpoint}-2", "2"))
    assert sagemaker.invoke(endpoint)["version"] == "2"
    go_on.set()
    asking.join()
    assert answers == ["1"]


def test_an_update_that_does_not_come_up_changes_nothing(sagemaker, endpoint):
    sagemaker.containers.ends_at_once.add("2")
    found = sagemaker.update(endpoint, sagemaker.configure(f"{endpoint}-2", "2"))
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", f"{endpoint}-1")
    assert "no model" in found["FailureReason"]
    assert sagemaker.invoke(endpoint)["version"] == "1"
    sagemaker.containers.ends_at_once.clear()
    assert "FailureReason" not in sagemaker.update(endpoint, f"{endpoint}-2")


def test_instances_become_no_serverless(sagemaker, name):
    sagemaker.create(name, sagemaker.configure(f"{name}-1", "1", instances=2))
    assert len(sagemaker.containers.running) == 2
    config = sagemaker.configure(f"{name}-2", "2")
    told = error_of(sagemaker.control.update_endpoint, EndpointName=name, EndpointConfigName=config)
    assert told["Error"]["Code"] == "ValidationException"


def test_all_instances_answer(sagemaker, name):
    sagemaker.create(name, sagemaker.configure(name, "1", instances=2))
    asked = []
    plain = sagemaker.containers.answer
    sagemaker.containers.answer = lambda container, *rest: asked.append(container.pid) or plain(container, *rest)
    for _ in range(4):
        sagemaker.invoke(name)
    assert sorted(set(asked)) == [1, 2]


def test_a_container_that_ends_is_replaced(sagemaker, endpoint):
    sagemaker.containers.running[0].ended.set()
    until(lambda: len(sagemaker.containers.all) > 1)
    assert sagemaker.invoke(endpoint)["version"] == "1"


def test_requests_wait_for_the_replacement(sagemaker, endpoint):
    sagemaker.containers.never_ready.add("1")
    sagemaker.containers.running[0].ended.set()
    until(lambda: len(sagemaker.containers.all) > 1)
    answers = []
    asking = threading.Thread(target=lambda: answers.append(sagemaker.invoke(endpoint)["version"]))
    asking.start()
    sagemaker.containers.never_ready.clear()
    asking.join()
    assert answers == ["1"]


def test_one_that_has_ended_is_asked_once(sagemaker, endpoint):
    """Its connections are broken, each of them, before its place knows that it has ended."""
    plain, asked = sagemaker.containers.answer, []

    def answer(container, *rest):
        asked.append(container)
        if container.has_ended():
            raise Broken
        return plain(container, *rest)

    sagemaker.containers.answer = answer
    sagemaker.containers.notices.clear()
    (dead,) = sagemaker.containers.running
    dead.ended.set()
    answers = []
    asking = threading.Thread(target=lambda: answers.append(sagemaker.invoke(endpoint)["version"]))
    asking.start()
    until(lambda: asked)
    sagemaker.containers.notices.set()
    asking.join()
    assert answers == ["1"]
    assert asked == [dead, sagemaker.containers.all[-1]]


def test_one_that_ends_again_and_again_is_started_with_pauses(sagemaker, endpoint, monkeypatch):
    paused = []
    monkeypatch.setattr("edgetrain.local.sagemaker.fleet.BACK_OFF_SECONDS", (0.001, 0.002, 0.003))
    stopped = threading.Event

    class Noted(stopped):
        def wait(self, timeout=None):
            paused.append(timeout)
            return super().wait(timeout)

    (replica,) = sagemaker.endpoints._standing[endpoint].fleet._replicas
    replica._stopped = Noted()
    sagemaker.containers.ends_at_once.add("1")
    sagemaker.containers.running[0].ended.set()
    until(lambda: len(paused) >= 5)
    assert paused[:5] == [0.001, 0.002, 0.003, 0.003, 0.003]
    sagemaker.containers.ends_at_once.clear()
    assert sagemaker.invoke(endpoint)["version"] == "1"


@pytest.mark.parametrize("failure", [NotReached(), Broken()])
def test_a_request_that_met_an_ending_container_is_asked_again(sagemaker, endpoint, failure):
    failures = [failure]
    plain = sagemaker.containers.answer

    def answer(*arguments):
        if failures:
            raise failures.pop()
        return plain(*arguments)

    sagemaker.containers.answer = answer
    assert sagemaker.invoke(endpoint)["version"] == "1"


@pytest.mark.parametrize(
    ("answer", "status", "side"),
    [(Answer(400, {}, b"bad picture"), 400, "client"), (Answer(503, {}, b"busy"), 503, "server")],
)
def test_what_a_container_refuses_is_a_model_error(sagemaker, endpoint, answer, status, side):
    sagemaker.containers.answer = lambda *_: answer
    told = error_of(sagemaker.runtime.invoke_endpoint, EndpointName=endpoint, Body=b"x")
    assert (told["Error"]["Code"], told["ResponseMetadata"]["HTTPStatusCode"]) == ("ModelError", 424)
    assert (told["OriginalStatusCode"], told["OriginalMessage"]) == (status, answer.body.decode())
    assert told["LogStreamArn"].endswith(f":log-group:/aws/sagemaker/Endpoints/{endpoint}")
    assert f"Received {side} error ({status}) from primary" in told["Error"]["Message"]


@pytest.mark.parametrize(("failure", "words"), [(TimedOut(), "timed out"), (Broken(), "could not get a response")])
def test_no_answer_is_a_model_error(sagemaker, endpoint, failure, words):
    def answer(*_):
        raise failure

    sagemaker.containers.answer = answer
    told = error_of(sagemaker.runtime.invoke_endpoint, EndpointName=endpoint, Body=b"x")
    assert (told["Error"]["Code"], told["OriginalStatusCode"]) == ("ModelError", 0)
    assert words in told["OriginalMessage"]


def test_more_at_once_than_is_configured(sagemaker, name):
    sagemaker.create(name, sagemaker.configure(name, "1", at_once=1))
    told = []

    def answer(container, *_):
        sagemaker.containers.answer = None
        told.append(error_of(sagemaker.runtime.invoke_endpoint, EndpointName=name, Body=b"x")["Error"]["Code"])
        return Answer(200, {}, b"{}")

    sagemaker.containers.answer = answer
    sagemaker.invoke(name)
    assert told == ["ThrottlingException"]


@pytest.mark.parametrize(
    ("instances", "most"),
    [(0, limits.SAGEMAKER_SERVERLESS_PAYLOAD_BYTES), (1, limits.SAGEMAKER_REALTIME_PAYLOAD_BYTES)],
)
def test_how_large_a_request_may_be(sagemaker, name, instances, most):
    sagemaker.create(name, sagemaker.configure(name, "1", instances=instances))
    assert sagemaker.invoke(name, bytes(most))["bytes"] == most
    told = error_of(sagemaker.runtime.invoke_endpoint, EndpointName=name, Body=bytes(most + 1))
    assert told["Error"]["Code"] == "ValidationError"


def test_one_that_is_not_there(sagemaker):
    told = error_of(sagemaker.runtime.invoke_endpoint, EndpointName="gone", Body=b"x")
    assert told["Error"]["Code"] == "ValidationError"
    assert "gone of account 123456789012 not found" in told["Error"]["Message"]
    for call in (sagemaker.control.delete_endpoint, sagemaker.control.describe_endpoint):
        assert error_of(call, EndpointName="gone")["Error"]["Code"] == "ValidationException"
    told = error_of(sagemaker.control.update_endpoint, EndpointName="gone", EndpointConfigName="c")
    assert told["Error"]["Code"] == "ValidationException"


def test_another_variant(sagemaker, endpoint):
    told = error_of(sagemaker.runtime.invoke_endpoint, EndpointName=endpoint, Body=b"x", TargetVariant="other")
    assert told["Error"]["Code"] == "ValidationError"


def test_what_the_runtime_does_not_have(sagemaker, endpoint):
    told = error_of(sagemaker.runtime.invoke_endpoint_async, EndpointName=endpoint, InputLocation="s3://b/k")
    assert told["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_a_deleted_one_is_gone(sagemaker, endpoint):
    sagemaker.control.delete_endpoint(EndpointName=endpoint)
    assert (
        error_of(sagemaker.runtime.invoke_endpoint, EndpointName=endpoint, Body=b"")["Error"]["Code"]
        == "ValidationError"
    )
    until(lambda: sagemaker.containers.running == [])
    assert all(each.was_closed for each in sagemaker.containers.all)


def test_what_containers_print(sagemaker, endpoint):
    until(lambda: sagemaker.services.logs)
    ((group, stream, text),) = sagemaker.services.logs
    assert (group, text) == (f"/aws/sagemaker/Endpoints/{endpoint}", "started 1")
    assert stream.startswith("AllTraffic/")


def test_closing_ends_what_is_coming_up(sagemaker, name):
    sagemaker.containers.never_ready.add("1")
    sagemaker.control.create_endpoint(EndpointName=name, EndpointConfigName=sagemaker.configure(name, "1"))
    until(lambda: sagemaker.containers.all)
    sagemaker.endpoints.close()
    assert sagemaker.containers.running == []

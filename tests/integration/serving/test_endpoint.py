"""The deployed endpoint: what it answers, and what it outlives."""

import base64
import json
import os
import signal

import psutil
import pytest
from botocore.exceptions import ClientError

from edgetrain import keys
from edgetrain.local import deployment, process
from edgetrain.local.cloud import IMAGES, SCRATCH
from tests.integration.serving.conftest import INFERENCE, LABEL_PERSON, Served, processes, under_load
from tests.waiting import eventually


def labels(served: Served) -> list[str]:
    return json.loads(served.models.get(keys.model_file("objects", 1, keys.DETECTOR_FILE)))["labels"]


def test_it_is_in_service_with_the_first_model(served, photograph):
    assert served.sagemaker.describe_endpoint(EndpointName=served.endpoint)["EndpointStatus"] == "InService"
    told = served.invoke(photograph)
    best = told["prediction"][0]
    assert (told["version"], labels(served)[int(best[0])]) == ("1", LABEL_PERSON)
    assert best[1] > 0.5
    assert all(0 <= edge <= 1 for edge in best[2:])


def test_a_batch(served, photograph):
    data = base64.b64encode(photograph).decode()
    told = served.invoke(json.dumps({"instances": [{"data": data}] * 3}).encode(), "application/json")
    (one,) = {json.dumps(each) for each in told["predictions"]}
    assert json.loads(one) == {"prediction": served.invoke(photograph)["prediction"]}


def test_wishes(served, photograph):
    many = served.invoke(photograph, CustomAttributes="min_score=0.1")["prediction"]
    few = served.invoke(photograph, CustomAttributes="min_score=0.1;max_detections=2")["prediction"]
    assert len(many) > 2
    assert few == many[:2]
    assert [row[1] for row in many] == sorted((row[1] for row in many), reverse=True)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [(b"hello", "image/jpeg", 400), (b"hello", "text/plain", 415), (b"{", "application/json", 400)],
)
def test_what_the_container_refuses(served, body, kind, status):
    with pytest.raises(ClientError) as raised:
        served.invoke(body, kind)
    told = raised.value.response
    assert (told["Error"]["Code"], told["OriginalStatusCode"]) == ("ModelError", status)
    assert json.loads(told["OriginalMessage"])["error"]["message"]


def test_its_log_is_in_cloudwatch(served, photograph):
    served.invoke(photograph)
    logs = served.connection.client("logs")
    group = f"/aws/sagemaker/Endpoints/{served.endpoint}"

    def lines() -> list[dict]:
        found = logs.filter_log_events(logGroupName=group)["events"]
        return [json.loads(each["message"]) for each in found if each["message"].startswith("{")]

    eventually(lambda: {"ready", "invocation"} <= {line["event"] for line in lines()}, "both are told")


def test_a_killed_container_is_replaced(served, photograph):
    """Those that were under way are asked again, those that come wait for it."""
    (before,) = processes(served.data_dir)
    with under_load(served, photograph) as load:
        before.send_signal(signal.SIGKILL)
    assert load.errors == []
    (after,) = processes(served.data_dir)
    assert after.pid != before.pid


def test_it_runs_what_the_image_holds(served):
    """The program comes out of the kept build context, not out of the checkout."""
    (running,) = processes(served.data_dir)
    assert running.cwd().startswith(str(served.data_dir / SCRATCH / IMAGES))
    assert running.environ()["PYTHONPATH"] == running.cwd()
    assert running.environ()["AWS_SESSION_TOKEN"]


def test_one_that_cannot_come_up_fails_its_stack_with_the_reason(served, photograph):
    def broken(resources):
        (model,) = (each for each in resources.values() if each["Type"] == "AWS::SageMaker::Model")
        model["Properties"]["PrimaryContainer"]["ModelDataUrl"] = served.store_asset("broken.tar.gz", {"a": b"b"})

    template = served.assembly / f"{INFERENCE}.template.json"
    before = template.read_text()
    try:
        with pytest.raises(deployment.DeploymentFailed, match=r"did not pass the ping health check.*detector\.json"):
            served.deploy(broken)
    finally:
        template.write_text(before)
    assert served.invoke(photograph)["version"] == "1"
    eventually(lambda: len(processes(served.data_dir)) == 1, "one process serves")


def test_a_killed_cloud_takes_its_containers_with_it(tmp_path, served):
    """(What a cloud that is stopped leaves is looked at by the fixture.)"""
    running = process.start(tmp_path, port=0)
    deployment.deploy(running.endpoint, served.assembly, lambda _: None)
    serving = processes(tmp_path)
    assert len(serving) == 1
    os.kill(running.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(serving, timeout=20)
    assert alive == []

"""`.sync` of a service's job, by the example of SageMaker's training jobs, which the embedded cloud does not run yet."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from edgetrain.local.stepfunctions import InvalidDefinition, check_definition
from edgetrain.local.stepfunctions.reading_states import read_definition
from edgetrain.local.stepfunctions.services import OPTIMISED
from tests.unit.fakes.stepfunctions import Bench, ServiceError, one_state

PARAMETERS = {
    "TrainingJobName": "job",
    "RoleArn": "arn:aws:iam::123456789012:role/trainer",
    "AlgorithmSpecification": {"TrainingInputMode": "File", "TrainingImage": "image"},
    "OutputDataConfig": {"S3OutputPath": "s3://b"},
    "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
    "StoppingCondition": {},
}
TRAINS = one_state(
    Type="Task", Resource="arn:aws:states:::sagemaker:createTrainingJob.sync", Parameters=PARAMETERS, TimeoutSeconds=60
)


class Jobs:
    """SageMaker: one job, whose status a test sets. `asked` counts the actions."""

    def __init__(self, bench: Bench) -> None:
        self.status = "InProgress"
        self.asked: list[str] = []
        self.stopped = threading.Event()
        for action in ("createTrainingJob", "describeTrainingJob", "stopTrainingJob"):
            bench.cloud.services["sagemaker", action] = lambda given, action=action: self._answer(action, given)

    def _answer(self, action: str, given: dict[str, Any]) -> dict[str, Any]:
        assert given["TrainingJobName"] == "job"
        taken = "createTrainingJob" in self.asked
        self.asked.append(action)
        if action == "stopTrainingJob":
            self.stopped.set()
            return {}
        if action == "describeTrainingJob":
            return {"TrainingJobName": "job", "TrainingJobArn": "arn:job", "TrainingJobStatus": self.status}
        if taken:
            raise ServiceError("ResourceInUse", "Job name must be unique.")
        return {"TrainingJobArn": "arn:job"}


@pytest.fixture
def jobs(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    """As it will be once the embedded cloud runs training jobs: what is read now is not kept."""
    runs = replace(OPTIMISED["sagemaker"], actions={"createTrainingJob": ("", "sync")})
    monkeypatch.setitem(OPTIMISED, "sagemaker", runs)
    yield Jobs(bench)
    read_definition.cache_clear()


def test_it_is_refused_until_then() -> None:
    with pytest.raises(InvalidDefinition, match=r"sagemaker:createTrainingJob\.sync' is not supported"):
        check_definition(json.dumps(TRAINS))


def test_a_job_is_asked_after_until_it_has_completed(bench: Bench, jobs: Jobs) -> None:
    arn = bench.start(TRAINS)
    bench.clock.until_asked(3)
    jobs.status = "Completed"
    bench.clock.advance(1)
    outcome = bench.ended(arn)
    assert outcome.output == {"TrainingJobName": "job", "TrainingJobArn": "arn:job", "TrainingJobStatus": "Completed"}
    assert jobs.asked == ["createTrainingJob", "describeTrainingJob", "describeTrainingJob"]
    assert outcome.kinds[2:-2] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]


def test_a_job_that_fails_fails_the_task(bench: Bench, jobs: Jobs) -> None:
    jobs.status = "Failed"
    outcome = bench.run(TRAINS)
    assert (outcome.status, outcome.error) == ("FAILED", "States.TaskFailed")
    assert json.loads(str(outcome.cause))["TrainingJobStatus"] == "Failed"


def test_a_name_that_is_taken(bench: Bench, jobs: Jobs) -> None:
    jobs.asked.append("createTrainingJob")
    assert bench.run(TRAINS).error == "SageMaker.ResourceInUseException"


@pytest.mark.parametrize("way", ["stop", "time out"])
def test_a_job_that_nobody_waits_for_is_stopped(bench: Bench, jobs: Jobs, way: str) -> None:
    arn = bench.start(TRAINS)
    bench.clock.until_asked(3)
    if way == "stop":
        bench.engine.stop(arn)
    else:
        bench.clock.advance(60)
    assert bench.ended(arn).status == ("ABORTED" if way == "stop" else "FAILED")
    assert jobs.stopped.wait(20)


@pytest.mark.parametrize("told", [["Scheduled", "Started", "Submitted"], ["Scheduled", "Started"]])
def test_a_job_is_waited_for_again_after_an_interruption(bench: Bench, jobs: Jobs, told: list[str]) -> None:
    """The second way, the engine ended between the start of the job and the note of it."""
    arn = bench.start(TRAINS)
    bench.clock.until_asked(3)
    bench.engine.close()
    with sqlite3.connect(bench.journal) as database:
        (notes,) = database.execute("select notes from places").fetchone()
        kept = {**json.loads(notes), "told": told}
        if "Submitted" not in told:
            del kept["job"]
        database.execute("update places set notes = ?", (json.dumps(kept),))
    jobs.status = "Completed"
    again = Bench(bench.journal, before=bench, since=bench.clock.now())
    try:
        assert again.ended(arn).status == "SUCCEEDED"
        assert not jobs.stopped.is_set()
    finally:
        again.engine.close()

"""SageMaker of the embedded cloud, asked by boto3 without a socket; its containers are objects that tests play with."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgetrain.local.cloudformation import CloudFormationApi, Incarnations
from edgetrain.local.ecr import REPOSITORY_URI, Image
from edgetrain.local.front import Front
from edgetrain.local.functions import Credentials
from edgetrain.local.loopback import Loopback
from edgetrain.local.moto_app import MotoApplication
from edgetrain.local.sagemaker import Endpoints, SageMakerApi
from edgetrain.local.sagemaker.container import Answer, Program

TAG = "a1" * 32
IMAGE = f"{REPOSITORY_URI}:{TAG}"


class FakeContainer:
    """A container that is ready at once and answers with its version: the environment variable VERSION.

    What a test sets on `Containers` decides otherwise.
    """

    def __init__(self, owner: "Containers", program: Program, write_log: Any) -> None:
        self.owner, self.program = owner, program
        self.version = program.variables.get("VERSION", "")
        self.pid = len(owner.all) + 1
        self.last_words = "no model"
        self.ended = threading.Event()
        self.was_closed = False
        owner.all.append(self)
        write_log([(0, f"started {self.version}")])
        if self.version in owner.ends_at_once:
            self.ended.set()

    def has_ended(self) -> bool:
        return self.ended.is_set()

    def is_ready(self) -> bool:
        return not self.ended.is_set() and self.version not in self.owner.never_ready

    def ends_within(self, seconds: float) -> bool:
        return self.ended.is_set()

    def wait(self) -> int:
        self.ended.wait()
        self.owner.notices.wait()
        return 1

    def ask(self, headers: dict[str, str], body: bytes, seconds: float) -> Answer:
        return self.owner.answer(self, headers, body)

    def close(self, seconds: float = 0) -> None:
        self.was_closed = True
        self.ended.set()


class Containers:
    """All that were started, in order."""

    def __init__(self) -> None:
        self.all: list[FakeContainer] = []
        self.never_ready: set[str] = set()
        self.ends_at_once: set[str] = set()
        #: Whether it is noticed that a container has ended.
        self.notices = threading.Event()
        self.notices.set()
        self.answer: Callable[[FakeContainer, dict[str, str], bytes], Answer] = self._answer

    def __call__(self, program: Program, write_log: Any) -> FakeContainer:
        return FakeContainer(self, program, write_log)

    @property
    def running(self) -> list[FakeContainer]:
        return [each for each in self.all if not each.ended.is_set()]

    @staticmethod
    def _answer(container: FakeContainer, headers: dict[str, str], body: bytes) -> Answer:
        said = {"version": container.version, "headers": headers, "bytes": len(body)}
        return Answer(
            200,
            {"Content-Type": "application/json", "x-amzn-sagemaker-custom-attributes": "a=b"},
            json.dumps(said).encode(),
        )


class Images:
    """One image."""

    def __init__(self, context: Path) -> None:
        context.mkdir()
        (context / "Dockerfile").write_text('FROM python:3\nENTRYPOINT ["python", "-m", "program"]\n')
        self._image = Image(tag=TAG, context=context, dockerfile="Dockerfile", target=None)

    def find(self, tag: str) -> Image | None:
        return self._image if tag == TAG else None


class Services:
    """Credentials for anybody; the logs are kept."""

    def __init__(self) -> None:
        self.logs: list[tuple[str, str, str]] = []

    def credentials(self, role_arn: str, session_name: str) -> Credentials:
        return Credentials(access_key_id="key", secret_access_key="secret", session_token="token")

    def put_log_events(self, group: str, stream: str, events: Any) -> None:
        self.logs.extend((group, stream, text) for _, text in events)


class Cloud:
    """What is costly to make."""

    def __init__(self, folder: Path) -> None:
        self.moto = MotoApplication()
        self.front = Front(self.moto, b"{}")
        self.clients = Loopback(self.front)
        incarnations = Incarnations(folder / "incarnations.json")
        api = CloudFormationApi(self.clients, incarnations, lambda *_: b"", lambda value: value)
        self.front.serve("cloudformation", api)


class SageMaker:
    """What tests do with it."""

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self.containers = Containers()
        self.services = Services()
        self.clients = cloud.clients
        self.endpoints = Endpoints(
            self.services,
            Images(folder / "context"),
            lambda bucket, key: b"",
            scratch=folder / "endpoints",
            endpoint_url="http://127.0.0.1:4566",
            start=self.containers,
        )
        cloud.front.serve("sagemaker", SageMakerApi(cloud.moto, self.endpoints))

    @property
    def control(self) -> Any:
        return self.clients.client("sagemaker")

    @property
    def runtime(self) -> Any:
        return self.clients.client("sagemaker-runtime")

    def configure(self, name: str, version: str = "", *, instances: int = 0, at_once: int = 5) -> str:
        """A model and a configuration of this name."""
        container = {"Image": IMAGE, "Environment": {"VERSION": version}}
        self.control.create_model(
            ModelName=name, PrimaryContainer=container, ExecutionRoleArn="arn:aws:iam::1:role/serve"
        )
        variant: dict[str, Any] = {"VariantName": "AllTraffic", "ModelName": name, "InitialVariantWeight": 1}
        if instances:
            variant |= {"InstanceType": "ml.c5.large", "InitialInstanceCount": instances}
        else:
            variant["ServerlessConfig"] = {"MemorySizeInMB": 1024, "MaxConcurrency": at_once}
        self.control.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        return name

    def settled(self, endpoint: str) -> dict[str, Any]:
        """The endpoint once nothing is in progress."""
        while (found := self.control.describe_endpoint(EndpointName=endpoint))["EndpointStatus"] in {
            "Creating",
            "Updating",
        }:
            time.sleep(0.002)
        return found

    def create(self, endpoint: str, config: str) -> dict[str, Any]:
        self.control.create_endpoint(EndpointName=endpoint, EndpointConfigName=config)
        return self.settled(endpoint)

    def update(self, endpoint: str, config: str) -> dict[str, Any]:
        self.control.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
        return self.settled(endpoint)

    def invoke(self, endpoint: str, body: bytes = b"x", **more: Any) -> dict[str, Any]:
        answer = self.runtime.invoke_endpoint(EndpointName=endpoint, Body=body, **more)
        return json.loads(answer["Body"].read())


@pytest.fixture(scope="session")
def one_cloud(tmp_path_factory):
    return Cloud(tmp_path_factory.mktemp("cloud"))


@pytest.fixture
def sagemaker(one_cloud, tmp_path, monkeypatch):
    monkeypatch.setattr("edgetrain.local.sagemaker.fleet.BACK_OFF_SECONDS", (0.0,))
    made = SageMaker(one_cloud, tmp_path)
    yield made
    made.containers.notices.set()
    made.endpoints.close()
    assert made.containers.running == []

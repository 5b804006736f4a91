"""CloudFormation of the embedded cloud with the services that it deploys to, asked by boto3 without a socket."""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from edgetrain.local.cloudformation import CloudFormationApi, Incarnations
from edgetrain.local.dynamodb import DynamoDbApi
from edgetrain.local.front import Front
from edgetrain.local.lambda_api import LambdaApi
from edgetrain.local.loopback import Loopback
from edgetrain.local.moto_app import MotoApplication
from edgetrain.local.public_hosts import PublicHosts
from edgetrain.local.s3 import S3Api
from edgetrain.local.states_api import StatesApi


class NoExecutor:
    """Nothing here invokes a function."""

    def invoke(self, *_: Any, **__: Any) -> Any:
        raise AssertionError


class NoExecutions:
    """Nothing here starts an execution."""

    OPERATIONS: frozenset[str] = frozenset()

    def call(self, *_: Any) -> Any:
        raise AssertionError


@dataclass(frozen=True)
class Cloud:
    """Clients, and the words for what tests do with stacks."""

    clients: Loopback
    restart: Callable[[], "Cloud"]

    def client(self, service: str) -> Any:
        return self.clients.client(service)

    @property
    def cloudformation(self) -> Any:
        return self.client("cloudformation")

    def create(self, name: str, resources: dict[str, Any], **sections: Any) -> dict[str, Any]:
        body = json.dumps({"Resources": resources, **sections})
        self.cloudformation.create_stack(StackName=name, TemplateBody=body)
        return self.stack(name)

    def update(self, name: str, resources: dict[str, Any], **sections: Any) -> dict[str, Any]:
        body = json.dumps({"Resources": resources, **sections})
        self.cloudformation.update_stack(StackName=name, TemplateBody=body)
        return self.stack(name)

    def stack(self, name: str) -> dict[str, Any]:
        return self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]

    def outputs(self, name: str) -> dict[str, str]:
        return {each["OutputKey"]: each["OutputValue"] for each in self.stack(name).get("Outputs", [])}

    def physical(self, name: str) -> dict[str, str]:
        listed = self.cloudformation.list_stack_resources(StackName=name)["StackResourceSummaries"]
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in listed}

    def failures(self, name: str) -> list[tuple[str, str]]:
        """Logical id and reason of what failed, the first one first."""
        events = self.cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        return [
            (each["LogicalResourceId"], each.get("ResourceStatusReason", ""))
            for each in reversed(events)
            if each["ResourceStatus"].endswith("_FAILED")
        ]

    def exists(self, service: str, operation: str, **names: str) -> bool:
        try:
            getattr(self.client(service), operation)(**names)
        except ClientError:
            return False
        return True


def make_cloud(data_dir: Path) -> Cloud:
    moto = MotoApplication()
    front = Front(moto, b"{}")
    clients = Loopback(front)
    s3 = S3Api(moto, data_dir / f"objects-{time.monotonic_ns()}")
    front.serve("s3", s3)
    front.serve("dynamodb", DynamoDbApi(moto))
    front.serve("lambda", LambdaApi(moto, NoExecutor()))
    front.serve("states", StatesApi(moto, NoExecutions()))
    incarnations = Incarnations(data_dir / "incarnations.json")
    localise = PublicHosts(endpoint="http://127.0.0.1:4566", web="http://127.0.0.1:4567").localise
    front.serve("cloudformation", CloudFormationApi(clients, incarnations, s3.read, localise))
    return Cloud(clients, lambda: make_cloud(data_dir))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    return make_cloud(tmp_path_factory.mktemp("cloud"))


@pytest.fixture
def name() -> str:
    """A stack's name that no other test has."""
    return f"Stack{uuid.uuid4().hex[:8]}"

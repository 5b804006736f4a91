"""One embedded cloud for a session, with the application deployed in it as `edgetrain up` does."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import requests

from edgetrain.cli.cloud import deploy_application
from edgetrain.client.connection import Connection
from edgetrain.client.federation import Federation, connect
from edgetrain.client.outputs import Outputs
from edgetrain.client.pretrained import import_pretrained
from edgetrain.client.sign_in import connect_sign_in
from edgetrain.local import process

PROJECT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Cloud:
    """A running embedded cloud; `data_dir` is where the command line finds it."""

    connection: Connection
    data_dir: Path
    federation: Federation

    def function_name(self, state: str) -> str:
        """The physical name of a state's function."""
        pages = self.connection.client("lambda").get_paginator("list_functions").paginate()
        (name,) = [
            each["FunctionName"]
            for page in pages
            for each in page["Functions"]
            if f"{state}Function" in each["FunctionName"]
        ]
        return name


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    data_dir = tmp_path_factory.mktemp("cloud")
    running = process.start(data_dir, port=0)
    try:
        deploy_application(running.endpoint, say)
        connection = Connection.embedded(running.endpoint)
        yield Cloud(connection, data_dir, connect(connection))
    finally:
        process.stop(data_dir)


@dataclass(frozen=True)
class DeployedApi:
    """The API of the session's cloud, with the first detector published."""

    cloud: Cloud

    @property
    def outputs(self) -> Outputs:
        return self.cloud.federation.outputs

    @property
    def url(self) -> str:
        return self.outputs.needed("api_url")

    @cached_property
    def token(self) -> str:
        """Of a machine user who may detect."""
        return self.token_of(self.new_client("edgetrain/detect"))

    @property
    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def request(self, method: str, path: str, **how: Any) -> requests.Response:
        """With the token, unless other headers are given; `path` begins with a slash."""
        how.setdefault("headers", self.authorization)
        return requests.request(method, self.url + path, timeout=60, **how)

    def new_client(self, *scopes: str, in_audience: bool = True, **more: Any) -> dict[str, Any]:
        """An app client with client credentials, as Cognito tells of it; the API's authoriser takes its tokens."""
        given = {"UserPoolId": self.outputs.needed("user_pool_id"), "ClientName": f"test {' '.join(scopes)}", **more}
        client: dict[str, Any] = self.cloud.connection.client("cognito-idp").create_user_pool_client(
            GenerateSecret=True,
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthScopes=list(scopes),
            **given,
        )["UserPoolClient"]
        if in_audience:
            connect_sign_in(self.cloud.connection).admit(client["ClientId"])
        return client

    def token_of(self, client: dict[str, Any]) -> str:
        """A token of a client with client credentials, for all scopes that it may have."""
        reply = requests.post(
            f"{self.outputs.needed('sign_in_url')}/oauth2/token",
            auth=(client["ClientId"], client["ClientSecret"]),
            data={"grant_type": "client_credentials"},
            timeout=60,
        )
        assert reply.status_code == 200, reply.text
        token: str = reply.json()["access_token"]
        return token


@contextmanager
def throttled_route(api: DeployedApi, route: str) -> Iterator[None]:
    """While it lasts, a route takes no request at all: `POST /detections`."""
    gateway, stage = (
        api.cloud.connection.client("apigatewayv2"),
        {"ApiId": api.outputs.needed("api_id"), "StageName": "api"},
    )
    standing = gateway.get_stage(**stage)["RouteSettings"]
    closed = {**standing.get(route, {}), "ThrottlingBurstLimit": 0, "ThrottlingRateLimit": 0.0}
    gateway.update_stage(**stage, RouteSettings={**standing, route: closed})
    try:
        yield
    finally:
        gateway.update_stage(**stage, RouteSettings=standing)


@contextmanager
def throttled_function(api: DeployedApi, name: str) -> Iterator[None]:
    """While it lasts, a function is given no run at all: `DetectObjects`."""
    functions, name = api.cloud.connection.client("lambda"), api.cloud.function_name(name)
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        yield
    finally:
        functions.delete_function_concurrency(FunctionName=name)


@pytest.fixture(scope="session")
def api(cloud: Cloud) -> DeployedApi:
    import_pretrained(cloud.federation)
    return DeployedApi(cloud)


def say(text: str) -> None:
    """Progress, where pytest shows it of a test that fails."""
    sys.stderr.write(text + "\n")

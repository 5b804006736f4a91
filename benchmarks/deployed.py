"""An embedded cloud with a picture's whole way in it, deployed for one benchmark."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgetrain.cli.cloud import deploy_application
from edgetrain.cli.commands.demo import fresh_cloud
from edgetrain.client.connection import Connection
from edgetrain.client.federation import connect_registry
from edgetrain.client.outputs import read_outputs
from edgetrain.client.pretrained import import_pretrained
from edgetrain.client.sign_in import connect_sign_in
from edgetrain.client.tokens import fetch_token
from edgetrain.client.users import add_machine

STACKS: Final = ("EdgetrainEdge",)
MACHINE: Final = "benchmark"
STAGE: Final = "api"
ROUTE: Final = "POST /detections"
MANY: Final = 5_000


@dataclass(frozen=True)
class DeployedApi:
    """`api_url` has no slash at its end."""

    connection: Connection
    api_url: str

    def token(self) -> str:
        """A fresh token of a machine user who may detect."""
        return fetch_token(self.connection, MACHINE)


@contextmanager
def deployed_cloud(folder: Path) -> Iterator[DeployedApi]:
    """A cloud of its own in `folder`, on a free port; it goes when the context ends."""
    with fresh_cloud(folder / "cloud") as running:
        deploy_application(running.endpoint, only=STACKS)
        connection = Connection.embedded(running.endpoint)
        import_pretrained(connect_registry(connection))
        add_machine(connect_sign_in(connection), MACHINE, ("detect",))
        outputs = read_outputs(connection.client("cloudformation"))
        _lift_limits(connection, outputs["ApiId"])
        yield DeployedApi(connection, outputs["ApiUrl"])


def _lift_limits(connection: Connection, api_id: str) -> None:
    """What the gateway would refuse with 429 is what shall be measured."""
    gateway = connection.client("apigatewayv2")
    standing = gateway.get_stage(ApiId=api_id, StageName=STAGE)["RouteSettings"]
    open_ = {**standing.get(ROUTE, {}), "ThrottlingBurstLimit": MANY, "ThrottlingRateLimit": float(MANY)}
    gateway.update_stage(ApiId=api_id, StageName=STAGE, RouteSettings={**standing, ROUTE: open_})

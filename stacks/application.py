"""The CDK application: stacks by lifetime, handed to one another as objects. Importing this starts the CDK's kernel."""

import json
import os
from typing import Any, Final

from aws_cdk import App

from stacks import nag
from stacks.edge import EdgeStack
from stacks.federated import FederatedStack
from stacks.identity import IdentityStack
from stacks.inference import InferenceStack
from stacks.packaging.layers import PROJECT, LayerArchives, build_layers
from stacks.packaging.serving import ServingArtifacts, build_serving
from stacks.serving import serving_of
from stacks.storage import StorageStack
from stacks.targets import Target, make_target

#: What `edgetrain env` sets for the plain CDK command line; `-c target=...` is stronger.
TARGET_VARIABLE: Final = "EDGETRAIN_TARGET"


def make_app(*, outdir: str | None = None, context: dict[str, Any] | None = None) -> App:
    """An empty application with the settings of cdk.json, whoever calls: the CDK's command line or Python alone."""
    settings = json.loads((PROJECT / "cdk.json").read_text())
    return App(
        analytics_reporting=False,
        tree_metadata=False,
        outdir=outdir,
        context={**settings["context"], "aws:cdk:disable-stack-trace": True, **(context or {})},
    )


def target_of(app: App) -> Target:
    """What the context (`-c target=aws|host`, `-c architecture=x86_64|arm64`) asks for; `aws` on x86_64 when it is silent."""
    name = app.node.try_get_context("target") or os.environ.get(TARGET_VARIABLE) or "aws"
    return make_target(name, app.node.try_get_context("architecture"))


def add_stacks(app: App, *, target: Target, archives: LayerArchives, artifacts: ServingArtifacts) -> None:
    """All stacks, and the rules that they are checked by. The least changing come first: so they are deployed."""
    storage = StorageStack(app, "EdgetrainStorage").storage
    identity = IdentityStack(app, "EdgetrainIdentity").identity
    FederatedStack(app, "EdgetrainFederated", storage=storage, target=target, archives=archives)
    serving = serving_of(app)
    endpoints = InferenceStack(app, "EdgetrainInference", storage=storage, serving=serving, artifacts=artifacts)
    EdgeStack(
        app,
        "EdgetrainEdge",
        storage=storage,
        identity=identity,
        inference=endpoints.inference,
        target=target,
        archives=archives,
    )
    nag.check(app)


def synthesise() -> None:
    """Write the cloud assembly to where the CDK's command line wants it, or to cdk.out/."""
    app = make_app()
    target = target_of(app)
    add_stacks(app, target=target, archives=build_layers(target), artifacts=build_serving(serving_of(app).tasks))
    app.synth()

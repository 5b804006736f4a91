"""Deploys a cloud assembly into an embedded cloud, as the CDK's command line would, by the cloud's own API."""

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Final

from edgetrain.errors import CloudNotRunning, DeploymentFailed
from edgetrain.local.assembly import MANIFEST, assembly
from edgetrain.local.place import ACCOUNT, PARTITION, REGION

__all__ = ["assembly", "deploy"]

Progress = Callable[[str], None]

STACK: Final = "aws:cloudformation:stack"
ASSETS: Final = "cdk:asset-manifest"
CAPABILITIES: Final = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")
LOOK_SECONDS: Final = 0.1
DONE: Final = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
#: From these there is no way forward but a new stack.
DEAD: Final = frozenset(
    {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED", "REVIEW_IN_PROGRESS"}
)
EPOCH: Final = (1980, 1, 1, 0, 0, 0)

TOOLKIT: Final = "CDKToolkit"
QUALIFIER: Final = "hnb659fds"
STAGING_BUCKET: Final = f"cdk-{QUALIFIER}-assets-{ACCOUNT}-{REGION}"
#: What `cdk bootstrap` makes that a deployment here needs, under the same logical id: the real command can add the rest later.
TOOLKIT_TEMPLATE: Final = {
    "Description": "The part of the CDK's bootstrap stack that the embedded cloud needs",
    "Resources": {
        "StagingBucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {"BucketName": STAGING_BUCKET},
            "UpdateReplacePolicy": "Retain",
            "DeletionPolicy": "Retain",
        },
    },
    "Outputs": {"BucketName": {"Value": {"Ref": "StagingBucket"}}},
}
#: A template's own check that `cdk bootstrap` was run: section -> entry.
BOOTSTRAP_CHECK: Final = {"Parameters": "BootstrapVersion", "Rules": "CheckBootstrapVersion"}


@dataclass(frozen=True, kw_only=True)
class StackArtifact:
    """A stack of an assembly."""

    name: str
    template: Path
    parameters: Mapping[str, str]
    tags: Mapping[str, str]


def deploy(endpoint: str, assembly: Path, progress: Progress, only: Collection[str] | None = None) -> dict[str, str]:
    """Publish an assembly's files and bring its stacks up to it, one after the other; stack -> status.

    What is there already is not sent or changed again. `only`: stacks that are wanted, with those that they depend on.

    Raises:
        DeploymentFailed: a stack did not deploy; it is as it was before.
        CloudNotRunning: nothing answers at the endpoint.
    """
    from botocore.exceptions import EndpointConnectionError

    clients = _Clients(endpoint)
    manifest = _selected(json.loads((assembly / MANIFEST).read_text()), only)
    try:
        _ensure_toolkit(clients)
        _publish(clients, assembly, manifest, progress)
        return {stack.name: _deploy_stack(clients, stack, progress) for stack in _stacks(manifest, assembly)}
    except EndpointConnectionError as error:
        raise CloudNotRunning(f"no cloud answers at {endpoint}: start one with `edgetrain up`") from error


def _selected(manifest: Mapping[str, Any], only: Collection[str] | None) -> Mapping[str, Any]:
    """The manifest with no more than these stacks and what they depend on: other stacks, and files.

    Raises:
        DeploymentFailed: the assembly has no such stack.
    """
    if only is None:
        return manifest
    artifacts, wanted, reached = manifest["artifacts"], list(only), {}
    while wanted:
        name = wanted.pop()
        if name not in artifacts:
            raise DeploymentFailed(f"the assembly has no stack {name}")
        if name not in reached:
            reached[name] = artifacts[name]
            wanted += artifacts[name].get("dependencies", [])
    return {**manifest, "artifacts": reached}


class _Clients:
    """boto3 clients of one endpoint."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        from boto3.session import Session
        from botocore.config import Config

        session = Session(aws_access_key_id="edgetrain", aws_secret_access_key="edgetrain", region_name=REGION)  # noqa: S106
        config = Config(read_timeout=300, retries={"mode": "standard", "total_max_attempts": 3})
        self.s3: Any = session.client("s3", endpoint_url=endpoint, config=config)
        self.cloudformation: Any = session.client("cloudformation", endpoint_url=endpoint, config=config)
        self.ecr: Any = session.client("ecr", endpoint_url=endpoint, config=config)


# --- files


def _ensure_toolkit(clients: _Clients) -> None:
    if _find(clients, TOOLKIT) is None:
        template = json.dumps(TOOLKIT_TEMPLATE)
        clients.cloudformation.create_stack(StackName=TOOLKIT, TemplateBody=template)
        _wait(clients, TOOLKIT, seen=set())


def _publish(clients: _Clients, assembly: Path, manifest: Mapping[str, Any], progress: Progress) -> None:
    """Put every file asset where the templates look for it, and see that every image is there."""
    for artifact in manifest["artifacts"].values():
        if artifact["type"] != ASSETS:
            continue
        listed = json.loads((assembly / artifact["properties"]["file"]).read_text())
        for asset in listed.get("dockerImages", {}).values():
            for destination in asset["destinations"].values():
                _find_image(clients, destination["repositoryName"], destination["imageTag"])
        for asset in listed.get("files", {}).values():
            source = assembly / asset["source"]["path"]
            for destination in asset["destinations"].values():
                bucket, key = _placed(destination["bucketName"]), _placed(destination["objectKey"])
                if not _exists(clients, bucket, key):
                    progress(f"publishing {asset.get('displayName', source.name)}")
                    clients.s3.put_object(Bucket=bucket, Key=key, Body=_content(source, asset["source"]["packaging"]))


def _find_image(clients: _Clients, repository: str, tag: str) -> None:
    """See that ECR has an image, as the CDK's command line does before it would build one.

    Raises:
        DeploymentFailed: it has not.
    """
    from botocore.exceptions import ClientError

    try:
        clients.ecr.describe_images(repositoryName=_placed(repository), imageIds=[{"imageTag": tag}])
    except ClientError as error:
        raise DeploymentFailed(
            f"the container image {tag} is none of this checkout's assemblies (cdk.out, build/assembly), "
            "whose programs are what the embedded cloud runs"
        ) from error


def _placed(text: str) -> str:
    """A name with the environment's placeholders filled in."""
    for name, value in (("Partition", PARTITION), ("AccountId", ACCOUNT), ("Region", REGION)):
        text = text.replace(f"${{AWS::{name}}}", value)
    return text


def _exists(clients: _Clients, bucket: str, key: str) -> bool:
    from botocore.exceptions import ClientError

    try:
        clients.s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return False
        raise
    return True


def _content(source: Path, packaging: str) -> bytes:
    """A file as it is, or a folder as a zip file that depends on nothing but names and contents."""
    if packaging == "file":
        return source.read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(each for each in source.rglob("*") if each.is_file()):
            info = zipfile.ZipInfo(path.relative_to(source).as_posix(), EPOCH)
            info.external_attr = (0o100755 if path.stat().st_mode & 0o100 else 0o100644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, path.read_bytes())
    return buffer.getvalue()


# --- stacks


def _stacks(manifest: Mapping[str, Any], assembly: Path) -> Iterator[StackArtifact]:
    """The assembly's stacks, each after those that it depends on."""
    artifacts = manifest["artifacts"]
    order = TopologicalSorter({name: artifact.get("dependencies", []) for name, artifact in artifacts.items()})
    for name in order.static_order():
        artifact = artifacts.get(name)
        if artifact is None or artifact["type"] != STACK:
            continue
        properties = artifact["properties"]
        yield StackArtifact(
            name=properties.get("stackName", name),
            template=assembly / properties["templateFile"],
            parameters=properties.get("parameters", {}),
            tags=properties.get("tags", {}),
        )


def _upload_template(clients: _Clients, template: Path) -> str:
    """The URL of a template in the cloud, without its check of a bootstrap stack, which here is only in part."""
    document = json.loads(template.read_text())
    for section, name in BOOTSTRAP_CHECK.items():
        entries = document.get(section, {})
        entries.pop(name, None)
        if not entries:
            document.pop(section, None)
    body = json.dumps(document).encode()
    key = f"templates/{hashlib.sha256(body).hexdigest()}.json"
    if not _exists(clients, STAGING_BUCKET, key):
        clients.s3.put_object(Bucket=STAGING_BUCKET, Key=key, Body=body)
    return f"{clients.endpoint}/{STAGING_BUCKET}/{key}"


def _deploy_stack(clients: _Clients, stack: StackArtifact, progress: Progress) -> str:
    """Create or update a stack; its status afterwards."""
    from botocore.exceptions import ClientError

    standing = _find(clients, stack.name)
    if standing is not None and standing["StackStatus"] in DEAD:
        clients.cloudformation.delete_stack(StackName=stack.name)
        standing = _find(clients, stack.name)
        if standing is not None:
            raise DeploymentFailed(f"stack {stack.name} is {standing['StackStatus']} and cannot be deleted")
    request: dict[str, Any] = {
        "StackName": stack.name,
        "TemplateURL": _upload_template(clients, stack.template),
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in stack.parameters.items()],
        "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
        "Capabilities": list(CAPABILITIES),
    }
    seen = set() if standing is None else {event["EventId"] for event in _events(clients, stack.name)}
    try:
        if standing is None:
            progress(f"creating stack {stack.name}")
            clients.cloudformation.create_stack(**request)
        else:
            clients.cloudformation.update_stack(**request)
            progress(f"updated stack {stack.name}")
    except ClientError as error:
        message = error.response["Error"].get("Message", str(error))
        if standing is not None and message == "No updates are to be performed.":
            return str(standing["StackStatus"])
        raise DeploymentFailed(f"stack {stack.name}: {message}") from error
    return _wait(clients, stack.name, seen=seen)


def _find(clients: _Clients, name: str) -> dict[str, Any] | None:
    from botocore.exceptions import ClientError

    try:
        found: dict[str, Any] = clients.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    return found


def _wait(clients: _Clients, name: str, seen: set[str]) -> str:
    """The status of a stack once nothing is in progress; `seen` are the events before the operation.

    Raises:
        DeploymentFailed: the operation failed; the sentence names stack, resource and reason.
    """
    while True:
        stack = _find(clients, name)
        status = "DELETE_COMPLETE" if stack is None else str(stack["StackStatus"])
        if not status.endswith("_IN_PROGRESS"):
            break
        time.sleep(LOOK_SECONDS)
    if status in DONE:
        return status
    failures = [
        event
        for event in reversed(_events(clients, name))
        if event["EventId"] not in seen and event["ResourceStatus"].endswith("_FAILED")
    ]
    if failures:
        first = failures[0]
        what = (
            f"{first['LogicalResourceId']} ({first['ResourceType']}): {first.get('ResourceStatusReason', 'no reason')}"
        )
    else:
        what = (stack or {}).get("StackStatusReason", "no reason given")
    raise DeploymentFailed(f"stack {name} is {status}: {what}")


def _events(clients: _Clients, name: str) -> list[dict[str, Any]]:
    """A stack's events, the latest first."""
    events: list[dict[str, Any]] = clients.cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return events

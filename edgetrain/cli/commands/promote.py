"""`edgetrain models promote`: let a task's endpoint serve a version."""

from edgetrain.cli import console
from edgetrain.cli.cloud import connection, federation, pause_between_looks
from edgetrain.cli.options import Cloud, CloudName, DataDir, Json, TaskArgument, VersionOption
from edgetrain.errors import NotDeployed


def promote(
    task: TaskArgument,
    *,
    version: VersionOption = None,
    cloud: Cloud = CloudName.LOCAL,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Let the task's endpoint serve a version, and wait until it does; requests meanwhile are answered.

    An earlier version: going back.
    """
    from edgetrain.client.model_documents import PromoteDocument
    from edgetrain.client.models import find_model
    from edgetrain.client.serving import Promotions

    deployed = federation(cloud, data_dir)
    manifest = find_model(deployed, task, version)
    connected = connection(cloud, data_dir)
    endpoint = deployed.outputs.endpoints.get(task)
    if endpoint is None:
        raise NotDeployed(f"task {task!r} has no endpoint in this cloud: deploy with `-c serve={task}`")
    promotions = Promotions(
        s3=connected.client("s3"),
        bucket=deployed.outputs.models_bucket,
        sagemaker=connected.client("sagemaker"),
        pause=pause_between_looks(connected.is_local),
    )
    done = promotions.promote(endpoint, manifest, deployed.models, console.note)
    if as_json:
        console.emit(
            PromoteDocument(task=task, version=done.version, previous_version=done.previous, endpoint=endpoint)
        )
        return
    console.result(f"{task} version {done.version} is served by {endpoint}")

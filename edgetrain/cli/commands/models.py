"""`edgetrain models`: list, show, download and verify published models, and register the pretrained one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgetrain.cli import console
from edgetrain.cli.application import give_up
from edgetrain.cli.cloud import federation
from edgetrain.cli.commands import promote
from edgetrain.cli.groups import new_group
from edgetrain.cli.options import Cloud, CloudName, DataDir, Json, TaskArgument, VersionOption
from edgetrain.errors import DataInvalid

if TYPE_CHECKING:
    from edgetrain.client.model_documents import VerifiedFile

group = new_group("List, show, download, verify and promote models.")


@group.command("list")
def list_(
    *,
    task: Annotated[str | None, typer.Option(help="Only this task's.", show_default=False)] = None,
    cloud: Cloud = CloudName.LOCAL,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """List published versions by task, newest first."""
    from edgetrain.client.model_documents import ModelsDocument, ModelVersion
    from edgetrain.client.models import list_models

    versions = tuple(ModelVersion.of(each) for each in list_models(federation(cloud, data_dir), task))
    if as_json:
        console.emit(ModelsDocument(models=versions))
        return
    if not versions:
        console.note(
            "No model is published yet: `edgetrain federate --task digits` makes one, `edgetrain models import-pretrained` brings one."
        )
        return
    rows = [
        (
            each.task,
            each.version,
            each.created_at,
            _scores(each.metrics),
            each.lineage.get("run_id") or each.lineage.get("source"),
        )
        for each in versions
    ]
    console.table(("task", "version", "published", "scores", "from"), rows, right=("version",))


@group.command()
def show(
    task: TaskArgument,
    *,
    version: VersionOption = None,
    cloud: Cloud = CloudName.LOCAL,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Show a version: its files, what it scored and where it comes from."""
    from edgetrain.client.model_documents import ModelVersion
    from edgetrain.client.models import find_model

    document = ModelVersion.of(find_model(federation(cloud, data_dir), task, version))
    if as_json:
        console.emit(document)
        return
    facts = [
        ("model", f"{document.task} version {document.version}"),
        ("published", document.created_at),
        *((name, f"{value:.4f}") for name, value in document.metrics.items()),
        *document.lineage.items(),
    ]
    console.table(("", ""), facts)
    console.table(("file", "bytes", "SHA-256"), [(f.name, f.size, f.sha256) for f in document.files], right=("bytes",))


@group.command()
def download(
    task: TaskArgument,
    *,
    version: VersionOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Write here (default: models/TASK/VERSION).", show_default=False)
    ] = None,
    cloud: Cloud = CloudName.LOCAL,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Download a version; every file is checked against its manifest."""
    from edgetrain.client.model_documents import DownloadDocument
    from edgetrain.client.models import download_model, find_model

    deployed = federation(cloud, data_dir)
    manifest = find_model(deployed, task, version)
    folder = download_model(deployed, manifest, out or Path("models", manifest.task, str(manifest.version)))
    if as_json:
        console.emit(
            DownloadDocument(
                task=manifest.task, version=manifest.version, folder=str(folder.absolute()), files=manifest.files
            )
        )
        return
    console.result(f"{manifest.task} version {manifest.version} is in {folder}")


@group.command()
def verify(
    task: TaskArgument,
    *,
    version: VersionOption = None,
    cloud: Cloud = CloudName.LOCAL,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Read a version's files again and check each against its manifest; exit code 1 when one differs."""
    from edgetrain.client.model_documents import VerifyDocument
    from edgetrain.client.models import find_model, verify_model

    deployed = federation(cloud, data_dir)
    manifest = find_model(deployed, task, version)
    files = verify_model(deployed, manifest)
    wrong = [each for each in files if not each.intact]
    if as_json:
        console.emit(VerifyDocument(task=manifest.task, version=manifest.version, intact=not wrong, files=files))
    else:
        rows = [(each.name, each.stored_size, each.stored_sha256, _verdict(each)) for each in files]
        console.table(("file", "bytes", "SHA-256", "verdict"), rows, right=("bytes",))
    if wrong:
        names = ", ".join(each.key for each in wrong)
        raise give_up(DataInvalid(f"{names}: the stored bytes are not those that the manifest names"))


@group.command("import-pretrained")
def import_pretrained(*, cloud: Cloud = CloudName.LOCAL, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Register the pretrained detector as version 1 of task `objects`."""
    from edgetrain.client import pretrained

    document = pretrained.import_pretrained(federation(cloud, data_dir))
    if as_json:
        console.emit(document)
        return
    console.result(
        f"{document.task} version {document.version} ({document.source}, {document.licence}) "
        + ("is registered" if document.imported else "was there already")
    )


group.command()(promote.promote)


def _verdict(file: "VerifiedFile") -> str:
    if file.intact:
        return "intact"
    return "missing" if file.stored_sha256 is None else "differs"


def _scores(metrics: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())

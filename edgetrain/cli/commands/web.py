"""`edgetrain web`: build and publish the web app, or take it off."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgetrain.cli import console
from edgetrain.cli.checkout import project_dir
from edgetrain.cli.cloud import connection
from edgetrain.cli.groups import new_group
from edgetrain.cli.options import Cloud, CloudName, DataDir, Json
from edgetrain.errors import UsageError

if TYPE_CHECKING:
    from edgetrain.cli.steps import Say
    from edgetrain.client.connection import Connection
    from edgetrain.client.documents import PublishedDocument
    from edgetrain.client.publishing import Publisher

group = new_group("Build and publish the web app.")

WEB, DIST = "web", "dist"


@group.command()
def publish(
    *,
    dist: Annotated[
        Path | None,
        typer.Option(help="Publish this folder, which is built already.", file_okay=False, show_default=False),
    ] = None,
    build: Annotated[
        bool, typer.Option("--build/--no-build", help="Build web/ first, where something changed.")
    ] = True,
    cloud: Cloud = CloudName.LOCAL,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Build the web app and publish it with its settings.

    Files that changed are uploaded, the page last, and CloudFront forgets what it keeps. Files of earlier publications stay for a week, for
    pages that are open.
    """
    publisher = _publisher(connection(cloud, data_dir))
    _tell(publisher.publish(bundle(dist, build=build), console.note), as_json=as_json)


@group.command()
def remove(*, cloud: Cloud = CloudName.LOCAL, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Delete everything published, so that the site's bucket can be deleted with its stack."""
    document = _publisher(connection(cloud, data_dir)).remove()
    if as_json:
        console.emit(document)
        return
    console.result(f"{len(document.removed)} files are deleted: nothing is served at {document.url}/ any more.")


def bundle(dist: Path | None = None, *, build: bool = True, say: "Say" = console.note) -> Path:
    """The folder to publish: the given one, or the checkout's, built where something changed.

    Raises:
        UsageError: there is no checkout, or nothing is built and nothing shall be.
        NodeMissing: it has to be built, and there is no Node.js.
        BuildFailed: it does not build.
    """
    from edgetrain.local.web_bundle import web_bundle

    if dist is not None:
        return dist
    if build:
        return web_bundle(project_dir(), say)
    folder = project_dir() / WEB / DIST
    if not folder.is_dir():
        raise UsageError(f"{folder} is not there: build the web app first, or leave out --no-build")
    return folder


def publish_site(cloud: "Connection", say: "Say") -> "PublishedDocument":
    """What `publish` does without options.

    Raises:
        NotDeployed: the application is not deployed there.
    """
    return _publisher(cloud).publish(bundle(say=say), say)


def _publisher(cloud: "Connection") -> "Publisher":
    from edgetrain.client.outputs import read_outputs
    from edgetrain.client.publishing import Publisher, Site

    site = Site.of(read_outputs(cloud.client("cloudformation")))
    return Publisher(site, cloud.client("s3"), cloud.client("cloudfront"))


def _tell(document: "PublishedDocument", *, as_json: bool) -> None:
    if as_json:
        console.emit(document)
        return
    done = f"{len(document.uploaded)} files uploaded, {document.unchanged} there already"
    removed = f", {len(document.removed)} old ones deleted" if document.removed else ""
    console.note(f"{done}{removed}.")
    if document.invalidation is not None and document.url.startswith("https:"):
        console.note("CloudFront's edge locations forget the old page within a minute or two.")
    console.result(f"{document.url}/")

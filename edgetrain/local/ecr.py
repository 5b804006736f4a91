"""ECR: the images of this checkout's assemblies are there, without having been built.

`cdk deploy` asks ECR for an image's tag before it builds one. Here no image is ever built: what runs is the program in its
build context, which is kept by the cloud from the first time that somebody asks for the tag.
"""

import hashlib
import json
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edgetrain.local.assembly import PROJECT
from edgetrain.local.place import ACCOUNT, REGION
from edgetrain.local.wsgi import Application, Reply, Request, call

TARGET: Final = "AmazonEC2ContainerRegistry_V20150921."
JSON: Final = "application/x-amz-json-1.1"
#: The CDK's own repository of images (`cdk bootstrap` makes it).
REPOSITORY: Final = f"cdk-hnb659fds-container-assets-{ACCOUNT}-{REGION}"
REPOSITORY_URI: Final = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}"
#: Folders of the checkout that hold cloud assemblies.
ASSEMBLIES: Final = ("cdk.out", "build/assembly/*")
ASSETS: Final = "**/*.assets.json"
CONTEXT: Final = "context"
DESCRIPTION: Final = "image.json"


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image by its tag: the folder of its build context, its Dockerfile in it, and which of its targets it is."""

    tag: str
    context: Path
    dockerfile: str
    target: str | None


class Images:
    """Images of assemblies. Those that were asked for once stay known for as long as the folder `kept`."""

    def __init__(self, kept: Path, project: Path = PROJECT, assemblies: Sequence[str] = ASSEMBLIES) -> None:
        self._kept = kept
        self._project = project
        self._assemblies = assemblies
        self._lock = threading.Lock()

    def find(self, tag: str) -> Image | None:
        """The image of a tag; None of one that no assembly has."""
        with self._lock:
            return self._read(tag) or self._keep(tag)

    def tags(self) -> list[str]:
        """Those that were asked for, in order."""
        return sorted(path.parent.name for path in self._kept.glob(f"*/{DESCRIPTION}"))

    def _read(self, tag: str) -> Image | None:
        if not tag.isalnum():  # a tag of an assembly is a hash; any other names no folder
            return None
        folder = self._kept / tag
        try:
            said: dict[str, Any] = json.loads((folder / DESCRIPTION).read_text())
        except FileNotFoundError:
            return None
        return Image(tag=tag, context=folder / CONTEXT, dockerfile=said["dockerfile"], target=said["target"])

    def _keep(self, tag: str) -> Image | None:
        """Copy the build context out of the assembly that has the tag: assemblies come and go."""
        for image in self._in_assemblies():
            if image.tag == tag and image.context.is_dir():
                self._copy(image)
                return self._read(tag)
        return None

    def _copy(self, image: Image) -> None:
        self._kept.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=self._kept, prefix=".new-"))
        try:
            shutil.copytree(image.context, scratch / CONTEXT)
            said = {"dockerfile": image.dockerfile, "target": image.target}
            (scratch / DESCRIPTION).write_text(json.dumps(said) + "\n")
            scratch.rename(self._kept / image.tag)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _in_assemblies(self) -> Iterator[Image]:
        for pattern in self._assemblies:
            for folder in sorted(self._project.glob(pattern)):
                for file in sorted(folder.glob(ASSETS)):
                    yield from images_of(file)


def images_of(manifest: Path) -> Iterator[Image]:
    """The images that an asset manifest of the CDK lists; of one that cannot be read, none."""
    try:
        listed: Mapping[str, Any] = json.loads(manifest.read_text()).get("dockerImages", {})
    except (OSError, ValueError):
        return
    for asset in listed.values():
        source = asset["source"]
        if "directory" not in source:  # `executable`: a program that would make the image
            continue
        for destination in asset["destinations"].values():
            yield Image(
                tag=destination["imageTag"],
                context=manifest.parent / source["directory"],
                dockerfile=source.get("dockerFile", "Dockerfile"),
                target=source.get("dockerBuildTarget"),
            )


class EcrApi:
    """Answers requests to ECR: repositories are moto's, images of assemblies are ours."""

    def __init__(self, moto: Application, images: Images) -> None:
        self._moto = moto
        self._images = images

    def answer(self, request: Request) -> Reply:
        operation = request.header("x-amz-target").removeprefix(TARGET)
        body = request.body()
        if operation == "DescribeImages":
            asked = json.loads(body or b"{}")
            if asked.get("repositoryName") == REPOSITORY:
                return self._describe_images(asked)
        return call(self._moto, request.environ)

    def _describe_images(self, asked: Mapping[str, Any]) -> Reply:
        tags = [each.get("imageTag", "") for each in asked.get("imageIds", [])] or self._images.tags()
        found = []
        for tag in tags:
            if self._images.find(tag) is None:
                about = f"The image with imageId {{imageDigest:'null', imageTag:'{tag}'}} does not exist"
                message = f"{about} within the repository with name '{REPOSITORY}' in the registry with id '{ACCOUNT}'"
                return _error("ImageNotFoundException", message)
            found.append(_detail(tag))
        return Reply.of(200, json.dumps({"imageDetails": found}).encode(), JSON)


def tag_of(image_uri: str) -> str | None:
    """The tag of an image of the CDK's repository; None of any other image."""
    repository, _, tag = image_uri.rpartition(":")
    return tag if repository == REPOSITORY_URI else None


def _detail(tag: str) -> dict[str, Any]:
    """An image that was never built has no size; its digest stands for its build context."""
    digest = hashlib.sha256(tag.encode()).hexdigest()
    return {
        "registryId": ACCOUNT,
        "repositoryName": REPOSITORY,
        "imageDigest": f"sha256:{digest}",
        "imageTags": [tag],
    }


def _error(code: str, message: str) -> Reply:
    body = {"__type": code, "message": message}
    return Reply.of(400, json.dumps(body).encode(), JSON, {"x-amzn-ErrorType": code})

"""ECR knows the images of the checkout's assemblies, and keeps their build contexts."""

import json
import shutil
from pathlib import Path

import pytest

from edgetrain.local.ecr import REPOSITORY, REPOSITORY_URI, EcrApi, Images, tag_of
from edgetrain.local.wsgi import Reply, Request

TAG = "a1" * 32


def make_assembly(folder: Path, tag: str = TAG) -> Path:
    context = folder / f"asset.{tag}"
    (context / "program").mkdir(parents=True)
    (context / "Dockerfile").write_text("FROM python:3\n")
    (context / "program" / "main.py").write_text("print()\n")
    asset = {
        "source": {"directory": context.name, "dockerFile": "Dockerfile", "dockerBuildTarget": "serve"},
        "destinations": {"here": {"repositoryName": "cdk", "imageTag": tag}},
    }
    made_by_a_program = {**asset, "source": {"executable": ["make"]}}
    listed = {"dockerImages": {tag: asset, "other": made_by_a_program}}
    (folder / "Stack.assets.json").write_text(json.dumps(listed))
    (folder / "Broken.assets.json").write_text("{")
    return folder


@pytest.fixture
def images(tmp_path):
    make_assembly(tmp_path / "checkout" / "cdk.out")
    make_assembly(tmp_path / "checkout" / "build" / "assembly" / "0123", "b2" * 32)
    return Images(tmp_path / "kept", tmp_path / "checkout")


def test_an_image_of_an_assembly(images):
    found = images.find(TAG)
    assert (found.dockerfile, found.target) == ("Dockerfile", "serve")
    assert (found.context / "program" / "main.py").read_text() == "print()\n"
    assert images.find("b2" * 32) is not None


@pytest.mark.parametrize("tag", ["c3" * 32, "", "..", "../kept", "latest"])
def test_any_other_is_unknown(images, tag):
    assert images.find(tag) is None
    assert images.tags() == []


def test_it_stays_known_when_its_assembly_goes(images, tmp_path):
    images.find(TAG)
    shutil.rmtree(tmp_path / "checkout")
    assert Images(tmp_path / "kept", tmp_path / "checkout").find(TAG) is not None
    assert images.find("b2" * 32) is None  # nobody had asked for it


def test_the_tag_of_an_image():
    assert tag_of(f"{REPOSITORY_URI}:{TAG}") == TAG
    assert tag_of("123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:v1") is None
    assert tag_of("python:3") is None


class Moto:
    """Says which body it got."""

    def __call__(self, environ, start_response):
        start_response("200 OK", [("Content-Type", "application/json")])
        return [b"moto: " + environ["wsgi.input"].read()]


def ask(images, operation: str, document: dict) -> tuple[Reply, bytes]:
    request = Request(
        {"REQUEST_METHOD": "POST", "HTTP_X_AMZ_TARGET": f"AmazonEC2ContainerRegistry_V20150921.{operation}"}
    )
    request.replace_body(json.dumps(document).encode())
    reply = EcrApi(Moto(), images).answer(request)
    return reply, b"".join(reply.body)


def test_what_the_cdk_asks_before_it_builds(images):
    reply, body = ask(images, "DescribeImages", {"repositoryName": REPOSITORY, "imageIds": [{"imageTag": TAG}]})
    (detail,) = json.loads(body)["imageDetails"]
    assert (reply.status, detail["imageTags"], detail["repositoryName"]) == (200, [TAG], REPOSITORY)
    assert images.tags() == [TAG]


def test_an_unknown_image_would_be_built(images):
    reply, body = ask(images, "DescribeImages", {"repositoryName": REPOSITORY, "imageIds": [{"imageTag": "c3" * 32}]})
    assert (reply.status, reply.headers["x-amzn-ErrorType"]) == (400, "ImageNotFoundException")
    assert json.loads(body)["__type"] == "ImageNotFoundException"


@pytest.mark.parametrize(
    ("operation", "document"),
    [("DescribeRepositories", {"repositoryNames": [REPOSITORY]}), ("DescribeImages", {"repositoryName": "mine"})],
)
def test_everything_else_is_motos(images, operation, document):
    _, body = ask(images, operation, document)
    assert body == b"moto: " + json.dumps(document).encode()

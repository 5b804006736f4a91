"""From a configuration to what a container runs."""

import io
import tarfile
from types import SimpleNamespace

import pytest

from edgetrain.local.ecr import REPOSITORY_URI, Image
from edgetrain.local.functions import Credentials
from edgetrain.local.sagemaker.plan import CannotServe, Variant, make_program, read_variant

DOCKERFILE = """
FROM python:3 AS base
ENV FROM_IMAGE=1 OVER=image
FROM base AS serve
ENTRYPOINT ["python", "-m", "program"]
FROM base AS odd
ENTRYPOINT ["java", "-jar", "a.jar"]
"""
SERVERLESS = {"VariantName": "v", "ModelName": "m", "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 3}}
INSTANCES = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.c5.large", "InitialInstanceCount": 2}


def model(**container):
    described = {
        "Image": f"{REPOSITORY_URI}:tag",
        "ModelDataUrl": "s3://b/k/model.tar.gz",
        "Environment": {"OVER": "model"},
    }
    return SimpleNamespace(primary_container={**described, **container}, containers=[], execution_role_arn="role")


def read(*variants, found=None):
    return read_variant({"ProductionVariants": list(variants)}, lambda name: found or model() if name == "m" else None)


def test_serverless():
    variant = read(SERVERLESS)
    assert (variant.name, variant.size, variant.most, variant.is_serverless) == ("v", 1, 3, True)


def test_instances():
    variant = read(INSTANCES)
    assert (variant.size, variant.most, variant.is_serverless) == (2, None, False)


@pytest.mark.parametrize(
    ("variants", "found", "sentence"),
    [
        ([SERVERLESS, INSTANCES], None, "one production variant"),
        ([{**SERVERLESS, "ModelName": "gone"}], None, "Could not find model"),
        ([SERVERLESS], SimpleNamespace(primary_container=None, containers=[{}, {}]), "one container"),
        ([SERVERLESS], SimpleNamespace(primary_container=None, containers=[]), "one container"),
    ],
)
def test_what_cannot_be_run_is_refused(variants, found, sentence):
    with pytest.raises(ValueError, match=sentence):
        read(*variants, found=found)


def archive(files: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as tar:
        for name, body in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return written.getvalue()


class Images:
    def __init__(self, context, target="serve"):
        self.image = Image(tag="tag", context=context, dockerfile="Dockerfile", target=target)

    def find(self, tag):
        return self.image if tag == "tag" else None


class Services:
    def credentials(self, role_arn, session_name):
        return Credentials(access_key_id=f"key of {role_arn}", secret_access_key="secret", session_token="token")


def program(tmp_path, variant: Variant, *, target="serve", data=None):
    context, scratch = tmp_path / "context", tmp_path / "scratch"
    context.mkdir()
    (context / "Dockerfile").write_text(DOCKERFILE)
    objects = {("b", "k/model.tar.gz"): archive({"model.tflite": b"x"}) if data is None else data}

    return make_program(
        variant,
        scratch,
        images=Images(context, target),
        services=Services(),
        read_object=lambda bucket, key: objects[bucket, key],
        endpoint_url="http://127.0.0.1:4566",
    )


def test_a_program(tmp_path):
    made = program(tmp_path, read(SERVERLESS))
    assert (list(made.arguments), made.folder) == (["-m", "program", "serve"], tmp_path / "context")
    variables = made.variables
    assert (variables["FROM_IMAGE"], variables["OVER"]) == ("1", "model")
    assert (variables["AWS_ENDPOINT_URL"], variables["AWS_ACCESS_KEY_ID"]) == ("http://127.0.0.1:4566", "key of role")
    assert variables["PYTHONPATH"] == str(tmp_path / "context")
    assert (tmp_path / "scratch" / "ml" / "model" / "model.tflite").read_bytes() == b"x"
    assert variables["SAGEMAKER_BASE_DIR"] == str(tmp_path / "scratch" / "ml")


def test_a_model_without_data_has_an_empty_folder(tmp_path):
    program(tmp_path, read(SERVERLESS, found=model(ModelDataUrl=None)))
    assert list((tmp_path / "scratch" / "ml" / "model").iterdir()) == []


@pytest.mark.parametrize(
    ("found", "target", "data", "reason"),
    [
        (model(Image="123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:v1"), "serve", None, "mine:v1"),
        (model(Image=f"{REPOSITORY_URI}:other"), "serve", None, "other"),
        (model(), "odd", None, "java"),
        (model(ModelDataUrl="s3://b/gone"), "serve", None, "Could not find model data at s3://b/gone"),
        (model(), "serve", b"no archive", "no gzip-compressed tar archive"),
        (model(), "serve", archive({"model.tflite": b"x" * 9999})[:40], "no gzip-compressed tar archive"),
        (model(), "serve", archive({"../outside": b"x"}), "no gzip-compressed tar archive"),
    ],
    # Archives hold the time: ids made of their bytes would differ from process to process.
    ids=["image", "tag", "target", "no data", "no archive", "half an archive", "outside"],
)
def test_what_keeps_an_endpoint_from_coming_up(tmp_path, found, target, data, reason):
    with pytest.raises(CannotServe, match=reason):
        program(tmp_path, read(SERVERLESS, found=found), target=target, data=data)
    assert not (tmp_path / "scratch" / "ml" / "outside").exists()

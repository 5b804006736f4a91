"""The endpoints' stack: what is in service on the first day, what switching replaces, what the container may do."""

import json
from pathlib import Path
from typing import Any

import pytest

from edgetrain.errors import UsageError
from stacks.packaging.serving import CONTEXT, ServingArtifacts, image_context
from tests.infrastructure.reading import INFERENCE, Assembly, listed, short, statements, text

IMAGE_URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/edgetrain/serve:v1"


def synthesise(folder: Path, **context: str) -> Assembly:
    """Storage and endpoints alone."""
    from stacks import nag
    from stacks.application import make_app
    from stacks.inference import InferenceStack
    from stacks.serving import serving_of
    from stacks.storage import StorageStack

    app = make_app(outdir=str(folder / "out"), context=context)
    storage = StorageStack(app, "EdgetrainStorage").storage
    (folder / "image" / "training_jobs").mkdir(parents=True)
    (folder / "image" / "training_jobs" / "Dockerfile").write_text("FROM scratch\n")
    (folder / "model.tar.gz").write_bytes(b"a model")
    artifacts = ServingArtifacts(image=folder / "image", first_models={"objects": folder / "model.tar.gz"})
    InferenceStack(app, INFERENCE, storage=storage, serving=serving_of(app), artifacts=artifacts)
    nag.check(app)
    app.synth()
    return Assembly(folder / "out")


@pytest.fixture(scope="module")
def instances(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return synthesise(tmp_path_factory.mktemp("instances"), instance_type="ml.c5.large")


@pytest.fixture(scope="module")
def ready_image(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    settings = {"image_uri": IMAGE_URI, "serverless_memory": "1024", "serverless_concurrency": "2"}
    return synthesise(tmp_path_factory.mktemp("image"), **settings)


def only(assembly: Assembly, kind: str) -> tuple[str, dict[str, Any]]:
    ((name, resource),) = assembly.resources(INFERENCE, kind).items()
    return name, resource["Properties"]


def test_serverless_by_default(aws: Assembly) -> None:
    name, config = only(aws, "AWS::SageMaker::EndpointConfig")
    (variant,) = config["ProductionVariants"]
    assert name == "ObjectsServerlessConfig"
    assert variant["ServerlessConfig"] == {"MaxConcurrency": 5, "MemorySizeInMB": 3072}
    assert text(variant["ModelName"]) == "${ObjectsModel.ModelName}"
    assert "InstanceType" not in variant


def test_instances_by_configuration(instances: Assembly) -> None:
    name, config = only(instances, "AWS::SageMaker::EndpointConfig")
    (variant,) = config["ProductionVariants"]
    assert name == "ObjectsInstanceConfig"
    assert (variant["InstanceType"], variant["InitialInstanceCount"]) == ("ml.c5.large", 1)
    assert "ServerlessConfig" not in variant


def test_switching_replaces_the_endpoint_and_nothing_that_it_needs_not(aws: Assembly, instances: Assembly) -> None:
    """SageMaker turns no endpoint of instances into a serverless one: another logical id makes another endpoint."""
    one, other = (set(each.template(INFERENCE)["Resources"]) for each in (aws, instances))
    assert {short(name) for name in one - other} == {"ObjectsServerlessConfig", "ObjectsServerlessEndpoint"}
    assert {short(name) for name in other - one} == {"ObjectsInstanceConfig", "ObjectsInstanceEndpoint"}


def test_the_endpoint_is_changed_in_place(aws: Assembly) -> None:
    """Its only property is one that CloudFormation updates; whatever changes makes another configuration."""
    _, endpoint = only(aws, "AWS::SageMaker::Endpoint")
    assert {name: text(value) for name, value in endpoint.items()} == {
        "EndpointConfigName": "${ObjectsServerlessConfig.EndpointConfigName}"
    }


def test_the_model_comes_with_the_template_and_names_no_version(aws: Assembly) -> None:
    """Which version is served is not CloudFormation's to know (docs/adr/0008)."""
    _, model = only(aws, "AWS::SageMaker::Model")
    container = model["PrimaryContainer"]
    assert set(container) == {"Image", "ModelDataUrl", "Environment"}
    assert container["ModelDataUrl"]["Fn::Sub"].startswith("s3://cdk-hnb659fds-assets-")
    assert {name: text(value) for name, value in container["Environment"].items()} == {
        "EDGETRAIN_TASK": "objects",
        "MODELS_BUCKET": "${ModelsBucket}",
    }
    assert "/models/" not in container["ModelDataUrl"]["Fn::Sub"]


def test_the_output_is_the_endpoints_name(aws: Assembly) -> None:
    outputs = {name: text(each["Value"]) for name, each in aws.template(INFERENCE)["Outputs"].items()}
    assert outputs["ObjectsEndpoint"] == "${ObjectsServerlessEndpoint.EndpointName}"


# --- the image


def image_assets(assembly: Assembly) -> dict[str, Any]:
    return json.loads((assembly.folder / f"{INFERENCE}.assets.json").read_text()).get("dockerImages", {})


def test_the_image_is_the_dockerfiles_target(aws: Assembly) -> None:
    ((tag, asset),) = image_assets(aws).items()
    source = asset["source"]
    assert (source["dockerFile"], source["dockerBuildTarget"]) == ("training_jobs/Dockerfile", "serve")
    assert source["platform"] == "linux/amd64"
    _, model = only(aws, "AWS::SageMaker::Model")
    assert model["PrimaryContainer"]["Image"]["Fn::Sub"].endswith(f":{tag}")


def test_a_ready_image_needs_no_docker(ready_image: Assembly) -> None:
    assert image_assets(ready_image) == {}
    _, model = only(ready_image, "AWS::SageMaker::Model")
    assert model["PrimaryContainer"]["Image"] == IMAGE_URI
    pulls = [each for each in role(ready_image) if "ecr:BatchGetImage" in listed(each["Action"])]
    (resource,) = {text(each["Resource"]) for each in pulls}
    assert resource == "arn:${AWS::Partition}:ecr:eu-west-1:123456789012:repository/edgetrain/serve"


def test_memory_and_concurrency_by_configuration(ready_image: Assembly) -> None:
    _, config = only(ready_image, "AWS::SageMaker::EndpointConfig")
    assert config["ProductionVariants"][0]["ServerlessConfig"] == {"MaxConcurrency": 2, "MemorySizeInMB": 1024}


def checkout(folder: Path) -> Path:
    """A project with one file for each part of the build context, and others beside them."""
    for pattern in CONTEXT:
        path = folder / pattern.replace("**/", "").replace("*", "module")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(pattern)
    for name in ("tests/test.py", "docs/page.md", "edgetrain/local/cloud.py", "training_jobs/fitting.py", "README.md"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def test_the_context_is_what_the_image_needs(tmp_path: Path) -> None:
    project = checkout(tmp_path / "project")
    context = image_context(tmp_path / "cache", project)
    held = {path.relative_to(context).as_posix() for path in context.rglob("*") if path.is_file()}
    assert {"training_jobs/Dockerfile", "requirements/serve.lock", "edgetrain/contracts.py"} <= held
    assert not [name for name in held if name.startswith(("tests/", "docs/", "edgetrain/local")) or "fitting" in name]


def test_the_images_tag_moves_with_what_it_holds_and_with_nothing_else(tmp_path: Path) -> None:
    project = checkout(tmp_path / "project")
    before = image_context(tmp_path / "cache", project)
    for name in ("tests/test.py", "docs/page.md", "edgetrain/local/cloud.py", "README.md", "training_jobs/fitting.py"):
        (project / name).write_text("changed")
    assert image_context(tmp_path / "cache", project) == before
    for name in ("edgetrain/errors.py", "training_jobs/Dockerfile", "requirements/serve.lock"):
        (project / name).write_text("changed")
        after = image_context(tmp_path / "cache", project)
        assert after != before, name
        before = after


# --- what the container may do


def role(assembly: Assembly) -> list[dict[str, Any]]:
    _, properties = only(assembly, "AWS::IAM::Role")
    (trust,) = properties["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert "ManagedPolicyArns" not in properties
    return list(statements({"Properties": properties}))


def test_the_role_pulls_one_repository_reads_two_places_and_writes_its_log(aws: Assembly) -> None:
    found: dict[str, set[str]] = {}
    for statement in role(aws):
        assert statement["Effect"] == "Allow"
        for action in listed(statement["Action"]):
            found.setdefault(action, set()).update(written(each) for each in listed(statement["Resource"]))
    logs = {"arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/sagemaker/Endpoints/*"}
    repository = {
        "arn:${AWS::Partition}:ecr:${AWS::Region}:${AWS::AccountId}:repository/"
        "cdk-hnb659fds-container-assets-${AWS::AccountId}-${AWS::Region}"
    }
    (asset,) = (each for each in found.pop("s3:GetObject") if each != "${ModelsBucket.Arn}/models/objects/*")
    assert asset.startswith("arn:${AWS::Partition}:s3:::cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}/")
    assert "*" not in asset
    assert found == {
        "ecr:GetAuthorizationToken": {"*"},
        "ecr:BatchCheckLayerAvailability": repository,
        "ecr:BatchGetImage": repository,
        "ecr:GetDownloadUrlForLayer": repository,
        "s3:ListBucket": {"${ModelsBucket.Arn}"},
        "logs:CreateLogGroup": logs,
        "logs:CreateLogStream": logs,
        "logs:DescribeLogStreams": logs,
        "logs:PutLogEvents": logs,
        "cloudwatch:PutMetricData": {"*"},
    }


def written(value: Any) -> str:
    """As `text`, with what CloudFormation substitutes."""
    if isinstance(value, dict) and "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return separator.join(map(written, parts))
    return str(value["Fn::Sub"]) if isinstance(value, dict) and "Fn::Sub" in value else text(value)


def test_published_models_are_those_of_the_task(aws: Assembly) -> None:
    reads = [written(r) for s in role(aws) if "s3:GetObject" in listed(s["Action"]) for r in listed(s["Resource"])]
    assert "${ModelsBucket.Arn}/models/objects/*" in reads
    (condition,) = [s["Condition"] for s in role(aws) if "s3:ListBucket" in listed(s["Action"])]
    assert listed(condition["StringLike"]["s3:prefix"]) == ["models/objects/*"]


def test_metrics_go_into_one_namespace(aws: Assembly) -> None:
    (statement,) = (each for each in role(aws) if "cloudwatch:PutMetricData" in listed(each["Action"]))
    assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/Endpoints"}}


def test_alarms_watch_the_endpoint(aws: Assembly) -> None:
    alarms = aws.resources(INFERENCE, "AWS::CloudWatch::Alarm")
    watched = {}
    for alarm in alarms.values():
        properties = alarm["Properties"]
        named = {each["Name"]: text(each["Value"]) for each in properties["Dimensions"]}
        assert named == {"EndpointName": "${ObjectsServerlessEndpoint.EndpointName}", "VariantName": "AllTraffic"}
        assert (properties["Namespace"], properties["TreatMissingData"]) == ("AWS/SageMaker", "notBreaching")
        statistic = properties.get("Statistic") or properties["ExtendedStatistic"]
        watched[properties["MetricName"], statistic] = properties["Threshold"]
    assert watched == {("Invocation5XXErrors", "Sum"): 5, ("ModelLatency", "p99"): 5_000_000}


# --- what the context may say


@pytest.mark.parametrize(
    ("context", "sentence"),
    [
        ({"serve": "faces"}, "serve is 'faces': expected one or more of objects"),
        ({"serve": "objects,faces"}, "serve is 'objects,faces'"),
        ({"serve": " , "}, "serve is"),
        ({"instance_type": "c5.large"}, "instance_type is 'c5.large': expected one like ml.c5.large"),
        ({"instance_type": "ml.c5.large; rm"}, "instance_type is"),
        ({"serverless_memory": "1000"}, "serverless_memory is '1000': expected one of 1024"),
        ({"serverless_concurrency": "0"}, "serverless_concurrency is '0': expected a whole number from 1 to 200"),
        ({"serverless_concurrency": "many"}, "serverless_concurrency is 'many'"),
        ({"serverless_concurrency": "201"}, "serverless_concurrency is '201'"),
        ({"image_uri": "python:3.13"}, "image_uri is 'python:3.13': expected ACCOUNT.dkr.ecr.REGION"),
        ({"image_uri": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/serve"}, "image_uri is"),
    ],
)
def test_a_wrong_word_is_one_sentence(context: dict[str, str], sentence: str) -> None:
    from stacks.application import make_app
    from stacks.serving import serving_of

    with pytest.raises(UsageError) as raised:
        serving_of(make_app(context=context))
    assert sentence in str(raised.value)


@pytest.mark.parametrize(
    ("context", "field", "value"),
    [
        ({}, "tasks", ("objects",)),
        ({"serve": "objects, objects"}, "tasks", ("objects",)),
        ({"instance_type": "ml.g4dn.2xlarge"}, "kind", "Instance"),
        ({"instance_type": ""}, "kind", "Serverless"),
        ({"serverless_memory": "6144"}, "memory_mb", 6144),
        ({"serverless_memory": 2048}, "memory_mb", 2048),
        ({"image_uri": f"{IMAGE_URI.rpartition(':')[0]}@sha256:{'0' * 64}"}, "instance_type", None),
    ],
)
def test_what_it_may_say(context: dict[str, Any], field: str, value: Any) -> None:
    from stacks.application import make_app
    from stacks.serving import serving_of

    assert getattr(serving_of(make_app(context=context)), field) == value

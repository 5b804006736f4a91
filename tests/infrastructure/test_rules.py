"""What holds for every resource: the rules that are checked in each synth, and our own on top."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infrastructure.reading import EDGE, FEDERATED, IDENTITY, INFERENCE, STACKS, STORAGE, Assembly

#: Everything that we deploy. No custom resource: each is a function that is not ours.
KINDS = {
    STORAGE: {"AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::DynamoDB::Table"},
    FEDERATED: {
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::Lambda::Function",
        "AWS::Lambda::LayerVersion",
        "AWS::Logs::LogGroup",
        "AWS::StepFunctions::StateMachine",
    },
    IDENTITY: {
        "AWS::Cognito::UserPool",
        "AWS::Cognito::UserPoolDomain",
        "AWS::Cognito::UserPoolResourceServer",
    },
    INFERENCE: {
        "AWS::CloudWatch::Alarm",
        "AWS::IAM::Role",
        "AWS::SageMaker::Endpoint",
        "AWS::SageMaker::EndpointConfig",
        "AWS::SageMaker::Model",
    },
    EDGE: {
        "AWS::ApiGatewayV2::Api",
        "AWS::ApiGatewayV2::Authorizer",
        "AWS::ApiGatewayV2::Integration",
        "AWS::ApiGatewayV2::Route",
        "AWS::ApiGatewayV2::Stage",
        "AWS::CloudFront::Distribution",
        "AWS::CloudFront::OriginAccessControl",
        "AWS::CloudFront::ResponseHeadersPolicy",
        "AWS::CloudWatch::Alarm",
        "AWS::Cognito::UserPoolClient",
        "AWS::IAM::Role",
        "AWS::Lambda::Function",
        "AWS::Lambda::LayerVersion",
        "AWS::Lambda::Permission",
        "AWS::Logs::LogGroup",
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
    },
}
#: Rule -> the constructs on which a finding of it is accepted.
ACCEPTED = {
    "AwsSolutions-APIG4": {"GetOpenapiRoute"},
    **{f"AwsSolutions-CFR{number}": {"Distribution"} for number in (1, 2, 3, 4)},
    **{f"AwsSolutions-COG{number}": {"People"} for number in (2, 3, 8)},
    "AwsSolutions-S1": {"DataBucket", "RunsBucket", "ModelsBucket", "Bucket"},
    "AwsSolutions-L1": {"Function"},
    "AwsSolutions-IAM5": {"Role", "MapRuns"},
}


def acknowledgements(assembly: Assembly) -> Iterator[tuple[str, str, str]]:
    """(construct, finding, reason) of all accepted findings."""
    for stack in STACKS:
        metadata = json.loads((assembly.folder / f"{stack}.metadata.json").read_text())
        for construct, entries in metadata.items():
            for entry in entries:
                if entry["type"] == "aws:cdk:acknowledged-rules":
                    for finding, reason in entry["data"].items():
                        yield construct, finding, reason


@pytest.mark.parametrize("stack", KINDS)
def test_a_stack_holds_these_kinds_of_resources(aws: Assembly, stack: str) -> None:
    assert {each["Type"] for each in aws.template(stack)["Resources"].values()} == KINDS[stack]


@pytest.mark.parametrize("stack", KINDS)
def test_nothing_has_a_physical_name(aws: Assembly, stack: str) -> None:
    for name, resource in aws.template(stack)["Resources"].items():
        kind = resource["Type"].rsplit("::", 1)[-1]
        names = {f"{kind}Name", "BucketName", "TableName", "FunctionName", "LogGroupName", "RoleName", "LayerName"}
        if kind == "Policy":  # an inline policy cannot be without one; it is unique only within its role
            names.remove("PolicyName")
        if kind == "Stage":  # it is a part of each path, and unique only within its API
            names.remove("StageName")
        if kind == "Permission":  # it refers to the function
            names.remove("FunctionName")
        assert not names & set(resource["Properties"]), name


def test_deleting_the_federated_stack_loses_no_data(aws: Assembly) -> None:
    storage, federated = (aws.template(stack) for stack in (STORAGE, FEDERATED))
    assert "Fn::ImportValue" not in json.dumps(storage), "storage stands alone"
    assert "Fn::ImportValue" in json.dumps(federated)
    for resource in storage["Resources"].values():
        if resource["Type"] != "AWS::S3::BucketPolicy":
            assert resource["DeletionPolicy"] == "Retain"


def test_every_exception_to_a_rule_has_a_reason_and_is_where_we_know(aws: Assembly) -> None:
    found = list(acknowledgements(aws))
    assert found
    for construct, finding, reason in found:
        rule = finding.split("::", 1)[-1].split("[", 1)[0]
        assert construct.rsplit("/", 1)[-1] in ACCEPTED[rule], finding
        assert len(reason.split()) >= 8, f"{finding}: {reason}"
    assert {finding.split("::", 1)[-1].split("[", 1)[0] for _, finding, _ in found} == set(ACCEPTED)


def test_a_finding_without_a_reason_fails_the_synth(tmp_path: Path) -> None:
    from aws_cdk import Stack
    from aws_cdk import aws_s3 as s3

    from stacks import nag
    from stacks.application import make_app

    app = make_app(outdir=str(tmp_path))
    s3.Bucket(Stack(app, "Open"), "Bucket")
    nag.check(app)
    with pytest.raises(RuntimeError, match="AwsSolutions-S10"):
        app.synth()


def test_a_pattern_of_a_grant_is_accepted_by_name(aws: Assembly) -> None:
    """No blanket exception: each is for one resource as it is spelled in one role."""
    patterns = [finding for _, finding, _ in acknowledgements(aws) if "IAM5" in finding]
    assert patterns
    assert all("IAM5[Resource::" in finding for finding in patterns)

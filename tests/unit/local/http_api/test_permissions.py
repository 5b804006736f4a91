"""Whether a function's policy lets API Gateway invoke it."""

import pytest

from edgetrain.local.http_api.permissions import may_invoke, source_arn

ARN = "arn:aws:execute-api:us-east-1:123456789012"
SOURCE = source_arn("abc", "api", "GET", "/models/{task}/latest")


def statement(source: str | None = f"{ARN}:abc/*/*/models/*", **changes):
    condition = {} if source is None else {"Condition": {"ArnLike": {"AWS:SourceArn": source}}}
    return {
        "Effect": "Allow",
        "Principal": {"Service": "apigateway.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        **condition,
        **changes,
    }


def test_the_source():
    assert f"{ARN}:abc/api/GET/models/{{task}}/latest" == SOURCE


@pytest.mark.parametrize(
    "source",
    [
        None,
        f"{ARN}:abc/*/*/models/{{task}}/latest",
        f"{ARN}:abc/*",
        f"{ARN}:abc/api/GET/models/*",
        f"{ARN}:a?c/*/*/models/*",
    ],
)
def test_it_may(source):
    assert may_invoke([statement(source)], SOURCE)


@pytest.mark.parametrize(
    "statements",
    [
        [],
        [statement(f"{ARN}:other/*/*/models/*")],
        [statement(f"{ARN}:abc/*/*/labels/*")],
        [statement(f"{ARN}:abc/other/*")],
        [statement(f"{ARN}:[abc]bc/*")],
        [statement(Principal={"Service": "s3.amazonaws.com"})],
        [statement(Principal={"AWS": "arn:aws:iam::123456789012:root"})],
        [statement(Action="lambda:GetFunction")],
        [statement(Condition={"StringEquals": {"AWS:SourceAccount": "999999999999"}})],
        [statement(Condition={"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}})],
        [statement(None), statement(None, Effect="Deny")],
    ],
)
def test_it_may_not(statements):
    assert not may_invoke(statements, SOURCE)


def test_the_account_may_be_asked_for_as_well():
    condition = {
        "ArnLike": {"AWS:SourceArn": f"{ARN}:abc/*"},
        "StringEquals": {"AWS:SourceAccount": "123456789012"},
    }
    assert may_invoke([statement(Condition=condition)], SOURCE)

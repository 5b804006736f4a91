"""Clients of botocore that answer what a test told them to, and fail on any other request."""

from collections.abc import Iterator

import boto3
import pytest
from botocore.stub import Stubber

from edgetrain.stores.ledger import DynamoLedger
from edgetrain.stores.s3 import S3ObjectStore


@pytest.fixture(scope="session")
def session() -> boto3.session.Session:
    return boto3.session.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="eu-west-1")


@pytest.fixture(scope="session")
def s3_client(session: boto3.session.Session):
    return session.client("s3")


@pytest.fixture(scope="session")
def dynamodb_client(session: boto3.session.Session):
    return session.client("dynamodb")


@pytest.fixture
def s3(s3_client) -> Iterator[Stubber]:
    with Stubber(s3_client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def dynamodb(dynamodb_client) -> Iterator[Stubber]:
    with Stubber(dynamodb_client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def store(s3: Stubber) -> S3ObjectStore:
    return S3ObjectStore(s3.client, "bucket")


@pytest.fixture
def ledger(dynamodb: Stubber) -> DynamoLedger:
    return DynamoLedger(dynamodb.client, "table")

"""StorageStack: private, encrypted, TLS only, kept; RunsBucket is write-once."""

import pytest

from tests.infrastructure.reading import FEDERATED, STORAGE, Assembly, listed, statements, text

BUCKETS = ("DataBucket", "RunsBucket", "ModelsBucket")
STATEFUL = {"AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::DynamoDB::Table"}


@pytest.mark.parametrize("bucket", BUCKETS)
def test_a_bucket_is_private_and_encrypted(aws: Assembly, bucket: str) -> None:
    properties = aws.resources(STORAGE, "AWS::S3::Bucket")[bucket]["Properties"]
    assert properties["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert properties["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert "BucketName" not in properties


@pytest.mark.parametrize("bucket", BUCKETS)
@pytest.mark.parametrize(
    "condition",
    [{"Bool": {"aws:SecureTransport": "false"}}, {"NumericLessThan": {"s3:TlsVersion": 1.2}}],
    ids=["no TLS", "old TLS"],
)
def test_a_bucket_refuses_what_is_not_tls(aws: Assembly, bucket: str, condition: dict[str, object]) -> None:
    policy = aws.resources(STORAGE, "AWS::S3::BucketPolicy")[f"{bucket}Policy"]
    (refusal,) = [each for each in statements(policy) if each.get("Condition") == condition]
    assert refusal["Effect"] == "Deny"
    assert refusal["Principal"] == {"AWS": "*"}
    assert refusal["Action"] == "s3:*"
    assert {text(each) for each in refusal["Resource"]} == {f"${{{bucket}.Arn}}", f"${{{bucket}.Arn}}/*"}


def test_only_runs_are_versioned(aws: Assembly) -> None:
    buckets = aws.resources(STORAGE, "AWS::S3::Bucket")
    versioned = [name for name in BUCKETS if "VersioningConfiguration" in buckets[name]["Properties"]]
    assert versioned == ["RunsBucket"]
    assert buckets["RunsBucket"]["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}


def test_runs_are_written_once_by_everybody(aws: Assembly) -> None:
    policies = aws.resources(STORAGE, "AWS::S3::BucketPolicy")
    (write_once,) = [each for each in statements(policies["RunsBucketPolicy"]) if each.get("Sid") == "WriteOnce"]
    assert write_once == {
        "Sid": "WriteOnce",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "s3:PutObject",
        "Resource": write_once["Resource"],
        # Parts of an upload create no object and carry no such header; the request that completes it does both.
        "Condition": {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}},
    }
    assert text(write_once["Resource"]) == "${RunsBucket.Arn}/*"


def test_pointers_may_be_replaced_elsewhere(aws: Assembly) -> None:
    policies = aws.resources(STORAGE, "AWS::S3::BucketPolicy")
    for bucket in ("DataBucketPolicy", "ModelsBucketPolicy"):
        assert [each for each in statements(policies[bucket]) if each["Action"] != "s3:*"] == []


def test_pages_of_any_origin_may_read_models_and_nothing_else(aws: Assembly) -> None:
    buckets = aws.resources(STORAGE, "AWS::S3::Bucket")
    assert [name for name in BUCKETS if "CorsConfiguration" in buckets[name]["Properties"]] == ["ModelsBucket"]
    (rule,) = buckets["ModelsBucket"]["Properties"]["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedMethods"] == ["GET", "HEAD"]
    assert rule["AllowedOrigins"] == ["*"]


@pytest.mark.parametrize("bucket", BUCKETS)
def test_abandoned_uploads_end(aws: Assembly, bucket: str) -> None:
    rules = aws.resources(STORAGE, "AWS::S3::Bucket")[bucket]["Properties"]["LifecycleConfiguration"]["Rules"]
    (rule,) = [each for each in rules if "AbortIncompleteMultipartUpload" in each]
    assert rule["Status"] == "Enabled"
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert "Prefix" not in rule


def test_runs_become_cheap_and_are_not_deleted(aws: Assembly) -> None:
    bucket = aws.resources(STORAGE, "AWS::S3::Bucket")["RunsBucket"]["Properties"]
    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert set(rules) == {"AbandonedUploads", "ColdRuns", "NoncurrentVersions"}
    assert rules["ColdRuns"]["Prefix"] == "runs/"
    assert rules["ColdRuns"]["Transitions"] == [{"StorageClass": "INTELLIGENT_TIERING", "TransitionInDays": 30}]
    # A sealed round may name a version that is not current any more: it must outlive the round by far.
    assert rules["NoncurrentVersions"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}
    assert not [rule for rule in rules.values() if {"ExpirationInDays", "ExpirationDate"} & set(rule)]


def test_the_ledger(aws: Assembly) -> None:
    (table,) = aws.resources(STORAGE, "AWS::DynamoDB::Table").values()
    properties = table["Properties"]
    assert properties["KeySchema"] == [
        {"AttributeName": "PK", "KeyType": "HASH"},
        {"AttributeName": "SK", "KeyType": "RANGE"},
    ]
    assert {each["AttributeName"]: each["AttributeType"] for each in properties["AttributeDefinitions"]} == {
        "PK": "S",
        "SK": "S",
    }
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert "TableName" not in properties


def test_what_holds_data_is_kept(aws: Assembly) -> None:
    kept = {"AWS::S3::Bucket": 3, "AWS::DynamoDB::Table": 1}
    for kind, count in kept.items():
        resources = aws.resources(STORAGE, kind)
        assert len(resources) == count
        for resource in resources.values():
            assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"


def test_the_stacks_are_split_by_lifetime(aws: Assembly) -> None:
    storage = {each["Type"] for each in aws.template(STORAGE)["Resources"].values()}
    federated = {each["Type"] for each in aws.template(FEDERATED)["Resources"].values()}
    assert storage == STATEFUL
    assert not federated & STATEFUL


def test_outputs_name_what_a_client_needs(aws: Assembly) -> None:
    storage, federated = (aws.template(stack)["Outputs"] for stack in (STORAGE, FEDERATED))
    named = {name: text(output["Value"]) for name, output in storage.items() if "Export" not in output}
    assert named == {name: f"${{{name}}}" for name in (*BUCKETS, "LedgerTable")}
    assert list(federated) == ["StateMachineArn"]
    assert listed(federated["StateMachineArn"]["Value"])[0].keys() == {"Ref"}

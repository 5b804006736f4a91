"""What outlives everything else: data, runs, models and the ledger. Deleting this stack, too, leaves them where they are."""

from dataclasses import dataclass
from typing import Any, Final

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from edgetrain import keys
from stacks.nag import acknowledge

#: Multipart uploads that nobody finished are paid for until they are aborted.
ABANDONED_UPLOAD: Final = Duration.days(1)
#: RunsBucket's rounds are read while a run goes on and, if ever, when somebody recomputes one.
COLD_AFTER: Final = Duration.days(30)
#: Pictures that were sent to have things found in them: who sent one may ask about it that long.
INCOMING_FOR: Final = Duration.days(1)
#: A version of a write-once object that is not the current one was made by an administrator. The sealed round may name it.
NONCURRENT_FOR: Final = Duration.days(90)

#: The web app downloads models by presigned URLs, from an origin that is made after this stack. Any origin may: the URL is the
#: authority, it comes from the API to who signed in, and CORS adds none to it (no cookies; without the URL, 403 as ever).
READ_BY_PAGES: Final[dict[str, Any]] = {
    "allowed_methods": [s3.HttpMethods.GET, s3.HttpMethods.HEAD],
    "allowed_origins": ["*"],
    "allowed_headers": ["*"],
    "exposed_headers": ["ETag", "Content-Length", "Content-Range", "x-amz-checksum-sha256"],
    "max_age": int(Duration.hours(1).to_seconds()),
}

NO_ACCESS_LOGS: Final = (
    "the bucket is private and every writer is a role of this application or an administrator; S3 access logs would be a "
    "fourth bucket that grows for ever. Who needs an audit trail turns on CloudTrail's data events for the account."
)


@dataclass(frozen=True, kw_only=True)
class Storage:
    """What a stack that works on the data is handed."""

    data: s3.IBucket
    runs: s3.IBucket
    models: s3.IBucket
    ledger: dynamodb.ITable


class StorageStack(Stack):
    """DataBucket, RunsBucket, ModelsBucket and LedgerTable."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id, description="Edgetrain: data, runs, models and the ledger")
        data = self._bucket(
            "DataBucket",
            rules=(s3.LifecycleRule(id="IncomingPictures", prefix=keys.INCOMING_PREFIX, expiration=INCOMING_FOR),),
        )
        runs = self._runs_bucket()
        models = self._bucket("ModelsBucket")
        models.add_cors_rule(**READ_BY_PAGES)
        ledger = dynamodb.Table(
            self,
            "LedgerTable",
            partition_key=dynamodb.Attribute(name="PK", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="SK", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            removal_policy=RemovalPolicy.RETAIN,
        )
        self.storage = Storage(data=data, runs=runs, models=models, ledger=ledger)
        for name, value in (
            ("DataBucket", data.bucket_name),
            ("RunsBucket", runs.bucket_name),
            ("ModelsBucket", models.bucket_name),
            ("LedgerTable", ledger.table_name),
        ):
            CfnOutput(self, f"{name}Name", value=value).override_logical_id(name)

    def _bucket(
        self, construct_id: str, *, versioned: bool = False, rules: tuple[s3.LifecycleRule, ...] = ()
    ) -> s3.Bucket:
        """A bucket as all of ours are: private, encrypted, TLS only, kept."""
        abandoned = s3.LifecycleRule(id="AbandonedUploads", abort_incomplete_multipart_upload_after=ABANDONED_UPLOAD)
        bucket = s3.Bucket(
            self,
            construct_id,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=versioned,
            lifecycle_rules=[abandoned, *rules],
            removal_policy=RemovalPolicy.RETAIN,
        )
        acknowledge(bucket, {"AwsSolutions-S1": NO_ACCESS_LOGS})
        return bucket

    def _runs_bucket(self) -> s3.Bucket:
        """Versioned and write-once.

        Life cycle: S3 selects objects by prefix, tag or size, and a round's intermediates (updates, partial sums) lie below
        `runs/<run>/rounds/<round>/`, where no prefix tells them from its records. They are not deleted: published
        rounds can be recomputed from them. They become cheap: after 30 days S3 moves what nobody reads to colder tiers
        and back when it is read.
        """
        bucket = self._bucket(
            "RunsBucket",
            versioned=True,
            rules=(
                s3.LifecycleRule(
                    id="ColdRuns",
                    prefix="runs/",
                    transitions=[
                        s3.Transition(storage_class=s3.StorageClass.INTELLIGENT_TIERING, transition_after=COLD_AFTER)
                    ],
                ),
                s3.LifecycleRule(
                    id="NoncurrentVersions",
                    noncurrent_version_expiration=NONCURRENT_FOR,
                    expired_object_delete_marker=True,
                ),
            ),
        )
        bucket.add_to_resource_policy(write_once(bucket))
        return bucket


def write_once(bucket: s3.IBucket) -> iam.PolicyStatement:
    """Nobody may store an object without `If-None-Match`.

    The parts of a multipart upload come without the header: they create no object (`s3:ObjectCreationOperation` is
    false for them), and the request that completes the upload has it. A copy creates an object and needs it, too.
    See "Enforce conditional writes on Amazon S3 buckets" in the S3 user guide.
    """
    return iam.PolicyStatement(
        sid="WriteOnce",
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=["s3:PutObject"],
        resources=[bucket.arn_for_objects("*")],
        conditions={"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}},
    )

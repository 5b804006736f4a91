"""What a function may do with the storage: key patterns for each bucket, actions on the ledger, and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from stacks.nag import acknowledge_resources
from stacks.storage import Storage

LedgerAction = Literal["GetItem", "PutItem", "UpdateItem", "Query", "ConditionCheckItem"]

#: Actions that take no resource: the only statements of ours with resource `*`. Action -> who needs it, for what.
WITHOUT_RESOURCE: Final[dict[str, str]] = {
    "xray:PutTraceSegments": "traces of functions and state machine; X-Ray has no resources for writing",
    "xray:PutTelemetryRecords": "as PutTraceSegments",
    "xray:GetSamplingRules": "the state machine asks which executions to trace",
    "xray:GetSamplingTargets": "as GetSamplingRules",
    "logs:CreateLogDelivery": "the state machine's log: log deliveries have no resources in IAM",
    "logs:GetLogDelivery": "as CreateLogDelivery",
    "logs:UpdateLogDelivery": "as CreateLogDelivery",
    "logs:DeleteLogDelivery": "as CreateLogDelivery",
    "logs:ListLogDeliveries": "as CreateLogDelivery",
    "logs:PutResourcePolicy": "as CreateLogDelivery: the delivery service writes under a resource policy",
    "logs:DescribeResourcePolicies": "as PutResourcePolicy",
    "logs:DescribeLogGroups": "as CreateLogDelivery: it checks that the group exists",
}
NO_RESOURCE: Final = "the actions of stacks/constructs/access.py, WITHOUT_RESOURCE: IAM knows no resource for them"
KEY_PATTERNS: Final = (
    "keys hold ids that are made while the application runs; the pattern is the narrowest that names the kind of object "
    "(STATES in stacks/federated.py, ROUTES in stacks/edge.py)"
)
FUNCTION_TRACES: Final = ("xray:PutTraceSegments", "xray:PutTelemetryRecords")


@dataclass(frozen=True, kw_only=True)
class Objects:
    """Key patterns of one bucket; `*` stands for any characters, slashes included.

    Who may read a key may also learn that it is not there (`s3:ListBucket` under the same prefixes): without it S3
    answers 403 for what is a 404. `tells_missing` turns that off.
    """

    reads: tuple[str, ...] = ()
    reads_versions: tuple[str, ...] = ()
    #: Prefixes that are listed beyond those that are read.
    lists: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    #: Of `writes`, what is large enough to be written in parts.
    writes_parts: tuple[str, ...] = ()
    tells_missing: bool = True

    def statements(self, bucket: s3.IBucket) -> Iterator[iam.PolicyStatement]:
        """These grants on `bucket`."""
        for actions, patterns in (
            (("s3:GetObject",), self.reads),
            (("s3:GetObjectVersion",), self.reads_versions),
            (("s3:PutObject",), self.writes),
            (("s3:AbortMultipartUpload",), self.writes_parts),
        ):
            if patterns:
                objects = [bucket.arn_for_objects(pattern) for pattern in patterns]
                yield iam.PolicyStatement(actions=list(actions), resources=objects)
        missing = {*self.reads, *self.reads_versions} if self.tells_missing else set()
        if listed := sorted({*missing, *self.lists}):
            yield iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=[bucket.bucket_arn],
                conditions={"StringLike": {"s3:prefix": listed}},
            )

    def patterns(self) -> set[str]:
        """All key patterns."""
        return {*self.reads, *self.reads_versions, *self.writes, *self.writes_parts}


@dataclass(frozen=True, kw_only=True)
class Access:
    """All that one function may do."""

    data: Objects = field(default_factory=Objects)
    runs: Objects = field(default_factory=Objects)
    models: Objects = field(default_factory=Objects)
    ledger: tuple[LedgerAction, ...] = ()
    #: ARNs of the endpoints that it may ask.
    endpoints: tuple[str, ...] = ()

    def statements(self, storage: Storage) -> list[iam.PolicyStatement]:
        """The statements of the function's role."""
        statements = [
            *self.data.statements(storage.data),
            *self.runs.statements(storage.runs),
            *self.models.statements(storage.models),
        ]
        if self.ledger:
            actions = [f"dynamodb:{action}" for action in self.ledger]
            statements.append(iam.PolicyStatement(actions=actions, resources=[storage.ledger.table_arn]))
        if self.endpoints:
            statements.append(iam.PolicyStatement(actions=["sagemaker:InvokeEndpoint"], resources=[*self.endpoints]))
        return statements

    def acknowledge(self, role: iam.Role, storage: Storage) -> None:
        """Give cdk-nag the reason for the patterns in the role's policy."""
        for bucket, objects in ((storage.data, self.data), (storage.runs, self.runs), (storage.models, self.models)):
            if patterns := objects.patterns():
                acknowledge_resources(role, (f"{_export(bucket)}/{pattern}" for pattern in patterns), KEY_PATTERNS)


def without_resource(*actions: str) -> iam.PolicyStatement:
    """A statement for actions of `WITHOUT_RESOURCE`; any other is a KeyError."""
    for action in actions:
        WITHOUT_RESOURCE[action]
    return iam.PolicyStatement(actions=list(actions), resources=["*"])


def _export(bucket: s3.IBucket) -> str:
    """The name under which the storage stack exports the bucket's ARN: so cdk-nag spells the ARN elsewhere."""
    stack = Stack.of(bucket)
    imported: dict[str, str] = stack.resolve(stack.export_value(bucket.bucket_arn))
    return imported["Fn::ImportValue"]

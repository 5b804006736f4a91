"""The steps, played against S3 and DynamoDB in this process, ask for what their functions' roles grant, and for no less.

Each call of boto3 is written down as the actions that IAM checks for it. So a step that reads one thing more turns this
red before anybody deploys it, and so does a grant that no step needs.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from edgetrain import keys
from edgetrain.contracts import FailRunRequest, PublishModelRequest
from edgetrain.rounds.fail_run import fail_run
from edgetrain.rounds.publish_model import publish_model
from edgetrain.rounds.stores import RoundStores, read_program
from edgetrain.stores.ledger import DynamoLedger
from edgetrain.stores.s3 import S3ObjectStore, S3Writer
from stacks.federated import STATES
from tests.infrastructure.reading import FEDERATED, Assembly, grants
from tests.unit.fakes.programs import ToyPrograms
from tests.unit.rounds.conftest import ARN, RUN, Federation, put_data, put_program

REGION = "eu-central-1"
#: As the tests set moto (tests/conftest.py), a bucket is no part of the host's name.
BY_PATH = Config(s3={"addressing_style": "path"})
BUCKETS = {"data": "DataBucket", "runs": "RunsBucket", "models": "ModelsBucket"}
#: What a function does beside its step.
BESIDE = ("logs:", "xray:")
WRITES = {"PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"}


@dataclass
class Calls:
    """What the steps asked for: state -> actions, each on a key, a prefix or the table."""

    needed: dict[str, set[tuple[str, str, str]]] = field(default_factory=dict)
    state: str | None = None
    #: moto keeps no checksums; S3 does.
    checksums: dict[tuple[str, str], str] = field(default_factory=dict)

    @contextmanager
    def of(self, state: str) -> Iterator[None]:
        self.state = state
        self.needed.setdefault(state, set())
        yield
        self.state = None

    def need(self, action: str, store: str, key: str = "") -> None:
        if self.state:
            self.needed[self.state].add((action, store, key))

    def watch(self, client: Any) -> Any:
        client.meta.events.register("provide-client-params.*.*", self._before)
        client.meta.events.register("after-call.s3.*", self._after)
        return client

    def _before(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        if model.service_model.service_name == "dynamodb":
            return self._on_the_table(params, model.name)
        bucket, key = BUCKETS[params["Bucket"]], params.get("Key", "")
        context["asked"] = (bucket, key)
        if "ChecksumSHA256" in params:
            self.checksums.setdefault((bucket, key), params["ChecksumSHA256"])
        match model.name:
            case "GetObject" | "HeadObject":
                self.need("s3:GetObjectVersion" if "VersionId" in params else "s3:GetObject", bucket, key)
            case "AbortMultipartUpload":
                self.need("s3:AbortMultipartUpload", bucket, key)
            case name if name in WRITES:
                self.need("s3:PutObject", bucket, key)
            case name:
                raise AssertionError(f"{name}: which action is that?")
        return None

    def _on_the_table(self, params: dict[str, Any], name: str) -> None:
        if name != "TransactWriteItems":
            return self.need(f"dynamodb:{name}", "LedgerTable")
        for (what,) in params["TransactItems"]:
            self.need({"Put": "dynamodb:PutItem", "ConditionCheck": "dynamodb:ConditionCheckItem"}[what], "LedgerTable")
        return None

    def _after(self, http_response: Any, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        if model.name == "HeadObject" and context["asked"] in self.checksums:
            parsed["ChecksumSHA256"] = self.checksums[context["asked"]]
        """S3 tells who may list a prefix that a key is missing; to others it says 403."""
        if http_response.status_code == 404:
            self.need("s3:ListBucket", *context["asked"])


class Programs(ToyPrograms):
    """As `Programs` of the handlers: reads the program's files, and then trains the toy."""

    def get(self, stores: RoundStores, task: str, program_id: str) -> Any:
        read_program(stores, task, program_id)
        return super().get(stores, task, program_id)


class Watched(Federation):
    """A federation whose steps are written down."""

    def __init__(self, calls: Calls) -> None:
        s3 = calls.watch(boto3.client("s3", region_name=REGION, config=BY_PATH))
        dynamodb = calls.watch(boto3.client("dynamodb", region_name=REGION))
        super().__init__(
            stores=RoundStores(
                **{name: S3ObjectStore(s3, name) for name in BUCKETS}, ledger=DynamoLedger(dynamodb, "ledger")
            ),
            programs=Programs(),
        )
        self.calls = calls

    def publish(self) -> None:
        publish_model(self.stores, PublishModelRequest(run_id=RUN), clock=self.clock)

    def fail(self) -> None:
        given = {"task": "toy", "run_id": RUN}
        fail_run(self.stores, FailRunRequest(execution_arn=ARN + RUN, input=given, error="E", cause="why"))


def twice(watched: Watched, state: str, step: Callable[[], Any]) -> Any:
    """Every step may run twice; the second time it finds what stands."""
    with watched.calls.of(state):
        step()
        return step()


@pytest.fixture(scope="module")
def needed() -> dict[str, set[tuple[str, str, str]]]:
    """What a run of two rounds, a run in company and a run that fails ask for."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        make_cloud()
        watched = Watched(Calls())
        put_data(watched.stores, clients=10)
        put_program(watched.stores)
        play(watched)
        play_in_company(watched, patch)
        return watched.calls.needed


def make_cloud() -> None:
    s3 = boto3.client("s3", region_name=REGION, config=BY_PATH)
    for name in BUCKETS:
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket="runs", VersioningConfiguration={"Status": "Enabled"})
    key = [{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}]
    boto3.client("dynamodb", region_name=REGION).create_table(
        TableName="ledger",
        KeySchema=key,
        AttributeDefinitions=[{"AttributeName": each["AttributeName"], "AttributeType": "S"} for each in key],
        BillingMode="PAY_PER_REQUEST",
    )


def play(watched: Watched) -> None:
    twice(watched, "StartRun", lambda: watched.start(**GIVEN))
    for number in (1, 2):
        play_round(watched, number)
    with watched.calls.of("StartRun"):
        watched.start(**GIVEN)  # resumed: it looks at the last round's metrics
    twice(watched, "PublishModel", watched.publish)
    twice(watched, "FailRun", watched.fail)


#: A strategy with a state, so that there is one to read and to write; clients' own test parts, so that they are read.
GIVEN: dict[str, Any] = {
    "rounds": 2,
    "updates_per_tile": 3,
    "target": {"metric": "accuracy", "value": 1.0},
    "strategy": {"name": "fedadam"},
    "evaluation_clients": 2,
}


def play_round(watched: Watched, number: int) -> None:
    twice(watched, "SelectClients", lambda: watched.select(number))
    *others, odd = watched.cohort(number)
    if number == 1:  # an update stands without its receipt, and it is none: found by the one step, refused by another
        watched.stores.runs.put_once(keys.update(RUN, number, odd), b"no tensors")
    twice(watched, "TrainClient", lambda: watched.train(others, number))
    with watched.calls.of("TrainClient"):  # in the second round it comes too late
        watched.train([odd], number, deadline=watched.now + (60 if number == 1 else -1))
    tiles = twice(watched, "SealRound", lambda: watched.seal(number))
    for tile in tiles:
        twice(watched, "AggregateTile", lambda tile=tile: watched.aggregate(tile, number))
    twice(watched, "CloseRound", lambda: watched.close(number))
    twice(watched, "EvaluateModel", lambda: watched.evaluate(number))


def play_in_company(watched: Watched, patch: pytest.MonkeyPatch) -> None:
    """Two tries of one step side by side, as a write-once put meets them; and sums that need more than one part."""
    missed = S3ObjectStore.get
    patch.setattr(S3Writer, "PART_BYTES", 8)
    patch.setattr("moto.settings.S3_UPLOAD_PART_MIN_SIZE", 1)
    for state, step in (
        ("StartRun", lambda: watched.start(**GIVEN)),
        ("SelectClients", lambda: watched.select(2)),
        ("SealRound", lambda: watched.seal(2)),
        ("AggregateTile", lambda: watched.aggregate(0, 2)),
        ("CloseRound", lambda: watched.close(2)),
        ("EvaluateModel", lambda: watched.evaluate(2)),
    ):
        absent = ABSENT_AT_FIRST[state]
        seen: set[str] = set()

        def get(
            store: S3ObjectStore, key: str, *, absent: str = absent, seen: set[str] = seen, **version: Any
        ) -> bytes:
            if key == absent and key not in seen:
                seen.add(key)
                return missed(store, keys.run_record("nobody"))
            return missed(store, key, **version)

        patch.setattr(S3ObjectStore, "get", get)
        with watched.calls.of(state):
            step()
    patch.setattr(S3ObjectStore, "get", missed)


#: The record by which a step sees that it has run.
ABSENT_AT_FIRST = {
    "StartRun": keys.run_record(RUN),
    "SelectClients": "",
    "SealRound": keys.sealed_round(RUN, 2),
    "AggregateTile": keys.tile_result(RUN, 2, 0),
    "CloseRound": keys.closed_round(RUN, 2),
    "EvaluateModel": keys.evaluated_round(RUN, 2),
}


def granted(assembly: Assembly, state: str) -> set[tuple[str, str, str]]:
    """(action, store, pattern) of a function's role."""
    found = set()
    for line in grants(assembly.resources(FEDERATED, "AWS::IAM::Role")[f"{state}FunctionRole"]):
        action, resource, *prefix = line.split(" ")
        if not action.startswith(BESIDE):
            store, _, pattern = resource.removeprefix("${").partition(".Arn}")
            found.add((action, store, prefix[0] if prefix else pattern.removeprefix("/")))
    return found


def covers(grant: tuple[str, str, str], need: tuple[str, str, str]) -> bool:
    return grant[:2] == need[:2] and fnmatchcase(need[2], grant[2])


@pytest.mark.parametrize("state", STATES)
def test_a_role_grants_what_its_step_asks_for(
    aws: Assembly, needed: dict[str, set[tuple[str, str, str]]], state: str
) -> None:
    given = granted(aws, state)
    assert [need for need in sorted(needed[state]) if not any(covers(grant, need) for grant in given)] == []


@pytest.mark.parametrize("state", STATES)
def test_a_role_grants_nothing_that_its_step_never_asks_for(
    aws: Assembly, needed: dict[str, set[tuple[str, str, str]]], state: str
) -> None:
    objects = {grant for grant in granted(aws, state) if grant[0] != "s3:ListBucket"}
    assert [grant for grant in sorted(objects) if not any(covers(grant, need) for need in needed[state])] == []

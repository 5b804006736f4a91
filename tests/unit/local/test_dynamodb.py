"""Transactions: all or nothing, whatever the table's size; conditions are looked at before anything is written."""

import sys
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from edgetrain.local.dynamodb import DynamoDbApi
from edgetrain.local.front import Front
from edgetrain.local.loopback import Loopback
from edgetrain.local.moto_app import MotoApplication


@pytest.fixture(scope="module")
def dynamodb():
    moto = MotoApplication()
    front = Front(moto, b"{}")
    front.serve("dynamodb", DynamoDbApi(moto))
    return Loopback(front).client("dynamodb")


@pytest.fixture
def table(dynamodb):
    name = f"table-{uuid.uuid4().hex[:8]}"
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("PK", "SK")],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def key(sort: str) -> dict[str, dict[str, str]]:
    return {"PK": {"S": "p"}, "SK": {"S": sort}}


def put(table: str, sort: str, **more: object) -> dict[str, object]:
    return {"Put": {"TableName": table, "Item": key(sort) | {"n": {"N": "1"}}, **more}}


def items(dynamodb, table) -> list[str]:
    return [item["SK"]["S"] for item in dynamodb.scan(TableName=table)["Items"]]


ABSENT = {"ConditionExpression": "attribute_not_exists(PK)"}


def test_all_actions_of_a_transaction(dynamodb, table):
    for sort in ("changed", "deleted"):
        dynamodb.put_item(TableName=table, Item=key(sort) | {"n": {"N": "1"}})
    update = {"TableName": table, "Key": key("changed"), "UpdateExpression": "ADD n :one"}
    dynamodb.transact_write_items(
        TransactItems=[
            put(table, "new", **ABSENT),
            {"Delete": {"TableName": table, "Key": key("deleted")}},
            {"Update": update | {"ExpressionAttributeValues": {":one": {"N": "1"}}}},
            {"ConditionCheck": {"TableName": table, "Key": key("sealed"), **ABSENT}},
        ]
    )
    assert sorted(items(dynamodb, table)) == ["changed", "new"]
    assert dynamodb.get_item(TableName=table, Key=key("changed"))["Item"]["n"] == {"N": "2"}


def test_one_condition_cancels_all(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=key("standing"))
    actions = [put(table, "a"), put(table, "standing", **ABSENT, ReturnValuesOnConditionCheckFailure="ALL_OLD")]
    with pytest.raises(ClientError) as caught:
        dynamodb.transact_write_items(TransactItems=actions)
    reasons = caught.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed"]
    assert reasons[1]["Item"] == key("standing")
    assert items(dynamodb, table) == ["standing"]


def test_a_write_that_cannot_be_made_is_taken_back_with_those_before_it(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=key("text") | {"n": {"S": "no number"}})
    dynamodb.put_item(TableName=table, Item=key("before") | {"n": {"N": "1"}})
    update = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
    with pytest.raises(ClientError) as caught:
        dynamodb.transact_write_items(
            TransactItems=[
                put(table, "new"),
                {"Update": {"TableName": table, "Key": key("before"), **update}},
                {"Update": {"TableName": table, "Key": key("text"), **update}},
            ]
        )
    assert caught.value.response["Error"]["Code"] == "TransactionCanceledException"
    assert sorted(items(dynamodb, table)) == ["before", "text"]
    assert dynamodb.get_item(TableName=table, Key=key("before"))["Item"]["n"] == {"N": "1"}


def test_an_item_twice(dynamodb, table):
    with pytest.raises(ClientError, match="multiple operations on one item"):
        dynamodb.transact_write_items(TransactItems=[put(table, "a"), put(table, "a")])
    assert items(dynamodb, table) == []


def test_nothing_is_lost_between_threads(dynamodb, table):
    update = {
        "TableName": table,
        "Key": key("sum"),
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # let threads take turns in the middle of everything
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: dynamodb.update_item(**update), range(200)))
    finally:
        sys.setswitchinterval(interval)
    assert dynamodb.get_item(TableName=table, Key=key("sum"))["Item"]["n"] == {"N": "200"}

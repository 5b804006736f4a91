"""Many clients at once: one winner of every race, nothing lost, nothing torn."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

CLIENTS = 40
ROUNDS = 5


def at_once(work: Callable[[int], Any]) -> list[Any]:
    """`work(0)` to `work(39)`, all begun at the same moment; results in order, a client's error as its code."""
    ready = threading.Barrier(CLIENTS)

    def run(number: int) -> Any:
        ready.wait()
        try:
            return work(number)
        except ClientError as error:
            return error.response["Error"]["Code"]

    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(run, range(CLIENTS)))


def test_one_writer_of_an_object_wins(client, name):
    s3 = client("s3")
    s3.create_bucket(Bucket=name)
    for number in range(ROUNDS):
        key = f"k{number}"

        def put(writer: int, key: str = key) -> str:
            body = f"{writer}".encode() * 1000
            s3.put_object(Bucket=name, Key=key, Body=body, IfNoneMatch="*")
            return "won"

        outcomes = at_once(put)
        assert outcomes.count("won") == 1
        assert outcomes.count("PreconditionFailed") == CLIENTS - 1
        body = s3.get_object(Bucket=name, Key=key)["Body"].read()
        assert body == f"{outcomes.index('won')}".encode() * 1000


def test_one_completion_of_uploads_in_parts_wins(client, name):
    s3 = client("s3")
    s3.create_bucket(Bucket=name)
    uploads = []
    for number in range(CLIENTS):
        upload = s3.create_multipart_upload(Bucket=name, Key="k")["UploadId"]
        target = {"Bucket": name, "Key": "k", "UploadId": upload}
        part = s3.upload_part(**target, PartNumber=1, Body=str(number).encode())
        uploads.append(target | {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}})
    outcomes = at_once(lambda number: s3.complete_multipart_upload(**uploads[number], IfNoneMatch="*") and "won")
    assert outcomes.count("won") == 1
    assert outcomes.count("PreconditionFailed") == CLIENTS - 1
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == str(outcomes.index("won")).encode()


def test_compare_and_swap_loses_nothing(client, name):
    s3 = client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="sum", Body=b"0")

    def add(_: int) -> None:
        while True:
            got = s3.get_object(Bucket=name, Key="sum")
            try:
                body = str(int(got["Body"].read()) + 1).encode()
                s3.put_object(Bucket=name, Key="sum", Body=body, IfMatch=got["ETag"])
            except ClientError as error:
                if error.response["Error"]["Code"] != "PreconditionFailed":
                    raise
            else:
                return

    assert at_once(add) == [None] * CLIENTS
    assert s3.get_object(Bucket=name, Key="sum")["Body"].read() == str(CLIENTS).encode()


def test_readers_see_whole_objects_while_they_are_replaced(client, name):
    s3 = client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=b"-" * 300_000)

    def work(number: int) -> bool:
        if number % 2:
            s3.put_object(Bucket=name, Key="k", Body=bytes([number]) * 300_000)
            return True
        body = s3.get_object(Bucket=name, Key="k")["Body"].read()
        return len(body) == 300_000 and len(set(body)) == 1

    assert all(outcome is True for outcome in at_once(work))


def test_transactions_and_puts_side_by_side(client, name):
    dynamodb = client("dynamodb")
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "PK", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    absent = {"TableName": name, "ConditionExpression": "attribute_not_exists(PK)"}

    def work(number: int) -> str:
        dynamodb.put_item(TableName=name, Item={"PK": {"S": f"plain-{number}"}})
        mine = {"Put": {"Item": {"PK": {"S": f"mine-{number}"}}, **absent}}
        prize = {"Put": {"Item": {"PK": {"S": "prize"}, "winner": {"N": str(number)}}, **absent}}
        dynamodb.transact_write_items(TransactItems=[mine, prize])
        return "won"

    outcomes = at_once(work)
    assert outcomes.count("won") == 1
    assert set(outcomes) == {"won", "TransactionCanceledException"}
    items = {item["PK"]["S"]: item for item in dynamodb.scan(TableName=name)["Items"]}
    winner = outcomes.index("won")
    assert set(items) == {f"plain-{n}" for n in range(CLIENTS)} | {f"mine-{winner}", "prize"}
    assert items["prize"]["winner"] == {"N": str(winner)}

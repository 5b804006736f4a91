"""DynamoLedger: conditions, transactions, strongly consistent reads."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from edgetrain.contracts import Contract, Receipt, Refusal, RunRow
from edgetrain.errors import RunNotFound, TransientError, UpdateLate
from edgetrain.stores.ledger import CHANGES, DynamoLedger

ROW = RunRow(run_id="r", task="t", status="RUNNING", execution_arn="arn", created_at="2026-01-01", rounds=3)
RECEIPT = Receipt(
    run_id="r", round=1, client="c", key="k", version_id="v", sha256="0" * 64, size=1, num_examples=5, loss=0.125
)
REFUSAL = Refusal(run_id="r", round=1, client="c", error="UpdateLate", message="m")
PARTITION = "RUN#r#ROUND#00001"
ABSENT = {"TableName": "table", "ConditionExpression": "attribute_not_exists(PK)"}


def key(partition: str, sort: str) -> dict[str, Any]:
    return {"PK": {"S": partition}, "SK": {"S": sort}}


def item(partition: str, sort: str, row: Contract) -> dict[str, Any]:
    return {**key(partition, sort), "body": {"S": row.model_dump_json()}}


def expect_get(dynamodb: Stubber, partition: str, sort: str, row: Contract | None) -> None:
    answer = {} if row is None else {"Item": item(partition, sort, row)}
    request = {"TableName": "table", "Key": key(partition, sort), "ConsistentRead": True}
    dynamodb.add_response("get_item", answer, request)


# --- runs --------------------------------------------------------------------------------------------------------


def test_a_run_is_created_once(ledger: DynamoLedger, dynamodb: Stubber) -> None:
    dynamodb.add_response("put_item", {}, {"Item": item("RUNS", "r", ROW), **ABSENT})
    assert ledger.create_run(ROW) == ROW
    stands = ROW.model_copy(update={"created_at": "2025"})
    dynamodb.add_client_error("put_item", "ConditionalCheckFailedException")
    expect_get(dynamodb, "RUNS", "r", stands)
    assert ledger.create_run(ROW) == stands


def test_no_such_run(ledger: DynamoLedger, dynamodb: Stubber) -> None:
    expect_get(dynamodb, "RUNS", "r", None)
    with pytest.raises(RunNotFound, match="'r'"):
        ledger.run("r")


def done(row: RunRow) -> RunRow:
    return row.model_copy(update={"rounds_done": max(row.rounds_done, 1)})


def swap(old: RunRow, new: RunRow) -> dict[str, Any]:
    return {
        "TableName": "table",
        "Item": item("RUNS", "r", new),
        "ConditionExpression": "#body = :row",
        "ExpressionAttributeNames": {"#body": "body"},
        "ExpressionAttributeValues": {":row": {"S": old.model_dump_json()}},
    }


def test_a_change_is_made_to_what_stands(ledger: DynamoLedger, dynamodb: Stubber) -> None:
    """Somebody else's change came in between: it is read again, and kept."""
    expect_get(dynamodb, "RUNS", "r", ROW)
    dynamodb.add_client_error("put_item", "ConditionalCheckFailedException", expected_params=swap(ROW, done(ROW)))
    other = ROW.model_copy(update={"status": "SUCCEEDED", "model_version": 4})
    expect_get(dynamodb, "RUNS", "r", other)
    dynamodb.add_response("put_item", {}, swap(other, done(other)))
    row = ledger.change_run("r", done)
    assert (row.status, row.model_version, row.rounds_done) == ("SUCCEEDED", 4, 1)


def test_no_change_is_not_written(ledger: DynamoLedger, dynamodb: Stubber) -> None:
    expect_get(dynamodb, "RUNS", "r", done(ROW))
    assert ledger.change_run("r", done) == done(ROW)


def test_a_row_that_is_always_changed_by_others(ledger: DynamoLedger, dynamodb: Stubber) -> None:
    for _ in range(CHANGES):
        expect_get(dynamodb, "RUNS", "r", ROW)
        dynamodb.add_client_error("put_item", "ConditionalCheckFailedException")
    with pytest.raises(TransientError, match="changed by others"):
        ledger.change_run("r", done)


def test_a_change_of_no_run(ledger: DynamoLedger, dynamodb: Stubber) -> None:
    expect_get(dynamodb, "RUNS", "r", None)
    with pytest.raises(RunNotFound):
        ledger.change_run("r", done)


def test_runs_are_listed_newest_first_over_pages(ledger: DynamoLedger, dynamodb: Stubber) -> None:
    older = ROW.model_copy(update={"run_id": "a", "created_at": "2025"})
    query = {
        "TableName": "table",
        "KeyConditionExpression": "PK = :pk",
        "ExpressionAttributeValues": {":pk": {"S": "RUNS"}},
        "ConsistentRead": True,
    }
    last = key("RUNS", "a")
    dynamodb.add_response("query", {"Items": [item("RUNS", "a", older)], "LastEvaluatedKey": last}, query)
    dynamodb.add_response("query", {"Items": [item("RUNS", "r", ROW)]}, {**query, "ExclusiveStartKey": last})
    assert [row.run_id for row in ledger.runs()] == ["r", "a"]


# --- rounds ------------------------------------------------------------------------------------------------------

TRANSACTION = {
    "TransactItems": [
        {"ConditionCheck": {"Key": key(PARTITION, "SEAL"), **ABSENT}},
        {"Put": {"Item": item(PARTITION, "RECEIPT#c", RECEIPT), **ABSENT}},
    ]
}


def cancelled(dynamodb: Stubber, *codes: str) -> None:
    dynamodb.add_client_error(
        "transact_write_items",
        "TransactionCanceledException",
        modeled_fields={"CancellationReasons": [{"Code": code} for code in codes]},
    )


def test_a_receipt_needs_an_open_round(ledger: DynamoLedger, dynamodb: Stubber) -> None:
    dynamodb.add_response("transact_write_items", {}, TRANSACTION)
    assert ledger.put_receipt(RECEIPT) == RECEIPT


def test_a_sealed_round_is_late(ledger: DynamoLedger, dynamodb: Stubber) -> None:
    cancelled(dynamodb, "ConditionalCheckFailed", "None")
    expect_get(dynamodb, PARTITION, "RECEIPT#c", None)
    with pytest.raises(UpdateLate, match="round 1") as caught:
        ledger.put_receipt(RECEIPT)
    assert caught.value.client == "c"


@pytest.mark.parametrize("codes", [("None", "ConditionalCheckFailed"), ("ConditionalCheckFailed",) * 2])
def test_the_receipt_that_stands_is_the_answer(ledger: DynamoLedger, dynamodb: Stubber, codes: tuple[str, ...]) -> None:
    """Also after the seal: the client was not late, only its second try was."""
    standing = RECEIPT.model_copy(update={"version_id": "v0"})
    cancelled(dynamodb, *codes)
    expect_get(dynamodb, PARTITION, "RECEIPT#c", standing)
    assert ledger.put_receipt(RECEIPT) == standing


@pytest.mark.parametrize("codes", [("TransactionConflict", "None"), ("None", "ThrottlingError")])
def test_a_transaction_that_met_another_is_worth_another_try(
    ledger: DynamoLedger, dynamodb: Stubber, codes: tuple[str, ...]
) -> None:
    cancelled(dynamodb, *codes)
    if "TransactionConflict" not in codes:
        expect_get(dynamodb, PARTITION, "RECEIPT#c", None)
    with pytest.raises(TransientError):
        ledger.put_receipt(RECEIPT)


def test_receipts_and_refusals_are_read_by_their_prefix(ledger: DynamoLedger, dynamodb: Stubber) -> None:
    for prefix, row, read in (
        ("RECEIPT#", RECEIPT, ledger.receipts),
        ("REFUSAL#", REFUSAL, ledger.refusals),
    ):
        request = {
            "TableName": "table",
            "KeyConditionExpression": "PK = :pk AND begins_with(SK, :sk)",
            "ExpressionAttributeValues": {":pk": {"S": PARTITION}, ":sk": {"S": prefix}},
            "ConsistentRead": True,
        }
        dynamodb.add_response("query", {"Items": [item(PARTITION, prefix + "c", row)]}, request)
        assert read("r", 1) == [row]


def test_the_last_refusal_stands(ledger: DynamoLedger, dynamodb: Stubber) -> None:
    request = {"TableName": "table", "Item": item(PARTITION, "REFUSAL#c", REFUSAL)}
    dynamodb.add_response("put_item", {}, request)
    ledger.put_refusal(REFUSAL)


def test_sealing(ledger: DynamoLedger, dynamodb: Stubber) -> None:
    dynamodb.add_response("put_item", {}, {"TableName": "table", "Item": key(PARTITION, "SEAL")})
    ledger.seal("r", 1)
    dynamodb.add_client_error("put_item", "ThrottlingException")
    with pytest.raises(TransientError, match="seal of round 1"):
        ledger.seal("r", 1)


# --- versions ----------------------------------------------------------------------------------------------------


def expect_versions(dynamodb: Stubber, *owners: str) -> None:
    items = [
        {**key("MODEL#t", f"VERSION#{number:06d}"), "run_id": {"S": owner}} for number, owner in enumerate(owners, 1)
    ]
    dynamodb.add_response("query", {"Items": items})


def claim(number: int) -> dict[str, Any]:
    return {"Item": {**key("MODEL#t", f"VERSION#{number:06d}"), "run_id": {"S": "r"}}, **ABSENT}


def test_the_next_free_version_is_claimed(ledger: DynamoLedger, dynamodb: Stubber) -> None:
    expect_versions(dynamodb, "a", "b")
    dynamodb.add_response("put_item", {}, claim(3))
    assert ledger.claim_version("t", "r") == 3


def test_a_run_keeps_its_version(ledger: DynamoLedger, dynamodb: Stubber) -> None:
    expect_versions(dynamodb, "a", "r", "b")
    assert ledger.claim_version("t", "r") == 2


def test_who_loses_a_number_takes_the_next(ledger: DynamoLedger, dynamodb: Stubber) -> None:
    expect_versions(dynamodb)
    dynamodb.add_client_error("put_item", "ConditionalCheckFailedException", expected_params=claim(1))
    expect_versions(dynamodb, "winner")
    dynamodb.add_response("put_item", {}, claim(2))
    assert ledger.claim_version("t", "r") == 2


def test_other_errors_pass(ledger: DynamoLedger, dynamodb: Stubber) -> None:
    for method, call in (
        ("put_item", lambda: ledger.create_run(ROW)),
        ("transact_write_items", lambda: ledger.put_receipt(RECEIPT)),
    ):
        dynamodb.add_client_error(method, "AccessDeniedException")
        with pytest.raises(ClientError, match="AccessDenied"):
            call()
    expect_versions(dynamodb)
    dynamodb.add_client_error("put_item", "AccessDeniedException")
    with pytest.raises(ClientError, match="AccessDenied"):
        ledger.claim_version("t", "r")

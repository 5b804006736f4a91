"""The ledger: receipts, refusals, seals, runs and versions in one DynamoDB table (keys: `edgetrain.keys`)."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from edgetrain import keys
from edgetrain.contracts import Contract, Receipt, Refusal, RunRow
from edgetrain.errors import RunNotFound, TransientError, UpdateLate
from edgetrain.stores.failures import cancellation_codes, code_of, translated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Row = TypeVar("Row", bound=Contract)
#: The message itself lies in one attribute as JSON: floats stay floats, and the contract checks it on the way out.
BODY = "body"
ABSENT: Any = {"ConditionExpression": "attribute_not_exists(PK)"}
#: How often a run's row is read and written before somebody else is let through.
CHANGES = 10


class Ledger(Protocol):
    """What the steps of a round ask of the ledger. Reads are strongly consistent."""

    def create_run(self, row: RunRow) -> RunRow:
        """Put a run's row unless there is one; the row that stands is returned."""
        ...

    def run(self, run_id: str) -> RunRow:
        """A run's row, or `RunNotFound`."""
        ...

    def change_run(self, run_id: str, change: Callable[[RunRow], RunRow]) -> RunRow:
        """Replace a run's row by what `change` makes of it; nothing that another execution wrote is lost.

        `change` may be called more than once. The row that stands then is returned.

        Raises:
            RunNotFound: there is no such run.
            TransientError: others changed it each time.
        """
        ...

    def runs(self) -> list[RunRow]:
        """All runs, newest first."""
        ...

    def put_receipt(self, receipt: Receipt) -> Receipt:
        """Record that an update counts; the receipt that stands is returned.

        Raises:
            UpdateLate: the round is sealed and holds no receipt of this client.
        """
        ...

    def receipt(self, run_id: str, round_number: int, client: str) -> Receipt | None:
        """One client's receipt."""
        ...

    def receipts(self, run_id: str, round_number: int) -> list[Receipt]:
        """All receipts of a round, by client."""
        ...

    def put_refusal(self, refusal: Refusal) -> None:
        """Record why an update does not count; the last word stands."""
        ...

    def refusals(self, run_id: str, round_number: int) -> list[Refusal]:
        """All refusals of a round, by client."""
        ...

    def seal(self, run_id: str, round_number: int) -> None:
        """From now on a receipt for this round is late. Sealing twice is sealing once."""
        ...

    def claim_version(self, task: str, run_id: str) -> int:
        """The version number under which a run publishes: the next free one, the same for every try."""
        ...


class DynamoLedger:
    """The ledger in DynamoDB."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client, self._table = client, table
        self._pack, self._unpack = TypeSerializer().serialize, TypeDeserializer().deserialize

    # --- runs

    def create_run(self, row: RunRow) -> RunRow:
        """See `Ledger`."""
        key = self._key(keys.LEDGER_RUNS, row.run_id)
        return row if self._put_if(key, row, ABSENT) else self.run(row.run_id)

    def run(self, run_id: str) -> RunRow:
        """See `Ledger`."""
        row = self._get(self._key(keys.LEDGER_RUNS, run_id), RunRow)
        if row is None:
            raise RunNotFound(f"there is no run {run_id!r}")
        return row

    def change_run(self, run_id: str, change: Callable[[RunRow], RunRow]) -> RunRow:
        """See `Ledger`."""
        key = self._key(keys.LEDGER_RUNS, run_id)
        for _ in range(CHANGES):
            row = self.run(run_id)
            changed = change(row)
            if changed == row or self._replace(key, row, changed):
                return changed
        raise TransientError(f"run {run_id!r}: its row was changed by others {CHANGES} times")

    def _replace(self, key: dict[str, Any], row: Contract, by: Contract) -> bool:
        """Compare and swap."""
        unchanged: Any = {
            "ConditionExpression": "#body = :row",
            "ExpressionAttributeNames": {"#body": BODY},
            "ExpressionAttributeValues": {":row": self._pack(row.model_dump_json())},
        }
        return self._put_if(key, by, unchanged)

    def runs(self) -> list[RunRow]:
        """See `Ledger`."""
        rows = self._query(keys.LEDGER_RUNS, "", RunRow)
        return sorted(rows, key=lambda row: (row.created_at, row.run_id), reverse=True)

    # --- rounds

    def put_receipt(self, receipt: Receipt) -> Receipt:
        """See `Ledger`."""
        partition = keys.ledger_round(receipt.run_id, receipt.round)
        key = self._key(partition, keys.LEDGER_RECEIPT + receipt.client)
        unsealed: Any = {"TableName": self._table, "Key": self._key(partition, keys.LEDGER_SEAL), **ABSENT}
        try:
            with translated(f"receipt of {receipt.client}"):
                put: Any = {"TableName": self._table, "Item": self._item(key, receipt), **ABSENT}
                self._client.transact_write_items(TransactItems=[{"ConditionCheck": unsealed}, {"Put": put}])
        except ClientError as error:
            if code_of(error) != "TransactionCanceledException":
                raise
            return self._standing_receipt(receipt, cancellation_codes(error))
        return receipt

    def _standing_receipt(self, receipt: Receipt, codes: list[str]) -> Receipt:
        standing = self.receipt(receipt.run_id, receipt.round, receipt.client)
        if standing is not None:
            return standing
        if codes[:1] == ["ConditionalCheckFailed"]:
            raise UpdateLate(f"round {receipt.round} was sealed before this update's receipt", client=receipt.client)
        raise TransientError(f"receipt of {receipt.client}: {', '.join(codes)}")

    def receipt(self, run_id: str, round_number: int, client: str) -> Receipt | None:
        """See `Ledger`."""
        key = self._key(keys.ledger_round(run_id, round_number), keys.LEDGER_RECEIPT + client)
        return self._get(key, Receipt)

    def receipts(self, run_id: str, round_number: int) -> list[Receipt]:
        """See `Ledger`."""
        return list(self._query(keys.ledger_round(run_id, round_number), keys.LEDGER_RECEIPT, Receipt))

    def put_refusal(self, refusal: Refusal) -> None:
        """See `Ledger`."""
        partition = keys.ledger_round(refusal.run_id, refusal.round)
        self._put(self._key(partition, keys.LEDGER_REFUSAL + refusal.client), refusal)

    def refusals(self, run_id: str, round_number: int) -> list[Refusal]:
        """See `Ledger`."""
        return list(self._query(keys.ledger_round(run_id, round_number), keys.LEDGER_REFUSAL, Refusal))

    def seal(self, run_id: str, round_number: int) -> None:
        """See `Ledger`."""
        with translated(f"seal of round {round_number}"):
            self._client.put_item(
                TableName=self._table, Item=self._key(keys.ledger_round(run_id, round_number), keys.LEDGER_SEAL)
            )

    # --- versions

    def claim_version(self, task: str, run_id: str) -> int:
        """See `Ledger`. Two runs that publish at once: the loser of a number takes the next one."""
        partition = keys.ledger_model(task)
        while True:
            taken = self._versions(partition)
            mine = next((number for number, owner in taken.items() if owner == run_id), None)
            if mine is not None:
                return mine
            number = max(taken, default=0) + 1
            item = self._key(partition, f"{keys.LEDGER_VERSION}{number:06d}") | {"run_id": self._pack(run_id)}
            try:
                with translated(f"version {number} of {task}"):
                    self._client.put_item(TableName=self._table, Item=item, **ABSENT)
            except ClientError as error:
                if code_of(error) != "ConditionalCheckFailedException":
                    raise
                continue
            return number

    def _versions(self, partition: str) -> dict[int, str]:
        items = self._items(partition, keys.LEDGER_VERSION)
        return {int(i["SK"]["S"].removeprefix(keys.LEDGER_VERSION)): i["run_id"]["S"] for i in items}

    # --- DynamoDB's own words

    def _key(self, partition: str, sort: str) -> dict[str, Any]:
        return {"PK": self._pack(partition), "SK": self._pack(sort)}

    def _item(self, key: dict[str, Any], row: Contract) -> dict[str, Any]:
        return key | {BODY: self._pack(row.model_dump_json())}

    def _put(self, key: dict[str, Any], row: Contract) -> None:
        with translated(f"ledger row {key['SK']['S']}"):
            self._client.put_item(TableName=self._table, Item=self._item(key, row))

    def _put_if(self, key: dict[str, Any], row: Contract, condition: dict[str, Any]) -> bool:
        try:
            with translated(f"ledger row {key['SK']['S']}"):
                self._client.put_item(TableName=self._table, Item=self._item(key, row), **condition)
        except ClientError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def _get(self, key: dict[str, Any], kind: type[Row]) -> Row | None:
        with translated(f"ledger row {key['SK']['S']}"):
            item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return None if item is None else kind.model_validate_json(self._unpack(item[BODY]))

    def _query(self, partition: str, prefix: str, kind: type[Row]) -> Iterator[Row]:
        return (kind.model_validate_json(self._unpack(item[BODY])) for item in self._items(partition, prefix))

    def _items(self, partition: str, prefix: str) -> Iterator[dict[str, Any]]:
        condition, values = "PK = :pk", {":pk": self._pack(partition)}
        if prefix:
            condition, values = condition + " AND begins_with(SK, :sk)", values | {":sk": self._pack(prefix)}
        with translated(f"ledger rows {partition}"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                ConsistentRead=True,
            )
            for page in pages:
                yield from page["Items"]
